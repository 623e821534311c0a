#include "payment/payment_recovery.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace orderflow::payment {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr seconds kUntouched{10};            // younger rows are in the memory of another loop
constexpr std::chrono::minutes kNoSkew{10};  // between two clocks that run correctly
constexpr milliseconds kFirstLook{500};      // after an unclear or dropped call
constexpr seconds kRecentEvery{5};
constexpr std::chrono::minutes kAllEvery{10};
constexpr std::chrono::hours kRecentAtStart{1};
constexpr std::chrono::minutes kAgain{20};  // an order's deadline, and some more
constexpr seconds kAgainEvery{30};
constexpr std::int64_t kPageRows = 2'000;
constexpr std::size_t kDueAtOnce = 1'000;  // looked up by id in one step
constexpr std::size_t kRemembered = 50'000;
constexpr seconds kAfterFailure{60};  // until a call whose result could not be handled

}  // namespace

CallKind call_of(State open) {
    switch (open) {
        case State::INTENT: return CallKind::charge;
        case State::UNKNOWN: return CallKind::retry;
        case State::CANCELLING:
        case State::SETTLED: return CallKind::cancel;
        case State::CAPTURED:
        case State::DECLINED:
        case State::REFUNDED:
        case State::NEVER_CHARGED: break;
    }
    throw std::logic_error("no call is due in this state");
}

Recovery::Recovery(Instant now) { recent_.position = first_order_id(now - kRecentAtStart); }

bool Recovery::remember(const OrderId& id, Instant due) {
    const auto [known, added] = due_.try_emplace(id, due);
    if (!added) {
        if (known->second <= due) return true;
        by_time_.erase({known->second, id});
        known->second = due;
    } else if (due_.size() > kRemembered) {
        due_.erase(known);
        return false;
    }
    by_time_.insert({due, id});
    return true;
}

void Recovery::forget(const OrderId& id) {
    const auto known = due_.find(id);
    if (known == due_.end()) return;
    by_time_.erase({known->second, id});
    due_.erase(known);
}

// Payments that are no longer remembered must be found by the walk again.
void Recovery::step_back(const OrderId& id, Instant now) {
    OrderId before = id;
    std::fill(before.bytes.begin() + 6, before.bytes.end(), std::uint8_t{0});
    if (before >= recent_.position) return;
    recent_.position = before;
    recent_.resume = now + kRecentEvery;
}

std::vector<OrderId> Recovery::due(Instant now, std::size_t at_most) const {
    std::vector<OrderId> ids;
    for (const auto& [time, id] : by_time_) {
        if (time > now || ids.size() == at_most) break;
        ids.push_back(id);
    }
    std::ranges::sort(ids);
    return ids;
}

void Recovery::committed(std::span<const GatewayResult> results, Instant now,
                         const Alarms& alarms) {
    for (const auto& [id, alarm] : alarms) {
        if (!remember(id, now + kFirstLook)) step_back(id, now);
    }
    for (const GatewayResult& result : results) {
        if (!is_unclear(result)) {
            unknown_.erase(result.id);
            continue;
        }
        forget(result.id);  // the entry from before this answer
        const Instant due = now + std::max<milliseconds>(kFirstLook, not_before(result));
        if (!remember(result.id, due)) step_back(result.id, now);
    }
}

void Recovery::failed(const OrderId& id, Instant now) {
    if (!remember(id, now + kAfterFailure)) step_back(id, now);
}

void Recovery::step(PaymentStore& store, Calls& calls, Instant now) {
    take_overflow(calls, now);
    call_due(store, calls, now);
    walk_recent(store, calls, now);
    walk_again(store, calls, now);
    walk_all(store, calls, now);
}

void Recovery::take_overflow(Calls& calls, Instant now) {
    const Calls::Overflow overflow = calls.take_overflow();
    for (const OrderId& id : overflow.ids) {
        if (!remember(id, now + kFirstLook)) step_back(id, now);
    }
    if (overflow.lost_from) step_back(*overflow.lost_from, now);
}

void Recovery::note(const OpenPayment& payment) {
    if (payment.state != State::UNKNOWN) {
        unknown_.erase(payment.id);
    } else if (unknown_.size() < kRemembered) {
        unknown_[payment.id] = payment.opened_at;
    }
}

