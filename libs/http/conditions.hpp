#pragma once
// The preconditions of a request (RFC 9110 section 13): entity tags, as If-Match and If-None-Match
// carry them. Used by the services' *_api files.
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "http/request.hpp"

namespace orderflow::http {

// "xyz", or W/"xyz" for a weak one; without its quotes.
struct EntityTag {
    std::string opaque;
    bool weak = false;
    bool operator==(const EntityTag&) const = default;
};

struct EntityTags {
    bool any = false;  // "*"
    std::vector<EntityTag> tags;
    bool operator==(const EntityTags&) const = default;
};

// The tags of a field that may be repeated: its values are one list. nullopt: the request has no
// such field. Error "precondition": it is neither * nor a list of quoted tags, or names none.
Result<std::optional<EntityTags>> entity_tags(const Request& request, std::string_view name);

// All fields that make a request conditional but Range's.
inline constexpr std::array<std::string_view, 4> kConditions{
    "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"};

// For a request that changes something: a condition that cannot be kept to is refused rather than
// ignored. Error "precondition" if it has one of these fields; `why` ends the sentence.
std::optional<Error> unusable(const Request& request, std::span<const std::string_view> fields,
                              const char* why);

}  // namespace orderflow::http
