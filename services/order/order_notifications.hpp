#pragma once
// What clients hear of their orders over a WebSocket: a frame for each step, numbered per order,
// and whatever they missed when they come back. Frames are made from the order's row (its history),
// so they say the same in every process, live or late, and the same as GET does.
//
// Any instance may handle an order's event; every instance listens to what the database notifies of
// after each commit, and reads the rows that its own clients have asked for.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "http/websocket.hpp"
#include "order/order_store.hpp"
#include "postgres/pool.hpp"

namespace boost::asio {
class io_context;
}

namespace orderflow::order {

// Tells two numberings apart: an order whose row was lost and made again counts anew.
std::string epoch_of(const Saga& saga);

// The frames with seq > since, JSON, oldest first. `seq` counts an order's history from 1.
std::vector<std::string> frames(const OrderId& id, const Saga& saga, std::int64_t since);

// The topic of an order's frames, and back; nullopt for any other text.
std::string topic_of(const OrderId& id);
std::optional<OrderId> order_of_topic(std::string_view topic);

// The clients' subscriptions. Io thread. Shared with the clients, which may live on until the
// io_context is destroyed.
class Notifications : public std::enable_shared_from_this<Notifications> {
public:
    Notifications(boost::asio::io_context& io, postgres::Pool& pool);
    ~Notifications();

    // For the route `/ws`.
    std::unique_ptr<http::WebSocketSession> open(http::WebSocket& socket);

    // These orders' rows may have changed.
    void changed(const std::vector<OrderId>& orders);
    // Any row may have changed: notifications were lost.
    void changed();

private:
    class Client;
    struct Subscription;
    using Subscriptions = std::vector<std::shared_ptr<Subscription>>;

    void subscribe(std::shared_ptr<Subscription> subscription);
    void unsubscribe(const Subscription& subscription);
    void look_at(const OrderId& id);
    void deliver(const std::vector<OrderId>& asked, const Sagas& sagas);
    void deliver(const OrderId& id, const Saga& saga, const Subscriptions& subscriptions);
    boost::asio::awaitable<void> read_changed();

    boost::asio::io_context& io_;
    postgres::Pool& pool_;
    std::unordered_map<OrderId, Subscriptions> by_order_;
    std::unordered_set<OrderId> changed_;  // to be read
    bool reading_ = false;
    std::uint64_t reads_ = 0;  // begun
};

// Hears of committed changes, on a thread and a connection of its own, and tells `notifications` on
// the io thread.
class ChangeListener {
public:
    ChangeListener(std::string database_url, boost::asio::io_context& io,
                   Notifications& notifications);
    void stop();  // blocks

private:
    void run(std::stop_token stop, const std::string& database_url);

    boost::asio::io_context& io_;
    Notifications& notifications_;
    std::jthread thread_;
};

}  // namespace orderflow::order
