#pragma once
// The preconditions of a request (RFC 9110 section 13): entity tags, as in If-Match and
// If-None-Match. Used by the services' *_api files. Pure, any thread.
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "http/request.hpp"

namespace orderflow::http {

// A tag: "xyz", or W/"xyz" for a weak one. `opaque` is the part within the quotes.
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

// The tags of the field `name`. The field may be repeated: its values are one list. nullopt: the
// request has no such field. Error "precondition": the field is neither * nor a list of quoted
// tags, or it contains no tag.
Result<std::optional<EntityTags>> entity_tags(const Request& request, std::string_view name);

// All fields that make a request conditional, except the one for ranges.
inline constexpr std::array<std::string_view, 4> kConditions{
    "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"};

// For a request that changes something: a condition that the server cannot check must be refused
// and not ignored. Returns error "precondition" if the request has one of `fields`. The message is
// the name of the field and then `why`.
std::optional<Error> unusable(const Request& request, std::span<const std::string_view> fields,
                              const char* why);

}  // namespace orderflow::http
