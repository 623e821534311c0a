#include "loops/batch.hpp"

#include <algorithm>
#include <utility>

#include "kafka/delivery.hpp"
#include "kafka/record.hpp"
#include "loops/bisect.hpp"
#include "outbox/aggregates.hpp"
#include "outbox/parking.hpp"

namespace orderflow::loops {

namespace {

// Runs parts of one batch, each in a transaction of its own.
class BatchRun {
public:
    BatchRun(outbox::UnitOfWork& work, BatchHandler& handler, BatchReport& report)
        : work_(work), handler_(handler), report_(report) {}

    // One transaction: handles `range`, parks `dead`.
    void operator()(std::span<const kafka::Delivery> range) { run(range, {}); }
    void run(std::span<const kafka::Delivery> range, std::span<const outbox::ParkedRecord> dead) {
        bool handled = false;
        std::size_t parked = 0;
        std::size_t emitted = 0;
        report_.lost_races +=
            outbox::run_transaction(work_, [&](Instant now, outbox::BatchOutput& out) {
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
        // If the handler was not called, committed() must not hand out the results of an earlier
        // attempt that was rolled back.
        if (handled) handler_.committed();
    }

    void park(const kafka::Delivery& delivery, const std::string& what) {
        outbox::run_transaction(work_, [&](Instant, outbox::BatchOutput& out) {
            out.put_aside(delivery, outbox::Parking::failed, "failed: " + what);
            return true;
        });
        ++report_.parked;
    }

private:
    // Returns the deliveries whose key has no waiting record; the others are parked behind that
    // record. Views into `range` or into `free_`.
    std::span<const kafka::Delivery> not_blocked(std::span<const kafka::Delivery> range,
                                                 outbox::BatchOutput& out) {
        if (!work_.some_blocked()) return range;
        const auto keys = outbox::distinct_ids(range, [](const kafka::Delivery& delivery) {
            const auto& key = delivery.record->key;
            return key ? &*key : nullptr;
        });
        const std::vector<std::string> blocked = work_.blocked(keys);
        if (blocked.empty()) return range;
        free_.clear();
        for (const kafka::Delivery& delivery : range) {
            const auto key = delivery.key();
            if (key && std::ranges::find(blocked, *key) != blocked.end()) {
                out.put_aside(delivery, outbox::Parking::behind, "behind: an earlier record waits");
            } else {
                free_.push_back(delivery);
            }
        }
        return free_;
    }

    outbox::UnitOfWork& work_;
    BatchHandler& handler_;
    BatchReport& report_;
    std::vector<kafka::Delivery> free_;
};

}  // namespace

BatchReport run_batch(outbox::UnitOfWork& work, BatchHandler& handler, const DecodedBatch& batch) {
    BatchReport report = batch.report;
    if (batch.deliveries.empty() && batch.dead.empty()) return report;
    BatchRun run(work, handler, report);
    const std::span<const kafka::Delivery> all = batch.deliveries;
    std::string what;
    try {
        run.run(all, batch.dead);
        return report;
    } catch (const std::exception& error) {
        if (outbox::is_unavailable(error) || all.empty()) throw;
        what = error.what();
    }
    if (!batch.dead.empty()) run.run({}, batch.dead);
    auto guilty = [&run](const kafka::Delivery& delivery, const std::string& why) {
        run.park(delivery, why);
    };
    bisect_failed(all, what, run, guilty);
    return report;
}

bool ConsumerStep::poll(std::chrono::milliseconds idle) {
    records_ = source_.poll(gathering_, idle);
    batch_ = decode_batch(self_, records_);
    return !records_.empty();
}

BatchReport ConsumerStep::handle() {
    const BatchReport report = run_batch(work_, handler_, batch_);
    source_.processed(records_);
    drop();
    return report;
}

void ConsumerStep::drop() {
    batch_ = {};
    records_.clear();
}

namespace {

outbox::Retried failed_again(const outbox::DueRecord& due, std::string error, Instant now) {
    const auto wait = outbox::next_try_after(due.attempts + 1);
    return {&due, std::move(error), wait ? std::optional(now + *wait) : std::nullopt};
}

// Stores the outcome of a try, inside the transaction.
Retry store(outbox::UnitOfWork& work, const outbox::Retried& retried) {
    if (!work.retried(retried)) return Retry::overtaken;
    if (retried.done()) return Retry::done;
    return retried.due_at ? Retry::failed : Retry::died;
}

// The same in a transaction of its own.
template <class Verdict>
Retry store_alone(outbox::UnitOfWork& work, Verdict verdict) {
    Retry outcome{};
    outbox::run_transaction(work, [&](Instant now, outbox::BatchOutput&) {
        outcome = store(work, verdict(now));
        return true;
    });
    return outcome;
}

}  // namespace

std::optional<Retry> retry_due(events::Service self, outbox::UnitOfWork& work,
                               BatchHandler& handler) {
    std::optional<outbox::DueRecord> due;
    std::optional<Retry> outcome;
    std::optional<std::string> failure;
    bool handled = false;
    const auto attempt = [&](Instant now, outbox::BatchOutput& out) {
        outcome.reset();
        handled = false;
        due = work.take_due(now);
        if (!due) return true;
        const std::vector<kafka::Record> records{due->record};
        const DecodedBatch batch = decode_batch(self, records);
        // Another release of this service has parked it, and may handle it at the next try. If none
        // does, it is dead after the last try, and an operator decides.
        if (batch.report.skipped + batch.report.unknown > 0) {
            outcome = store(work, failed_again(*due, "unknown: not consumed here", now));
            return true;
        }
        handled = !batch.deliveries.empty();
        if (handled && !handler.handle(now, batch.deliveries, out)) return false;
        // Still unreadable, or still an orphan: not parked a second time.
        auto parked = batch.dead.empty() ? std::exchange(out.parked, {}) : batch.dead;
        if (parked.empty()) return true;
        outcome = store(work, failed_again(*due, std::move(parked[0].error), now));
        return true;
    };
    try {
        outbox::run_transaction(work, attempt);
    } catch (const std::exception& error) {
        if (outbox::is_unavailable(error) || !due) throw;
        failure = error.what();
    }
    if (failure) {
        return store_alone(
            work, [&](Instant now) { return failed_again(*due, "failed: " + *failure, now); });
    }
    if (handled) handler.committed();
    if (!due || outcome) return outcome;
    return store_alone(work, [&](Instant) { return outbox::Retried{&*due, "", std::nullopt}; });
}

}  // namespace orderflow::loops
