#pragma once
// What becomes of the gateway's answers: they are saved in batches, by version, and `Recovery`
// finds the calls that memory does not know: after a crash, after a full queue, and the ones to be
// made again. `ResultStep` is one turn of that, over ports, for the simulator, too; `ResultLoop`
// runs it on a thread of its own.
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

// Decides on the results in their order and saves the rows; false: the compare-and-set was lost.
// A result of an order without a row changes nothing. Adds to `alarms` what raised one.
bool apply_results(PaymentStore& store, std::span<const GatewayResult> results, Instant now,
                   outbox::BatchOutput& out, Alarms& alarms);

// What became of a part of a batch of results.
struct ResultReport {
    PaymentMetrics::EventCounts emitted{};
    Alarms alarms;
    std::vector<std::pair<OrderId, std::string>> failed;  // could not be handled, and why
};

// Commits the results, one bad one not holding up the others: then in parts, in their order. `done`
// is called for each part once it is committed, or given up. A result that is lost here, or in
// memory, only costs another call: its row still says that one is due. Throws when the database is
// out of reach; then the results that `done` was not called for may be committed again.
using PartDone =
    std::function<void(std::span<const GatewayResult> part, const ResultReport& report)>;
void commit_results(outbox::UnitOfWork& work, PaymentStore& store,
                    std::span<const GatewayResult> results, const PartDone& done);

// Who is told what results led to, once they are committed.
class ResultWatcher {
public:
    virtual ~ResultWatcher() = default;
    virtual void committed(std::span<const GatewayResult> results,
                           const PaymentMetrics::EventCounts& emitted) = 0;
    virtual void failed(const OrderId& id, const std::string& what) = 0;
    virtual void sound(const OrderId& id, Alarm alarm) = 0;
};

// The results in hand and the recovery. The order of effects: results are committed; only then may
// their orders be called again, and whoever is still open is remembered for that.
class ResultStep {
public:
    // The arguments must outlive this object.
    ResultStep(outbox::UnitOfWork& work, PaymentStore& store, Calls& calls, ResultWatcher& watcher,
               Instant now)
        : work_(work), store_(store), calls_(calls), watcher_(watcher), recovery_(now) {}

    // Takes what is in the queue, waiting for it for `at_most`, unless something is in hand. False:
    // nothing is.
    bool take(BatchQueue<GatewayResult>& results, std::chrono::milliseconds at_most);
    std::span<const GatewayResult> in_hand() const { return batch_; }

    // Throws when the database is out of reach; then the results that are not committed stay in
    // hand. One that is lost in memory would only cost another call, but while the process lives
    // its order counts as being called.
    void commit(Instant now);

    // Looks for calls that are due, if it is time for it: every 200 ms, or 5 s after a failure.
    // The number of calls that are made again. Throws when the database is out of reach.
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

    // Makes no more calls again; results are still taken.
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
