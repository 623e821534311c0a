#include "events/personal.hpp"

#include <algorithm>
#include <array>

#include "events/announcements.hpp"
#include "events/catalog.hpp"
#include "events/codec.hpp"
#include "json/json.hpp"

namespace orderflow::events {
namespace {

constexpr bool kPersonal = true;
constexpr bool kOpen = false;

// Sorted by name. `error` may quote a row of a database; `key` and `value` belong to a record or to
// a header.
constexpr std::array<MemberPrivacy, 46> kMembers{{
    {"address", kOpen},        {"amount", kOpen},
    {"attempts", kOpen},       {"change", kOpen},
    {"chargeId", kOpen},       {"city", kPersonal},
    {"country", kOpen},        {"currency", kOpen},
    {"customerId", kPersonal}, {"dueAt", kOpen},
    {"encoding", kOpen},       {"error", kPersonal},
    {"headers", kOpen},        {"items", kOpen},
    {"key", kPersonal},        {"line1", kPersonal},
    {"method", kOpen},         {"name", kOpen},
    {"offset", kOpen},         {"order", kOpen},
    {"orderId", kOpen},        {"originalMessage", kOpen},
    {"participant", kOpen},    {"partition", kOpen},
    {"payment", kOpen},        {"placedAt", kOpen},
    {"postalCode", kPersonal}, {"price", kOpen},
    {"productId", kOpen},      {"quantity", kOpen},
    {"reason", kOpen},         {"recipient", kPersonal},
    {"service", kOpen},        {"settledBy", kPersonal},
    {"shipment", kOpen},       {"shipmentId", kOpen},
    {"storageBooked", kOpen},  {"timestamp", kOpen},
    {"token", kPersonal},      {"topic", kOpen},
    {"total", kOpen},          {"trackingNumber", kPersonal},
    {"truncated", kOpen},      {"undone", kOpen},
    {"value", kPersonal},      {"warehouseStorage", kOpen},
}};

template <class T>
void write_open(json::Writer& writer, const T& value) {
    if constexpr (json::IsOptional<T>::value) {
        write_open(writer, *value);
    } else if constexpr (json::IsVector<T>::value) {
        writer.StartArray();
        for (const auto& element : value) write_open(writer, element);
        writer.EndArray();
    } else if constexpr (boost::describe::has_describe_members<T>::value) {
        writer.StartObject();
        boost::mp11::mp_for_each<json::Members<T>>([&](auto descriptor) {
            using D = decltype(descriptor);
            const auto& member = value.*D::pointer;
            if constexpr (json::IsOptional<std::remove_cvref_t<decltype(member)>>::value) {
                if (!member) return;
            }
            constexpr auto name = json::kMemberName<D>.view();
            json::write_name(writer, name);
            is_personal(name) ? json::write_text(writer, kMask) : write_open(writer, member);
        });
        writer.EndObject();
    } else {
        json::write_value(writer, value);
    }
}

template <class T>
std::string open_json(const T& value) {
    std::string text;
    json::StringSink sink{text};
    json::Writer writer(sink);
    write_open(writer, value);
    return text;
}

template <class T>
std::optional<std::string> open_json_of(const Result<T>& decoded) {
    if (!decoded) return std::nullopt;
    return open_json(*decoded);
}

bool is_retry_topic(std::string_view topic) {
    return std::ranges::any_of(
        saga_topics(), [&](std::string_view saga) { return retry_topic_of(saga) == topic; });
}

}  // namespace

std::span<const MemberPrivacy> member_privacies() { return kMembers; }

bool is_personal(std::string_view member) {
    const auto found = std::ranges::find(kMembers, member, &MemberPrivacy::name);
    return found == kMembers.end() || found->personal;
}

std::optional<std::string> without_persons(std::string_view topic, std::string_view type,
                                           std::string_view value) {
    if (type == kRecordDiedType && topic == kDeadLetterTopic) {
        return open_json_of(decode_record_died(value));
    }
    if (type == kRecordParkedType && is_retry_topic(topic)) {
        return open_json_of(decode_record_parked(value));
    }
    const auto row = std::ranges::find_if(catalog(), [&](const CatalogRow& one) {
        return topic_of(one.producer) == topic && type_name(one.kind) == type;
    });
    if (row == catalog().end()) return std::nullopt;
    const auto event = decode(row->kind, value);
    if (!event) return std::nullopt;
    return std::visit([](const auto& data) { return open_json(data); }, *event);
}

}  // namespace orderflow::events
