#pragma once
// The bounds of every field of the events, as data beside the structs. The codec enforces them and
// the JSON schemas repeat them; a contract test proves that both accept and refuse the same
// documents. Constants, any thread.
#include <cstdint>
#include <limits>

#include "events/announcements.hpp"
#include "events/events.hpp"
#include "events/services.hpp"
#include "json/limits.hpp"

namespace orderflow::events {

inline constexpr std::int64_t kMaxPrice = 1'000'000'000'000;       // 10^12 minor units
inline constexpr std::int64_t kMaxTotal = 10'000'000'000'000'000;  // 100 lines × 100 pieces × 10^12
inline constexpr std::int64_t kMaxAdjustment = 1'000'000'000'000;  // pieces
inline constexpr std::int64_t kMaxQuantity = 100;                  // pieces per line
inline constexpr std::size_t kMaxLines = 100;
inline constexpr std::size_t kMaxTopicChars = 249;  // Kafka's limit
inline constexpr std::int64_t kMaxPartition = std::numeric_limits<std::int32_t>::max();
// 2^53 - 1, which every JSON reader represents exactly.
inline constexpr std::int64_t kMaxOffset = 9'007'199'254'740'991;
inline constexpr std::int64_t kMaxAttempts = 1'000'000;

}  // namespace orderflow::events

namespace orderflow::json {

template <>
inline constexpr auto kLimits<events::OrderLine> = std::tuple{
    length(&events::OrderLine::product_id, 1, 64), length(&events::OrderLine::name, 1, 200),
    range(&events::OrderLine::price, 0, events::kMaxPrice),
    range(&events::OrderLine::quantity, 1, events::kMaxQuantity)};
template <>
inline constexpr auto kLimits<events::PaymentChoice> =
    std::tuple{length(&events::PaymentChoice::token, 1, 64)};
template <>
inline constexpr auto kLimits<events::Address> = std::tuple{
    length(&events::Address::line1, 1, 200), length(&events::Address::city, 1, 100),
    length(&events::Address::postal_code, 1, 20), capitals(&events::Address::country, 2)};
template <>
inline constexpr auto kLimits<events::Destination> =
    std::tuple{length(&events::Destination::recipient, 1, 100)};
template <>
inline constexpr auto kLimits<events::Order> = std::tuple{
    length(&events::Order::customer_id, 1, 64), range(&events::Order::total, 0, events::kMaxTotal),
    count(&events::Order::items, 1, events::kMaxLines)};
template <>
inline constexpr auto kLimits<events::OrderCompleted> =
    std::tuple{length(&events::OrderCompleted::customer_id, 1, 64),
               range(&events::OrderCompleted::total, 0, events::kMaxTotal)};
template <>
inline constexpr auto kLimits<events::OrderCancelled> =
    std::tuple{length(&events::OrderCancelled::customer_id, 1, 64),
               range(&events::OrderCancelled::total, 0, events::kMaxTotal),
               count(&events::OrderCancelled::undone, 0, 3)};
template <>
inline constexpr auto kLimits<events::StockRejected> =
    std::tuple{length(&events::StockRejected::product_id, 1, 64)};
template <>
inline constexpr auto kLimits<events::StockAdjusted> = std::tuple{
    length(&events::StockAdjusted::product_id, 1, 64), length(&events::StockAdjusted::name, 1, 200),
    range(&events::StockAdjusted::price, 0, events::kMaxPrice),
    range(&events::StockAdjusted::change, -events::kMaxAdjustment, events::kMaxAdjustment)};
template <>
inline constexpr auto kLimits<events::PaymentCaptured> =
    std::tuple{length(&events::PaymentCaptured::charge_id, 1, 64),
               range(&events::PaymentCaptured::amount, 0, events::kMaxTotal)};
template <>
inline constexpr auto kLimits<events::PaymentRefunded> =
    std::tuple{range(&events::PaymentRefunded::amount, 0, events::kMaxTotal),
               length(&events::PaymentRefunded::settled_by, 1, 64)};
template <>
inline constexpr auto kLimits<events::NothingToCompensate> =
    std::tuple{length(&events::NothingToCompensate::settled_by, 1, 64)};
template <>
inline constexpr auto kLimits<events::ShipmentScheduled> =
    std::tuple{length(&events::ShipmentScheduled::tracking_number, 1, 40),
               range(&events::ShipmentScheduled::total, 0, events::kMaxTotal)};
template <>
inline constexpr auto kLimits<events::HeaderField> =
    std::tuple{length(&events::HeaderField::name, 0, events::kMaxHeaderBytes),
               length(&events::HeaderField::value, 0, events::kMaxHeaderBytes)};
template <>
inline constexpr auto kLimits<events::OriginalMessage> =
    std::tuple{length(&events::OriginalMessage::topic, 1, events::kMaxTopicChars),
               range(&events::OriginalMessage::partition, 0, events::kMaxPartition),
               range(&events::OriginalMessage::offset, 0, events::kMaxOffset),
               length(&events::OriginalMessage::key, 0, events::kMaxKeyBytes),
               count(&events::OriginalMessage::headers, 0, events::kMaxHeaderFields),
               length(&events::OriginalMessage::value, 0, events::kMaxValueBytes),
               one_of(&events::OriginalMessage::encoding, events::kEncodings)};
template <>
inline constexpr auto kLimits<events::RecordParked> =
    std::tuple{length(&events::RecordParked::error, 0, events::kMaxErrorBytes),
               range(&events::RecordParked::attempts, 0, events::kMaxAttempts),
               one_of(&events::RecordParked::service, events::kServiceNames)};
template <>
inline constexpr auto kLimits<events::RecordDied> =
    std::tuple{length(&events::RecordDied::error, 0, events::kMaxErrorBytes),
               range(&events::RecordDied::attempts, 0, events::kMaxAttempts),
               one_of(&events::RecordDied::service, events::kServiceNames)};

}  // namespace orderflow::json
