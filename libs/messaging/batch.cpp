#include "messaging/batch.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <unordered_set>
#include <utility>

#include "core/trace.hpp"
#include "events/codec.hpp"
#include "messaging/aggregates.hpp"

namespace orderflow::messaging {
namespace {

using events::EventKind;
using events::Service;
using std::chrono::milliseconds;

constexpr std::size_t kMaxHeaders = 64;
constexpr std::size_t kMaxHeaderBytes = 8 * 1024;

ParkedRecord dead(const Record& record, std::string error) {
    return {&record, OrderId::parse(record.key), Parking::dead, std::move(error)};
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

bool adds_up(const events::Order& order) {
    std::int64_t sum = 0;  // cannot overflow: the codec's limits
    for (const auto& line : order.items) sum += line.price * line.quantity;
    return sum == order.total;
}

// Whether the amounts that an event names agree: no service may act on one that contradicts itself.
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
    if (!event) return event.error().code + ": " + events::place_and_detail(event.error());
    std::string buffer;
    if (key_of(*event, buffer) != record.key) {
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

DecodedBatch decode_batch(Service self, const std::vector<Record>& records) {
    DecodedBatch batch;
    batch.report.records = records.size();
    batch.deliveries.reserve(records.size());
    std::unordered_set<EventId> seen;
    for (const Record& record : records) {
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

std::optional<milliseconds> next_try_after(std::int32_t attempts) {
    constexpr std::array kWaits{milliseconds{1'000}, milliseconds{4'000}, milliseconds{16'000},
                                milliseconds{60'000}, milliseconds{120'000}};
    const auto index = static_cast<std::size_t>(std::max(attempts, 1) - 1);
    return index < kWaits.size() ? std::optional(kWaits[index]) : std::nullopt;
}

bool is_unreachable(const std::exception& error) {
    if (const auto* database = dynamic_cast<const postgres::DatabaseError*>(&error)) {
        return database->transient();
    }
    return dynamic_cast<const LostTooOften*>(&error) || dynamic_cast<const std::bad_alloc*>(&error);
}

namespace {

// Runs parts of one batch, each in a transaction of its own.
class BatchRun {
public:
    BatchRun(UnitOfWork& work, BatchHandler& handler, BatchReport& report)
        : work_(work), handler_(handler), report_(report) {}

    // One transaction: handles `range`, parks `dead`.
    void operator()(std::span<const Delivery> range) { run(range, {}); }
    void run(std::span<const Delivery> range, std::span<const ParkedRecord> dead) {
        bool handled = false;
        std::size_t parked = 0;
        std::size_t emitted = 0;
        report_.lost_races += run_transaction(work_, [&](Instant now, BatchOutput& out) {
            const auto free = not_blocked(range, out);
            handled = !free.empty();
            if (handled && !handler_.handle(now, free, out)) return false;
            parked = out.parked.size();
            emitted = out.events.size();
            out.parked.insert(out.parked.end(), dead.begin(), dead.end());
            return true;
        });
        report_.parked += parked;
        report_.emitted += emitted;
        // A transaction that asked the handler nothing must not hand out what an earlier attempt,
        // rolled back, left behind.
        if (handled) handler_.committed();
    }

    void park(const Delivery& delivery, const std::string& what) {
        run_transaction(work_, [&](Instant, BatchOutput& out) {
            out.put_aside(delivery, Parking::failed, "failed: " + what);
            return true;
        });
        ++report_.parked;
    }

private:
    // Those whose order waits for nothing; the others are put aside behind what it waits for.
    // Views into `range` or into `free_`.
    std::span<const Delivery> not_blocked(std::span<const Delivery> range, BatchOutput& out) {
        const auto ids = distinct_orders(range, [](const Delivery& d) { return d.order_id(); });
        const std::vector<OrderId> blocked = work_.blocked(ids);
        if (blocked.empty()) return range;
        free_.clear();
        for (const Delivery& delivery : range) {
            const OrderId* id = delivery.order_id();
            if (id && std::ranges::find(blocked, *id) != blocked.end()) {
                out.put_aside(delivery, Parking::behind, "behind: an earlier record waits");
            } else {
                free_.push_back(delivery);
            }
        }
        return free_;
    }

    UnitOfWork& work_;
    BatchHandler& handler_;
    BatchReport& report_;
    std::vector<Delivery> free_;
};

}  // namespace

BatchReport run_batch(UnitOfWork& work, BatchHandler& handler, const DecodedBatch& batch) {
    BatchReport report = batch.report;
    if (batch.deliveries.empty() && batch.dead.empty()) return report;
    BatchRun run(work, handler, report);
    const std::span<const Delivery> all = batch.deliveries;
    std::string what;
    try {
        run.run(all, batch.dead);
        return report;
    } catch (const std::exception& error) {
        if (is_unreachable(error) || all.empty()) throw;
        what = error.what();
    }
    if (!batch.dead.empty()) run.run({}, batch.dead);
    auto guilty = [&run](const Delivery& delivery, const std::string& why) {
        run.park(delivery, why);
    };
    bisect_failed(all, what, run, guilty);
    return report;
}

namespace {

Retried failed_again(const WaitingRecord& waiting, std::string error, Instant now) {
    const auto wait = next_try_after(waiting.attempts + 1);
    return {&waiting, std::move(error), wait ? std::optional(now + *wait) : std::nullopt};
}

// Says what became of a try, inside the transaction.
Retry tell(UnitOfWork& work, const Retried& retried, BatchOutput& out) {
    if (!work.retried(retried)) return Retry::overtaken;
    out.announces = !retried.done();
    if (retried.done()) return Retry::done;
    return retried.due_at ? Retry::failed : Retry::died;
}

// The same in a transaction of its own.
template <class Verdict>
Retry settle(UnitOfWork& work, Verdict verdict) {
    Retry outcome{};
    run_transaction(work, [&](Instant now, BatchOutput& out) {
        outcome = tell(work, verdict(now), out);
        return true;
    });
    return outcome;
}

}  // namespace

std::optional<Retry> retry_due(Service self, UnitOfWork& work, BatchHandler& handler) {
    std::optional<WaitingRecord> waiting;
    std::optional<Retry> outcome;
    std::optional<std::string> failure;
    bool handled = false;
    const auto attempt = [&](Instant now, BatchOutput& out) {
        outcome.reset();
        handled = false;
        waiting = work.take_due(now);
        if (!waiting) return true;
        const std::vector<Record> records{waiting->record};
        const DecodedBatch batch = decode_batch(self, records);
        handled = !batch.deliveries.empty();
        if (handled && !handler.handle(now, batch.deliveries, out)) return false;
        // Still unreadable, or still an orphan: not parked a second time.
        auto parked = batch.dead.empty() ? std::exchange(out.parked, {}) : batch.dead;
        if (parked.empty()) return true;
        outcome = tell(work, failed_again(*waiting, std::move(parked[0].error), now), out);
        return true;
    };
    try {
        run_transaction(work, attempt);
    } catch (const std::exception& error) {
        if (is_unreachable(error) || !waiting) throw;
        failure = error.what();
    }
    if (failure) {
        return settle(
            work, [&](Instant now) { return failed_again(*waiting, "failed: " + *failure, now); });
    }
    if (handled) handler.committed();
    if (!waiting || outcome) return outcome;
    return settle(work, [&](Instant) { return Retried{&*waiting, "", std::nullopt}; });
}

}  // namespace orderflow::messaging
