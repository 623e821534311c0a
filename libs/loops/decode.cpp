#include "loops/decode.hpp"

#include <algorithm>
#include <optional>
#include <unordered_set>
#include <utility>

#include "core/trace.hpp"
#include "events/codec.hpp"
#include "kafka/record.hpp"

namespace orderflow::loops {

namespace {

using events::EventKind;
using events::Service;

constexpr std::size_t kMaxHeaders = 64;
constexpr std::size_t kMaxHeaderBytes = 8 * 1024;

outbox::ParkedRecord dead(const kafka::Record& record, std::string error) {
    return {&record, OrderId::parse(record.key.value_or("")), outbox::Parking::dead,
            std::move(error)};
}

bool headers_within_limits(const kafka::Record& record) {
    std::size_t bytes = 0;
    for (const auto& [name, value] : record.headers) bytes += name.size() + value.size();
    return record.headers.size() <= kMaxHeaders && bytes <= kMaxHeaderBytes;
}

bool adds_up(const events::Order& order) {
    std::int64_t sum = 0;  // cannot overflow: the codec's limits
    for (const auto& line : order.items) sum += line.price * line.quantity;
    return sum == order.total;
}

// Returns whether the amounts of an event agree: no service may act on an event that contradicts
// itself.
bool is_consistent(const events::Event& event) {
    using namespace events;
    if (const auto* placed = std::get_if<OrderPlaced>(&event)) return adds_up(placed->order);
    if (const auto* reserved = std::get_if<StockReserved>(&event)) return adds_up(reserved->order);
    if (const auto* paid = std::get_if<PaymentCaptured>(&event)) {
        return adds_up(paid->order) && paid->amount == paid->order.total &&
               paid->currency == paid->order.currency;
    }
    return true;
}

// The delivery, or the reason why there is none ("code: detail").
std::optional<std::string> decode_record(const kafka::Record& record, EventKind kind,
                                         kafka::Delivery& out) {
    if (!headers_within_limits(record)) return "envelope: too many or too large headers";
    const auto id = EventId::parse(record.header("ce_id"));
    const auto time = parse_rfc3339(record.header("ce_time"));
    if (!id) return "envelope: ce_id is not a UUID";
    if (!time) return "envelope: ce_time is not an RFC 3339 time in UTC";
    if (record.header("ce_specversion") != "1.0") return "envelope: ce_specversion is not 1.0";
    if (!record.header("content-type").starts_with("application/json")) {
        return "envelope: content-type is not application/json";
    }
    if (record.value.empty()) return "empty: the record has no value";
    auto event = events::decode(kind, record.value);
    if (!event) return event.error().code + ": " + events::place_and_detail(event.error());
    if (events::key_of(*event) != record.key) {
        return "key-mismatch: the record key is not the id in the data";
    }
    if (!is_consistent(*event)) return "business: the amounts contradict each other";
    out.event = std::move(*event);
    out.id = *id;
    out.time = *time;
    out.traceparent = read_traceparent(record.header("traceparent"));
    out.record = &record;
    return std::nullopt;
}

}  // namespace

DecodedBatch decode_batch(Service self, const std::vector<kafka::Record>& records) {
    DecodedBatch batch;
    batch.report.records = records.size();
    batch.deliveries.reserve(records.size());
    std::unordered_set<EventId> seen;
    for (const kafka::Record& record : records) {
        const auto type = record.header("ce_type");
        const auto [interest, kind] = events::classify(self, record.topic, type);
        switch (interest) {
            case events::Interest::skip: ++batch.report.skipped; continue;
            case events::Interest::unknown_type:
                // A record without a type is not an event of a later version: it is broken.
                if (type.empty()) {
                    batch.dead.push_back(dead(record, "envelope: ce_type is missing"));
                } else {
                    ++batch.report.unknown;
                }
                continue;
            case events::Interest::unknown_version:
                batch.dead.push_back(dead(record, "version: unknown major version"));
                continue;
            case events::Interest::consume: break;
        }
        kafka::Delivery delivery;
        if (auto error = decode_record(record, kind, delivery)) {
            batch.dead.push_back(dead(record, std::move(*error)));
        } else if (!seen.insert(delivery.id).second) {
            ++batch.report.doubles;
        } else {
            batch.deliveries.push_back(std::move(delivery));
        }
    }
    batch.report.deliveries = batch.deliveries.size();
    batch.report.dead = batch.dead.size();
    return batch;
}

bool can_wait(Service self, std::span<const EventKind> kinds, const kafka::Record& record) {
    const auto [interest, kind] = events::classify(self, record.topic, record.header("ce_type"));
    return interest == events::Interest::skip ||
           (interest == events::Interest::consume && std::ranges::find(kinds, kind) != kinds.end());
}

}  // namespace orderflow::loops
