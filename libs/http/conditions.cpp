#include "http/conditions.hpp"

#include <algorithm>

namespace orderflow::http {
namespace {

constexpr std::string_view kBlanks = " \t";

void skip(std::string_view& rest, std::string_view characters) {
    rest.remove_prefix(std::min(rest.find_first_not_of(characters), rest.size()));
}

bool is_tag_character(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0x21 || (byte >= 0x23 && byte != 0x7f);
}

// Removes the next tag from `rest` and returns it; nullopt: there is none.
std::optional<EntityTag> take_tag(std::string_view& rest) {
    EntityTag tag;
    tag.weak = rest.starts_with("W/");
    if (tag.weak) rest.remove_prefix(2);
    if (!rest.starts_with('"')) return std::nullopt;
    rest.remove_prefix(1);
    const std::size_t end = rest.find('"');
    if (end == std::string_view::npos) return std::nullopt;
    tag.opaque = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (!std::ranges::all_of(tag.opaque, is_tag_character)) return std::nullopt;
    return tag;
}

}  // namespace

Result<std::optional<EntityTags>> entity_tags(const Request& request, std::string_view name) {
    if (request.headers.count(name) == 0) return std::optional<EntityTags>();
    Error malformed{"precondition", std::string(name) + " must be * or a list of tags in quotes"};
    std::string list;
    for (std::size_t i = 0; i < request.headers.size(); ++i) {
        const auto [field, value] = request.headers[i];
        if (equals_ignoring_case(field, name)) list.append(value).append(",");
    }
    EntityTags found;
    std::string_view rest = list;
    for (skip(rest, " \t,"); !rest.empty(); skip(rest, " \t,")) {
        if (rest.front() == '*') {
            found.any = true;
            rest.remove_prefix(1);
        } else {
            auto tag = take_tag(rest);
            if (!tag) return malformed;
            found.tags.push_back(std::move(*tag));
        }
        skip(rest, kBlanks);
        if (!rest.starts_with(',')) return malformed;
    }
    if (found.any != found.tags.empty()) return malformed;  // no tag at all, or * beside tags
    return std::optional(std::move(found));
}

std::optional<Error> unusable(const Request& request, std::span<const std::string_view> fields,
                              const char* why) {
    for (const std::string_view field : fields) {
        if (request.headers.count(field) == 0) continue;
        return Error{"precondition", std::string(field) + " " + why};
    }
    return std::nullopt;
}

}  // namespace orderflow::http