// Adds a due call to `calls`, and remembers a call that is not due. False: too many are remembered.
bool Recovery::call_or_remember(const OpenPayment& payment, milliseconds at_least, Instant now,
                                std::vector<Call>& calls) {
    note(payment);
    const bool ahead = payment.touched_at > now + kNoSkew;  // the database's clock was ahead
    const Instant due =
        ahead ? now : payment.touched_at + std::max(at_least, retry_after(payment.attempts));
    if (due > now) return remember(payment.id, due);
    calls.push_back({payment.id, call_of(payment.state), payment.amount, payment.token});
    return true;
}

void Recovery::call_due(PaymentStore& store, Calls& calls, Instant now) {
    std::array<std::size_t, kCallKinds> room{};
    for (std::size_t i = 0; i < kCallKinds; ++i) {
        room[i] = calls.load(static_cast<CallKind>(i)).room;
    }
    const std::vector<OrderId> ids = due(now, kDueAtOnce);
    if (ids.empty()) return;
    const std::vector<OpenPayment> open = store.find_open(ids);
    for (const OrderId& id : ids) {
        forget(id);
        unknown_.erase(id);
    }
    std::vector<Call> ready;
    for (const OpenPayment& payment : open) {
        // A full pool must not delay the others. `ids` has left room to remember them.
        std::size_t& left = room[static_cast<std::size_t>(call_of(payment.state))];
        if (left == 0) {
            note(payment);
            remember(payment.id, now + kFirstLook);
            continue;
        }
        const std::size_t before = ready.size();
        call_or_remember(payment, milliseconds{0}, now, ready);
        left -= ready.size() - before;
    }
    calls_made_ += ready.size();
    calls.submit(std::move(ready));
}

OpenPage Recovery::next_page(PaymentStore& store, Walk& walk, Instant now) {
    if (now < walk.resume) return {};
    const OrderId upto = walk.upto > walk.position ? walk.upto : first_order_id(now - kUntouched);
    if (upto <= walk.position) return {};
    OpenPage page = store.scan_open(walk.position, upto, kPageRows);
    walk.upto = upto;
    walk.position = page.last.value_or(upto);
    return page;
}

void Recovery::walk_recent(PaymentStore& store, Calls& calls, Instant now) {
    const OpenPage page = next_page(store, recent_, now);
    if (recent_.position >= recent_.upto && now >= recent_.resume) {
        recent_.resume = now + kRecentEvery;
    }
    std::vector<Call> ready;
    for (const OpenPayment& payment : page.open) {
        const bool known = due_.contains(payment.id);
        if (!known && !call_or_remember(payment, kUntouched, now, ready)) {
            step_back(payment.id, now);
        }
    }
    calls_made_ += ready.size();
    calls.submit(std::move(ready));
}

void Recovery::walk_again(PaymentStore& store, Calls& calls, Instant now) {
    if (again_.upto == OrderId{}) again_.position = first_order_id(now - kAgain);
    const OpenPage page = next_page(store, again_, now);
    if (again_.position >= again_.upto && now >= again_.resume) {
        again_ = {};
        again_.resume = now + kAgainEvery;
    }
    call_found(page, calls, now);
}

void Recovery::walk_all(PaymentStore& store, Calls& calls, Instant now) {
    const OpenPage page = next_page(store, all_, now);
    contradicted_so_far_ += page.contradicted;
    if (all_.position >= all_.upto && now >= all_.resume) {
        all_ = {};
        all_.resume = now + kAllEvery;
        contradicted_ = std::exchange(contradicted_so_far_, 0);
    }
    call_found(page, calls, now);
}

void Recovery::call_found(const OpenPage& page, Calls& calls, Instant now) {
    std::vector<Call> ready;
    for (const OpenPayment& payment : page.open) {
        if (!due_.contains(payment.id)) call_or_remember(payment, kUntouched, now, ready);
    }
    calls_made_ += ready.size();
    calls.submit(std::move(ready));
}

seconds Recovery::oldest_unknown(Instant now) const {
    Instant oldest = now;
    for (const auto& [id, opened_at] : unknown_) oldest = std::min(oldest, opened_at);
    return std::chrono::floor<seconds>(now - oldest);
}

}  // namespace orderflow::payment
