#pragma once
// One client of the WebSocket: reads the client's commands, and sends it frames and errors. The
// client's subscriptions are kept here and in Notifications, which opens subscribers and finds the
// frames for them. Io thread.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "http/websocket.hpp"
#include "order/notices/notifications.hpp"

namespace orderflow::order {

// A subscription to one order.
struct OrderSubscription {
    Subscriber* subscriber = nullptr;  // null: the client has gone, or unsubscribed
    OrderId order;
    std::string epoch;             // the numbering of `seq`; empty: from the first frame on
    std::int64_t seq = 0;          // of the last frame that the client has
    bool answered = false;         // SUBSCRIBED was sent
    std::uint64_t first_read = 0;  // a read that began before it may be too old
};

class Subscriber final : public http::WebSocketSession {
public:
    using Text = std::shared_ptr<const std::string>;

    Subscriber(std::shared_ptr<Notifications> hub, http::WebSocket& socket);
    ~Subscriber() override;

    // Carries out a command. A wrong one is answered with an error; the fifth closes the socket.
    void received(std::string_view text) override;

    // The answer to a subscription: `seq` is the last frame of the order so far.
    void send_subscribed(const OrderId& order, const std::string& epoch, std::int64_t seq);
    void send(Text frame);

    // There will be no more frames: the order has ended. Removes the subscription.
    void ended(const OrderId& order);
    // The order has no row. Removes the subscription.
    void not_found(const OrderSubscription& subscription);

private:
    void subscribe(const OrderId& order, std::string epoch, std::int64_t since);
    void unsubscribe(const OrderId& order);
    void drop(OrderSubscription& subscription);
    // Sends an error, and counts it: the client has made it.
    void refuse(std::string code, std::string detail, std::optional<std::string> topic = {});
    void send_error(std::string code, std::string detail, std::optional<std::string> topic);
    void count_error();

    const std::shared_ptr<Notifications> hub_;
    http::WebSocket& socket_;
    std::unordered_map<OrderId, std::shared_ptr<OrderSubscription>> subscriptions_;
    int errors_ = 0;
};

}  // namespace orderflow::order
