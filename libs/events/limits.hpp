#pragma once
// The bounds of every field, as data beside the structs: the codec enforces them, the JSON schemas
// state them again, and a contract test proves that both accept and refuse the same documents.
#include <array>
#include <cstdint>
#include <limits>
#include <tuple>

#include "events/announcements.hpp"
#include "events/catalog.hpp"
#include "events/events.hpp"

namespace orderflow::events {

// Characters (Unicode code points) of a string.
template <class Struct, class Member>
struct Length {
    Member Struct::* member;
    std::size_t min, max;
};

// An integer's inclusive bounds.
template <class Struct>
struct Range {
    std::int64_t Struct::* member;
    std::int64_t min, max;
};

// Elements of an array.
template <class Struct, class Element>
struct Count {
    std::vector<Element> Struct::* member;
    std::size_t min, max;
};

// A string of exactly `length` capital letters (country codes).
template <class Struct>
struct Capitals {
    std::string Struct::* member;
    std::size_t length;
};

// A string out of a list: wire strings that cannot be enumerators.
template <class Struct, std::size_t N>
struct OneOf {
    std::string Struct::* member;
    std::array<std::string_view, N> values;
};

template <class S, class M>
constexpr auto length(M S::* member, std::size_t min, std::size_t max) {
    return Length<S, M>{member, min, max};
}
template <class S>
constexpr auto range(std::int64_t S::* member, std::int64_t min, std::int64_t max) {
    return Range<S>{member, min, max};
}
template <class S, class E>
constexpr auto count(std::vector<E> S::* member, std::size_t min, std::size_t max) {
    return Count<S, E>{member, min, max};
}
template <class S>
constexpr auto capitals(std::string S::* member, std::size_t length) {
    return Capitals<S>{member, length};
}

template <class S, std::size_t N>
constexpr auto one_of(std::string S::* member, const std::array<std::string_view, N>& values) {
    return OneOf<S, N>{member, values};
}

inline constexpr std::int64_t kMaxPrice = 1'000'000'000'000;       // 10^12 minor units
inline constexpr std::int64_t kMaxTotal = 10'000'000'000'000'000;  // 100 lines × 100 pieces × 10^12
inline constexpr std::int64_t kMaxAdjustment = 1'000'000'000'000;  // pieces
inline constexpr std::int64_t kMaxQuantity = 100;                  // pieces per line
inline constexpr std::size_t kMaxLines = 100;
inline constexpr std::size_t kMaxTopicChars = 249;  // Kafka's own
inline constexpr std::int64_t kMaxPartition = std::numeric_limits<std::int32_t>::max();
inline constexpr std::int64_t kMaxOffset = 9'007'199'254'740'991;  // every JSON reader has it exact
inline constexpr std::int64_t kMaxAttempts = 1'000'000;

// Specialised for each struct that has bounded fields; unbounded structs keep the empty tuple.
template <class T>
inline constexpr auto kLimits = std::tuple{};

// Specialised for structs whose members may all be missing in JSON: settings, which then keep the
// value that they had.
template <class T>
inline constexpr bool kMayLackMembers = false;

template <>
inline constexpr auto kLimits<OrderLine> = std::tuple{
    length(&OrderLine::product_id, 1, 64), length(&OrderLine::name, 1, 200),
    range(&OrderLine::price, 0, kMaxPrice), range(&OrderLine::quantity, 1, kMaxQuantity)};
template <>
inline constexpr auto kLimits<PaymentChoice> = std::tuple{length(&PaymentChoice::token, 1, 64)};
template <>
inline constexpr auto kLimits<Address> =
    std::tuple{length(&Address::line1, 1, 200), length(&Address::city, 1, 100),
               length(&Address::postal_code, 1, 20), capitals(&Address::country, 2)};
template <>
inline constexpr auto kLimits<Destination> = std::tuple{length(&Destination::recipient, 1, 100)};
template <>
inline constexpr auto kLimits<Order> =
    std::tuple{length(&Order::customer_id, 1, 64), range(&Order::total, 0, kMaxTotal),
               count(&Order::items, 1, kMaxLines)};
template <>
inline constexpr auto kLimits<OrderCompleted> = std::tuple{
    length(&OrderCompleted::customer_id, 1, 64), range(&OrderCompleted::total, 0, kMaxTotal)};
template <>
inline constexpr auto kLimits<OrderCancelled> =
    std::tuple{length(&OrderCancelled::customer_id, 1, 64),
               range(&OrderCancelled::total, 0, kMaxTotal), count(&OrderCancelled::undone, 0, 3)};
template <>
inline constexpr auto kLimits<StockRejected> =
    std::tuple{length(&StockRejected::product_id, 1, 64)};
template <>
inline constexpr auto kLimits<StockAdjusted> =
    std::tuple{length(&StockAdjusted::product_id, 1, 64), length(&StockAdjusted::name, 1, 200),
               range(&StockAdjusted::price, 0, kMaxPrice),
               range(&StockAdjusted::change, -kMaxAdjustment, kMaxAdjustment)};
template <>
inline constexpr auto kLimits<PaymentCaptured> = std::tuple{
    length(&PaymentCaptured::charge_id, 1, 64), range(&PaymentCaptured::amount, 0, kMaxTotal)};
template <>
inline constexpr auto kLimits<PaymentRefunded> = std::tuple{
    range(&PaymentRefunded::amount, 0, kMaxTotal), length(&PaymentRefunded::settled_by, 1, 64)};
template <>
inline constexpr auto kLimits<NothingToCompensate> =
    std::tuple{length(&NothingToCompensate::settled_by, 1, 64)};
template <>
inline constexpr auto kLimits<ShipmentScheduled> =
    std::tuple{length(&ShipmentScheduled::tracking_number, 1, 40),
               range(&ShipmentScheduled::total, 0, kMaxTotal)};
template <>
inline constexpr auto kLimits<HeaderField> =
    std::tuple{length(&HeaderField::name, 0, kMaxHeaderBytes),
               length(&HeaderField::value, 0, kMaxHeaderBytes)};
template <>
inline constexpr auto kLimits<OriginalMessage> =
    std::tuple{length(&OriginalMessage::topic, 1, kMaxTopicChars),
               range(&OriginalMessage::partition, 0, kMaxPartition),
               range(&OriginalMessage::offset, 0, kMaxOffset),
               length(&OriginalMessage::key, 0, kMaxKeyBytes),
               count(&OriginalMessage::headers, 0, kMaxHeaderFields),
               length(&OriginalMessage::value, 0, kMaxValueBytes),
               one_of(&OriginalMessage::encoding, kEncodings)};
template <>
inline constexpr auto kLimits<RecordParked> = std::tuple{
    length(&RecordParked::error, 0, kMaxErrorBytes),
    range(&RecordParked::attempts, 0, kMaxAttempts), one_of(&RecordParked::service, kServiceNames)};
template <>
inline constexpr auto kLimits<RecordDied> = std::tuple{
    length(&RecordDied::error, 0, kMaxErrorBytes), range(&RecordDied::attempts, 0, kMaxAttempts),
    one_of(&RecordDied::service, kServiceNames)};

}  // namespace orderflow::events
