#include "order/notices/notifications.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <prometheus/counter.h>
#include <spdlog/spdlog.h>

#include "core/backoff.hpp"
#include "core/unavailable.hpp"
#include "loops/batch.hpp"
#include "order/notices/notices.hpp"
#include "order/notices/subscriber.hpp"
#include "outbox/aggregates.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::order {

namespace {

namespace asio = boost::asio;

constexpr std::size_t kReadAtOnce = 1'000;

bool is_unavailable(const std::exception& error) {
    return dynamic_cast<const Unavailable*>(&error) || outbox::is_unavailable(error);
}

}  // namespace

Notifications::Notifications(asio::io_context& io, postgres::Pool& pool, ReadSagas read,
                             prometheus::Counter& failures, std::size_t at_most)
    : io_(io), pool_(pool), read_(read), failures_(failures), at_most_(at_most) {}
Notifications::~Notifications() = default;

std::unique_ptr<http::WebSocketSession> Notifications::open(http::WebSocket& socket) {
    return std::make_unique<Subscriber>(shared_from_this(), socket);
}

bool Notifications::full() const { return subscriptions_ >= at_most_; }

void Notifications::changed(const std::vector<OrderId>& orders) {
    for (const OrderId& id : orders) {
        if (by_order_.contains(id)) look_at(id);
    }
}

void Notifications::changed() {
    for (const auto& [id, subscriptions] : by_order_) look_at(id);
}

void Notifications::subscribe(std::shared_ptr<OrderSubscription> subscription) {
    const OrderId id = subscription->order;
    subscription->first_read = reads_ + 1;
    by_order_[id].push_back(std::move(subscription));
    ++subscriptions_;
    look_at(id);  // registered before the row is read, so no change is missed
}

void Notifications::unsubscribe(const OrderSubscription& subscription) {
    const auto found = by_order_.find(subscription.order);
    if (found == by_order_.end()) return;
    subscriptions_ -= std::erase_if(
        found->second, [&](const auto& other) { return other.get() == &subscription; });
    if (found->second.empty()) by_order_.erase(found);
}

void Notifications::look_at(const OrderId& id) {
    changed_.insert(id);
    if (reading_) return;
    reading_ = true;
    asio::co_spawn(io_, read_changed(), asio::detached);
}

// Reads all changed rows at once, until no row has changed; changes in the meantime come with the
// next read. A row that cannot be read (a later version wrote it) is found by halving, logged and
// left out.
asio::awaitable<void> Notifications::read_changed() {
    asio::steady_timer pause(io_);
    Backoff backoff;
    std::size_t at_once = kReadAtOnce;
    while (!changed_.empty()) {
        std::vector<OrderId> ids;
        while (!changed_.empty() && ids.size() < at_once) {
            ids.push_back(changed_.extract(changed_.begin()).value());
        }
        auto read = [ids, read = read_](postgres::Connection& connection) {
            return read(connection, ids);
        };
        ++reads_;
        std::optional<Sagas> sagas;
        bool later = false;
        try {
            sagas = co_await pool_.run(std::move(read));
        } catch (const std::exception& error) {
            spdlog::warn("notifications, {} orders: {}", ids.size(), error.what());
            failures_.Increment();
            later = is_unavailable(error);
        }
        if (sagas) {
            deliver(ids, *sagas);
            backoff.reset();
            at_once = std::min(at_once * 2, kReadAtOnce);
            continue;
        }
        if (!later) at_once = std::max<std::size_t>(ids.size() / 2, 1);
        if (later || ids.size() > 1) changed_.insert(ids.begin(), ids.end());
        if (!later) continue;
        pause.expires_after(backoff.next());
        co_await pause.async_wait(asio::use_awaitable);
    }
    reading_ = false;
}

void Notifications::deliver(const std::vector<OrderId>& asked, const Sagas& sagas) {
    for (const OrderId& id : asked) {
        const auto found = by_order_.find(id);
        if (found == by_order_.end()) continue;
        Subscriptions subscriptions = found->second;  // a client may leave meanwhile
        std::erase_if(subscriptions, [&](const auto& s) { return s->first_read > reads_; });
        if (const Saga* saga = sagas.find(id)) {
            try {
                deliver(id, *saga, subscriptions);
            } catch (const std::exception& error) {
                spdlog::error("notifications of order {}: {}", id.to_string(), error.what());
            }
            continue;
        }
        for (const auto& subscription : subscriptions) {
            if (subscription->subscriber) subscription->subscriber->not_found(*subscription);
        }
    }
}

void Notifications::deliver(const OrderId& id, const Saga& saga,
                            const Subscriptions& subscriptions) {
    const std::string epoch = epoch_of(saga);
    const std::int64_t last = std::ssize(history(saga));
    std::int64_t oldest = last;  // the smallest seq of a client
    for (const auto& subscription : subscriptions) {
        // A number of another epoch, or one that was never assigned, is ignored.
        if (subscription->epoch != epoch || subscription->seq > last) subscription->seq = 0;
        subscription->epoch = epoch;
        oldest = std::min(oldest, subscription->seq);
    }
    std::vector<Subscriber::Text> missing;
    for (std::string& frame : frames(id, saga, oldest)) {
        missing.push_back(std::make_shared<const std::string>(std::move(frame)));
    }
    for (const auto& subscription : subscriptions) {
        if (subscription->subscriber && !std::exchange(subscription->answered, true)) {
            subscription->subscriber->send_subscribed(id, epoch, last);
        }
        for (; subscription->subscriber && subscription->seq < last; ++subscription->seq) {
            const auto next = static_cast<std::size_t>(subscription->seq - oldest);
            subscription->subscriber->send(missing[next]);
        }
        const bool ended = saga.state == State::COMPLETED || saga.state == State::CANCELLED;
        if (ended && subscription->subscriber) subscription->subscriber->ended(id);
    }
}

}  // namespace orderflow::order
