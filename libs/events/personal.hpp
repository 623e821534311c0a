#pragma once
// Which members of an event are about a person, and how to mask them in an event. For pages that
// everybody who runs the shop may see. One list covers all events; a contract test checks that it
// contains every property of every schema. Used by analytics' Kafka page; pure values, any thread.
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace orderflow::events {

// The text that is shown in place of such a member. It does not reveal how long the member's text
// was.
inline constexpr std::string_view kMask = "•••";

struct MemberPrivacy {
    std::string_view name;  // in JSON; the same in every object
    bool personal;
};
std::span<const MemberPrivacy> member_privacies();

// True also for a name that is not in the list.
bool is_personal(std::string_view member);

// The record's value as JSON, with kMask for each personal member and without members that are
// unknown to the codec. Empty: the catalog has no such event on this topic, or the value is not an
// event of this type. Then it is unknown which parts of the value are personal.
std::optional<std::string> without_persons(std::string_view topic, std::string_view type,
                                           std::string_view value);

}  // namespace orderflow::events
