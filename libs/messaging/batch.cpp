#include "messaging/batch.hpp"

#include <unordered_set>

#include "core/trace.hpp"
#include "events/codec.hpp"

namespace orderflow::messaging {
namespace {

using events::EventKind;
using events::Service;

constexpr std::size_t kMaxHeaders = 64;
constexpr std::size_t kMaxHeaderBytes = 8 * 1024;

ParkedRecord dead(const Record& record, std::string error) {
    return {&record, OrderId::parse(record.key), true, std::move(error)};
}

bool headers_within_limits(const Record& record) {
    std::size_t bytes = 0;
    for (const auto& [name, value] : record.headers) bytes += name.size() + value.size();
    return record.headers.size() <= kMaxHeaders && bytes <= kMaxHeaderBytes;
}

std::string_view key_of(const events::Event& event, std::string& buffer) {
    if (const OrderId* id = events::order_of(event)) {
        buffer = id->to_string();
        return buffer;
    }
    return std::get<events::StockAdjusted>(event).product_id;
}

// The delivery, or why there is none ("code: detail").
std::optional<std::string> decode_record(const Record& record, EventKind kind, Delivery& out) {
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
    if (!event) {
        const Error& error = event.error();
        return error.code + ": " + error.pointer + " " + error.detail;
    }
    std::string buffer;
    if (key_of(*event, buffer) != record.key) {
        return "key-mismatch: the record key is not the id in the data";
    }
    out.event = std::move(*event);
    out.id = *id;
    out.time = *time;
    const auto trace = record.header("traceparent");
    if (valid_traceparent(trace)) out.traceparent = trace;
    out.record = &record;
    return std::nullopt;
}

}  // namespace

DecodedBatch decode_batch(Service self, const std::vector<Record>& records) {
    DecodedBatch batch;
    batch.report.records = records.size();
    batch.deliveries.reserve(records.size());
    std::unordered_set<EventId> seen;
    for (const Record& record : records) {
        const auto type = record.header("ce_type");
        const auto [interest, kind] = events::classify(self, record.topic, type);
        switch (interest) {
            case events::Interest::skip:
                ++batch.report.skipped;
                continue;
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
            case events::Interest::consume:
                break;
        }
        Delivery delivery;
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

BatchReport run_batch(UnitOfWork& work, BatchHandler& handler, const DecodedBatch& batch) {
    BatchReport report = batch.report;
    if (batch.deliveries.empty() && batch.dead.empty()) return report;
    report.lost_races = run_transaction(work, [&](Instant now, BatchOutput& out) {
        if (!batch.deliveries.empty() && !handler.handle(now, batch.deliveries, out)) return false;
        out.parked.insert(out.parked.end(), batch.dead.begin(), batch.dead.end());
        report.dead = out.parked.size();
        report.emitted = out.events.size();
        return true;
    });
    // A batch of dead records alone asked the handler nothing: it must not hand out what an earlier
    // attempt, rolled back, left behind.
    if (!batch.deliveries.empty()) handler.committed();
    return report;
}

}  // namespace orderflow::messaging
