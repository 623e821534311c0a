#include "analytics/analytics_waiting.hpp"

#include <condition_variable>

namespace orderflow::analytics {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr std::int64_t kPageRows = 5'000;
constexpr std::size_t kRemembered = 20'000;
constexpr std::size_t kLooks = 500;      // orders looked at again at once, the longest waits first
constexpr int kLooksAtMost = 5;          // times, while some of them turn out to have ended
constexpr seconds kYoung{1};             // no row of a younger order is looked for
constexpr minutes kAgain{20};            // an order's deadline, and some more
constexpr seconds kRoundEvery{30};
constexpr minutes kFullRoundEvery{10};
constexpr milliseconds kTick{1'000};
constexpr milliseconds kTickBehind{50};  // while there are rows that were never looked at

}  // namespace

bool Waiting::step(OpenOrderSource& source, Instant now) {
    const OrderId end = first_order_id(now - kYoung);
    if (recent_.position == OrderId{}) recent_.position = first_order_id(now - kAgain);
    recent_.upto = end;
    if (round_.position >= round_.upto && now >= next_round_) begin_round(now);
    walk(source, recent_);
    walk(source, round_);
    refresh(source);
    return recent_.position < recent_.upto || round_.position < round_.upto;
}

// A round goes as far as it was when it began, otherwise it would follow the time and not end.
void Waiting::begin_round(Instant now) {
    const bool full = now >= next_full_round_;
    if (full) next_full_round_ = now + kFullRoundEvery;
    next_round_ = now + kRoundEvery;
    round_ = {full ? OrderId{} : first_order_id(now - kAgain), first_order_id(now - kYoung)};
}

void Waiting::walk(OpenOrderSource& source, Walk& walk) {
    if (walk.position >= walk.upto) return;
    OpenPage page = source.scan_open(walk.position, walk.upto, kPageRows);
    std::erase_if(page.open, [&](const OrderId& id) { return orders_.contains(id); });
    if (!page.open.empty()) {
        for (OpenOrder& order : source.find_open(page.open)) remember(std::move(order));
    }
    walk.position = page.last.value_or(walk.upto);
}

// Those that ended make room at the top for others, which have to be looked at as well.
void Waiting::refresh(OpenOrderSource& source) {
    for (int i = 0; i < kLooksAtMost && !by_since_.empty(); ++i) {
        std::vector<OrderId> ids;
        for (const auto& [since, id] : by_since_) {
            if (ids.size() == kLooks) break;
            ids.push_back(id);
        }
        std::vector<OpenOrder> open = source.find_open(ids);
        const bool all_open = open.size() == ids.size();
        for (const OrderId& id : ids) forget(id);
        for (OpenOrder& order : open) remember(std::move(order));
        if (all_open) return;
    }
}

void Waiting::remember(OpenOrder order) {
    by_since_.insert({order.since, order.order_id});
    const OrderId id = order.order_id;
    orders_.emplace(id, std::move(order));
    // The shortest wait gives way: if it grows long, a round finds it again.
    if (orders_.size() > kRemembered) forget(by_since_.rbegin()->second);
}

void Waiting::forget(const OrderId& id) {
    const auto known = orders_.find(id);
    by_since_.erase({known->second.since, id});
    orders_.erase(known);
}

std::vector<OpenOrder> Waiting::longest(std::size_t limit) const {
    std::vector<OpenOrder> list;
    for (const auto& [since, id] : by_since_) {
        if (list.size() == limit) break;
        list.push_back(orders_.at(id));
    }
    return list;
}

namespace {

class WaitingThread {
public:
    explicit WaitingThread(const messaging::LoopContext& context)
        : failures_(messaging::failure_counter(context.registry, "waiting")),
          connection_(context.database_url),
          source_(make_open_order_source(connection_)) {}

    // How long to wait before the next step.
    milliseconds step() {
        try {
            return waiting_.step(*source_, system_now()) ? kTickBehind : kTick;
        } catch (const std::exception&) {
            failures_.Increment();
            messaging::report_failure("waiting", connection_);
            return kTick;
        }
    }

    std::vector<OpenOrder> longest() const { return waiting_.longest(WaitingLoop::kMost); }

private:
    prometheus::Counter& failures_;
    postgres::Connection connection_;
    const std::unique_ptr<OpenOrderSource> source_;
    Waiting waiting_;
};

}  // namespace

WaitingLoop::WaitingLoop(const messaging::LoopContext& context)
    : thread_([this, context](std::stop_token stop) {
          WaitingThread thread(context);
          std::mutex mutex;
          std::condition_variable_any stopped;
          std::unique_lock lock(mutex);
          while (!stop.stop_requested()) {
              const milliseconds pause = thread.step();
              auto found = std::make_shared<const Orders>(thread.longest());
              {
                  const std::lock_guard guard(mutex_);
                  longest_ = std::move(found);
              }
              stopped.wait_for(lock, stop, pause, [] { return false; });
          }
      }) {}

std::shared_ptr<const WaitingLoop::Orders> WaitingLoop::longest() const {
    const std::lock_guard guard(mutex_);
    return longest_;
}

void WaitingLoop::stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

}  // namespace orderflow::analytics
