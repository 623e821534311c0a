#pragma once
// Which members of an event are about a person, and an event in which they are masked, for pages
// that all who run the shop may look at. One list for all events; a contract test holds each
// property of each schema to stand in it. Used by analytics' Kafka page; pure values, any thread.
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace orderflow::events {

// What is shown in place of such a member. It says nothing of how long the text was.
inline constexpr std::string_view kMask = "•••";

struct MemberPrivacy {
    std::string_view name;  // in JSON, in whatever object it stands
    bool personal;
};
std::span<const MemberPrivacy> member_privacies();

// Of a name that does not stand in the list: true.
bool is_personal(std::string_view member);

// The record's value as JSON with kMask for each personal member, and without members that the
// codec does not know. Empty: it is no event that the catalog knows on this topic, or not what it
// says it is, so that nobody knows what is personal in it.
std::optional<std::string> without_persons(std::string_view topic, std::string_view type,
                                           std::string_view value);

}  // namespace orderflow::events
