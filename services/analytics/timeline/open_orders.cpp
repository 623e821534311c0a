#include "analytics/timeline/open_orders.hpp"

#include <algorithm>
#include <iterator>

#include "core/unavailable.hpp"

namespace orderflow::analytics {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t kRemembered = 20'000;  // enough to stop looking
constexpr std::size_t kLooks = 500;          // orders read again at once, the longest wait first
constexpr int kLooksAtMost = 5;              // times, while some of them have ended meanwhile
constexpr int kScansAtMost = 50;             // seconds read in one step
constexpr seconds kYoung{1};                 // a younger order is not called waiting
constexpr minutes kTidyEvery{1};
constexpr milliseconds kTick{1'000};
// If steps take long, because many orders are open or the processors are busy, they come less
// often, so that they cost at most a fiftieth of one processor.
constexpr int kRest = 50;
constexpr milliseconds kTickAtMost{5'000};

Instant begin_of(std::int64_t second) { return Instant(seconds(second)); }

std::int64_t second_at(Instant instant) {
    return std::chrono::floor<seconds>(instant).time_since_epoch().count();
}

}  // namespace

void OpenOrderSearch::step(OpenOrderSource& source, Instant now) {
    refresh(source);
    search(source, source.open_seconds(second_at(now - kYoung)));
    if (now < next_tidy_) return;
    source.tidy(second_at(now - kTidyEvery));
    next_tidy_ = now + kTidyEvery;
}

// `counted`: the oldest first.
void OpenOrderSearch::search(OpenOrderSource& source, const std::vector<OpenSecond>& counted) {
    std::set<std::int64_t> ended;
    for (const auto& [second, known] : by_second_) ended.insert(second);
    for (const OpenSecond& entry : counted) ended.erase(entry.second);
    for (const std::int64_t second : ended) forget_second(second);

    Instant enough = frontier();
    int scans = 0;
    for (const OpenSecond& entry : counted) {
        // An order waits since its second at the earliest.
        if (begin_of(entry.second) > enough || orders_.size() >= kRemembered) return;
        const auto known = by_second_.find(entry.second);
        if (known != by_second_.end() && known->second == entry.open) continue;
        if (++scans > kScansAtMost) return;  // the next step continues
        scan(source, entry.second);
        enough = frontier();
    }
}

// The time since which the last of the requested orders waits; later orders are not needed.
Instant OpenOrderSearch::frontier() const {
    if (by_since_.size() < kMost) return Instant::max();
    return std::next(by_since_.begin(), kMost - 1)->first;
}

void OpenOrderSearch::scan(OpenOrderSource& source, std::int64_t second) {
    std::vector<OrderId> open = source.scan_second(second);
    forget_second(second, open);
    std::erase_if(open, [&](const OrderId& id) { return orders_.contains(id); });
    if (open.empty()) return;
    for (OpenOrder& order : source.find_open(open)) remember(std::move(order));
}

// Orders that ended leave their places to other orders, which must be read as well.
void OpenOrderSearch::refresh(OpenOrderSource& source) {
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

void OpenOrderSearch::remember(OpenOrder order) {
    const OrderId id = order.order_id;
    by_since_.insert({order.since, id});
    ++by_second_[second_of(id)];
    orders_.emplace(id, std::move(order));
}

void OpenOrderSearch::forget(const OrderId& id) {
    const auto known = orders_.find(id);
    by_since_.erase({known->second.since, id});
    orders_.erase(known);
    const auto count = by_second_.find(second_of(id));
    if (--count->second == 0) by_second_.erase(count);
}

// `but`: the orders that stay, in the order of ids.
void OpenOrderSearch::forget_second(std::int64_t second, std::span<const OrderId> but) {
    std::vector<OrderId> ids;
    auto at = orders_.lower_bound(first_order_id(begin_of(second)));
    for (; at != orders_.end() && second_of(at->first) == second; ++at) {
        if (!std::ranges::binary_search(but, at->first)) ids.push_back(at->first);
    }
    for (const OrderId& id : ids) forget(id);
}

std::vector<OpenOrder> OpenOrderSearch::longest(std::size_t limit) const {
    std::vector<OpenOrder> list;
    for (const auto& [since, id] : by_since_) {
        if (list.size() == limit) break;
        list.push_back(orders_.at(id));
    }
    return list;
}

OpenOrdersLoop::OpenOrdersLoop(const loops::Context& context)
    : ticker_(context, "waiting", kTick,
              [this](postgres::Connection& connection) { return make_step(connection); }) {}

loops::Ticker::Step OpenOrdersLoop::make_step(postgres::Connection& connection) {
    std::shared_ptr<OpenOrderSource> source = make_open_order_source(connection);
    auto search = std::make_shared<OpenOrderSearch>();
    return [this, source, search] {
        const auto begin = steady_clock::now();
        search->step(*source, system_now());
        auto found = std::make_shared<const Orders>(search->longest(kMost));
        {
            const std::lock_guard guard(mutex_);
            longest_ = std::move(found);
        }
        const auto rest = kRest * (steady_clock::now() - begin);
        return std::clamp(std::chrono::ceil<milliseconds>(rest), kTick, kTickAtMost);
    };
}

std::shared_ptr<const OpenOrdersLoop::Orders> OpenOrdersLoop::longest() const {
    const std::lock_guard guard(mutex_);
    if (!longest_) throw Unavailable("the open orders have not been read yet");
    return longest_;
}

}  // namespace orderflow::analytics
