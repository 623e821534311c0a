#pragma once
// The notifications of orders over a WebSocket: a frame for each step (notices.hpp), and after a
// reconnect the frames that the client has missed.
//
// Any instance may handle an order's event. Every instance receives the database's notifications
// after each commit, and reads the rows to which its own clients have subscribed.
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "http/websocket.hpp"
#include "order/saga/saga.hpp"
#include "postgres/pool.hpp"

namespace boost::asio {
class io_context;
}
namespace prometheus {
class Counter;
}

namespace orderflow::order {

struct OrderSubscription;  // subscriber.hpp
class Subscriber;

// The clients' subscriptions. Io thread. Shared with the clients, which may live on until the
// io_context is destroyed.
class Notifications : public std::enable_shared_from_this<Notifications> {
public:
    // `at_most` subscriptions in all, some 300 bytes each. `failures` counts reads that failed.
    Notifications(boost::asio::io_context& io, postgres::Pool& pool, ReadSagas read,
                  prometheus::Counter& failures, std::size_t at_most = 200'000);
    ~Notifications();

    // For the route `/ws`.
    std::unique_ptr<http::WebSocketSession> open(http::WebSocket& socket);

    // The next three are for Subscriber. full(): whether the limit of all subscriptions is reached.
    bool full() const;
    void subscribe(std::shared_ptr<OrderSubscription> subscription);
    void unsubscribe(const OrderSubscription& subscription);

    // These orders' rows may have changed.
    void changed(const std::vector<OrderId>& orders);
    // Any row may have changed: notifications were lost.
    void changed();

private:
    using Subscriptions = std::vector<std::shared_ptr<OrderSubscription>>;

    void look_at(const OrderId& id);
    void deliver(const std::vector<OrderId>& asked, const Sagas& sagas);
    void deliver(const OrderId& id, const Saga& saga, const Subscriptions& subscriptions);
    boost::asio::awaitable<void> read_changed();

    boost::asio::io_context& io_;
    postgres::Pool& pool_;
    const ReadSagas read_;
    prometheus::Counter& failures_;
    std::unordered_map<OrderId, Subscriptions> by_order_;
    std::size_t subscriptions_ = 0;
    const std::size_t at_most_;
    std::unordered_set<OrderId> changed_;  // to be read
    bool reading_ = false;
    std::uint64_t reads_ = 0;  // begun
};

}  // namespace orderflow::order
