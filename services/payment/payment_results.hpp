#pragma once
// The handling of the gateway's answers: they are saved in batches, by version, and `Recovery`
// finds the calls that are not in memory: after a crash, after a full queue, and calls to repeat.
// `ResultStep` has the steps, over ports, also for the simulator; `ResultLoop` runs them on a
// thread of its own.
#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/batch_queue.hpp"
#include "loops/context.hpp"
#include "outbox/unit_of_work.hpp"
#include "payment/payment_recovery.hpp"
#include "payment/payment_handler.hpp"

namespace orderflow::payment {

// Decides on the results in their order and saves the rows; false: the compare-and-set was lost. A
// result of an order without a row changes nothing. Adds the alarms that were raised to `alarms`.
bool apply_results(PaymentStore& store, std::span<const GatewayResult> results, Instant now,
                   outbox::BatchOutput& out, Alarms& alarms);

// The outcome of a part of a batch of results.
struct ResultReport {
    PaymentMetrics::EventCounts emitted{};
    Alarms alarms;
    std::vector<std::pair<OrderId, std::string>> failed;  // and the reason
};

// Commits the results. If one of them is bad, commits the others in parts, in their order. `done`
// is called for each part once it is committed or given up. The loss of a result, here or in
// memory, costs only another call: its row still shows that a call is due. Throws if the database
// is unavailable; then the results for which `done` was not called may be committed again.
using PartDone =
    std::function<void(std::span<const GatewayResult> part, const ResultReport& report)>;
void commit_results(outbox::UnitOfWork& work, PaymentStore& store,
                    std::span<const GatewayResult> results, const PartDone& done);

// Receives the effects of results, once they are committed.
class ResultWatcher {
public:
    virtual ~ResultWatcher() = default;
    virtual void committed(std::span<const GatewayResult> results,
                           const PaymentMetrics::EventCounts& emitted) = 0;
    virtual void failed(const OrderId& id, const std::string& what) = 0;
    virtual void raised(const OrderId& id, Alarm alarm) = 0;
};

// The results that wait to be committed, and the recovery. The order of effects: commit the
// results; only then calls for their orders may be made again, and payments that are still open are
// remembered for such calls.
class ResultStep {
public:
    // The arguments must outlive this object.
    ResultStep(outbox::UnitOfWork& work, PaymentStore& store, Calls& calls, ResultWatcher& watcher,
               Instant now)
        : work_(work), store_(store), calls_(calls), watcher_(watcher), recovery_(now) {}

    // Takes the queued results, and waits up to `at_most` for a first one. If uncommitted results
    // are left from before, it takes none. False: there are no results to commit.
    bool take(BatchQueue<GatewayResult>& results, std::chrono::milliseconds at_most);
    std::span<const GatewayResult> in_hand() const { return batch_; }

    // Throws if the database is unavailable; then the uncommitted results are kept. They must not
    // be dropped while the process runs: `Calls` makes no further call for their orders until they
    // are committed.
    void commit(Instant now);

    // Looks for due calls, if it is time: every 200 ms, or 5 s after a failure. Returns the number
    // of repeated calls. Throws if the database is unavailable.
    std::optional<std::size_t> recover(Instant now);

    const Recovery& recovery() const { return recovery_; }

private:
    void committed(std::span<const GatewayResult> part, const ResultReport& report, Instant now);

    outbox::UnitOfWork& work_;
    PaymentStore& store_;
    Calls& calls_;
    ResultWatcher& watcher_;
    Recovery recovery_;
    std::vector<GatewayResult> batch_;
    Instant next_look_{};
};

class ResultLoop {
public:
    ResultLoop(const loops::Context& context, BatchQueue<GatewayResult>& results, Calls& calls,
               PaymentMetrics& metrics);
    ~ResultLoop() { stop(); }

    // The loop repeats no more calls; it still takes results.
    void request_stop() { thread_.request_stop(); }
    // Commits what is queued, then ends. Blocks.
    void stop();

private:
    void run(std::stop_token stop, const loops::Context& context);

    BatchQueue<GatewayResult>& results_;
    Calls& calls_;
    PaymentMetrics& metrics_;
    std::jthread thread_;
};

}  // namespace orderflow::payment
