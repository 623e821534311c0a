#include "order/notices/subscriber.hpp"

#include <utility>

#include <boost/describe.hpp>

#include "json/json.hpp"
#include "order/notices/notices.hpp"

namespace orderflow::order {

// What goes over the socket, as described structs.
struct Command {
    std::optional<std::string> subscribe;
    std::optional<std::string> unsubscribe;
    std::optional<std::int64_t> since;
    std::optional<std::string> epoch;
};
BOOST_DESCRIBE_STRUCT(Command, (), (subscribe, unsubscribe, since, epoch))

struct Subscribed {
    std::string type = "SUBSCRIBED";
    std::string topic;
    std::string epoch;
    std::int64_t seq = 0;
};
BOOST_DESCRIBE_STRUCT(Subscribed, (), (type, topic, epoch, seq))

struct ErrorFrame {
    std::string type = "ERROR";
    std::string code;
    std::string detail;
    std::optional<std::string> topic;
};
BOOST_DESCRIBE_STRUCT(ErrorFrame, (), (type, code, detail, topic))

namespace {

constexpr std::size_t kMaxSubscriptions = 200;  // of one client
constexpr int kMaxErrors = 5;

template <class Frame>
Subscriber::Text text_of(const Frame& frame) {
    return std::make_shared<const std::string>(json::to_json(frame));
}

}  // namespace

Subscriber::Subscriber(std::shared_ptr<Notifications> hub, http::WebSocket& socket)
    : hub_(std::move(hub)), socket_(socket) {}

Subscriber::~Subscriber() {
    for (const auto& [id, subscription] : subscriptions_) drop(*subscription);
}

void Subscriber::received(std::string_view text) {
    const auto command = json::read_json<Command>(text, json::UnknownMembers::refuse);
    if (!command) {
        const std::string& code = command.error().code;
        const bool unknown = code == "unknown-field";
        return refuse(unknown ? "unknown-command" : code, command.error().detail);
    }
    if (command->subscribe.has_value() == command->unsubscribe.has_value()) {
        return refuse("unknown-command", "either subscribe or unsubscribe is expected");
    }
    const std::string& topic = command->subscribe ? *command->subscribe : *command->unsubscribe;
    const auto order = order_of_topic(topic);
    if (!order) return refuse("not-found", "there is no such topic", topic);
    if (command->unsubscribe) return unsubscribe(*order);
    const std::int64_t since = command->since.value_or(0);
    if (since < 0) return refuse("validation", "since must be a seq, 0 or more", topic);
    subscribe(*order, command->epoch.value_or(""), since);
}

void Subscriber::send_subscribed(const OrderId& order, const std::string& epoch, std::int64_t seq) {
    Subscribed answer;
    answer.topic = topic_of(order);
    answer.epoch = epoch;
    answer.seq = seq;
    send(text_of(answer));
}

void Subscriber::send(Text frame) { socket_.send(std::move(frame)); }

void Subscriber::ended(const OrderId& order) { unsubscribe(order); }

// If the client knew the order (by its epoch), the row is lost: not the client's error.
void Subscriber::not_found(const OrderSubscription& subscription) {
    const OrderId order = subscription.order;
    const bool known = !subscription.epoch.empty();
    unsubscribe(order);
    send_error("not-found", "there is no such order", topic_of(order));
    if (!known) count_error();
}

// A repeated subscription continues from the position that the client gives.
void Subscriber::subscribe(const OrderId& order, std::string epoch, std::int64_t since) {
    unsubscribe(order);
    if (subscriptions_.size() >= kMaxSubscriptions) {
        return refuse("too-many-subscriptions", "at most 200 on one connection", topic_of(order));
    }
    if (hub_->full()) {  // not the client's error
        return send_error("too-many-subscriptions", "too many subscriptions: try again later",
                          topic_of(order));
    }
    auto subscription = std::make_shared<OrderSubscription>();
    subscription->subscriber = this;
    subscription->order = order;
    subscription->epoch = std::move(epoch);
    subscription->seq = since;
    subscriptions_[order] = subscription;
    hub_->subscribe(std::move(subscription));
}

void Subscriber::unsubscribe(const OrderId& order) {
    const auto found = subscriptions_.find(order);
    if (found == subscriptions_.end()) return;
    drop(*found->second);
    subscriptions_.erase(found);
}

void Subscriber::drop(OrderSubscription& subscription) {
    subscription.subscriber = nullptr;
    hub_->unsubscribe(subscription);
}

void Subscriber::refuse(std::string code, std::string detail, std::optional<std::string> topic) {
    send_error(std::move(code), std::move(detail), std::move(topic));
    count_error();
}

void Subscriber::send_error(std::string code, std::string detail,
                            std::optional<std::string> topic) {
    ErrorFrame frame;
    frame.code = std::move(code);
    frame.detail = std::move(detail);
    frame.topic = std::move(topic);
    send(text_of(frame));
}

void Subscriber::count_error() {
    if (++errors_ == kMaxErrors) socket_.close(http::close_code::kPolicy, "too many errors");
}

}  // namespace orderflow::order
