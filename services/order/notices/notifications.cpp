#include "order/notices/notifications.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/describe.hpp>
#include <prometheus/counter.h>
#include <spdlog/spdlog.h>

#include "core/backoff.hpp"
#include "core/unavailable.hpp"
#include "json/json.hpp"
#include "loops/batch.hpp"
#include "order/notices/notices.hpp"
#include "outbox/unit_of_work.hpp"

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

struct Mistake {
    std::string type = "ERROR";
    std::string code;
    std::string detail;
    std::optional<std::string> topic;
};
BOOST_DESCRIBE_STRUCT(Mistake, (), (type, code, detail, topic))

namespace {

namespace asio = boost::asio;
using Text = std::shared_ptr<const std::string>;

constexpr std::size_t kMaxSubscriptions = 200;  // of one client
constexpr int kMaxMistakes = 5;
constexpr std::size_t kReadAtOnce = 1'000;

bool is_out_of_reach(const std::exception& error) {
    return dynamic_cast<const Unavailable*>(&error) || outbox::is_unavailable(error);
}

Text text_of(std::string json) { return std::make_shared<const std::string>(std::move(json)); }

}  // namespace

// One client's subscription to one order.
struct Notifications::Subscription {
    Client* client = nullptr;  // null: it has gone
    OrderId order;
    std::string epoch;             // the numbering of `seq`; empty: from the first frame on
    std::int64_t seq = 0;          // of the last frame that the client has
    bool answered = false;         // SUBSCRIBED was sent
    std::uint64_t first_read = 0;  // a read that began before it may be too old
};

class Notifications::Client final : public http::WebSocketSession {
public:
    Client(std::shared_ptr<Notifications> hub, http::WebSocket& socket)
        : hub_(std::move(hub)), socket_(socket) {}
    ~Client() override {
        for (const auto& [id, subscription] : subscriptions_) drop(*subscription);
    }

    void received(std::string_view text) override {
        const auto command = json::read_json<Command>(text, json::UnknownMembers::refuse);
        if (!command) {
            const std::string& code = command.error().code;
            const bool unknown = code == "unknown-field";
            return mistake(unknown ? "unknown-command" : code, command.error().detail);
        }
        if (command->subscribe.has_value() == command->unsubscribe.has_value()) {
            return mistake("unknown-command", "either subscribe or unsubscribe is expected");
        }
        const std::string& topic = command->subscribe ? *command->subscribe : *command->unsubscribe;
        const auto order = order_of_topic(topic);
        if (!order) return mistake("not-found", "there is no such topic", topic);
        if (command->unsubscribe) return unsubscribe(*order);
        if (command->since.value_or(0) < 0) {
            return mistake("validation", "since must be a seq, 0 or more", topic);
        }
        subscribe(*order, *command);
    }

    void send(Text text) { socket_.send(std::move(text)); }

    // There will be no more frames: the order has ended.
    void ended(const OrderId& order) { unsubscribe(order); }

    // If the client knew the order (by its epoch), the row is lost: not the client's mistake.
    void not_found(const Subscription& subscription) {
        const OrderId order = subscription.order;
        const bool known = !subscription.epoch.empty();
        unsubscribe(order);
        tell("not-found", "there is no such order", topic_of(order));
        if (!known) count_mistake();
    }

private:
    // A repeated subscription continues from the position that the client gives.
    void subscribe(const OrderId& order, const Command& command) {
        unsubscribe(order);
        if (subscriptions_.size() >= kMaxSubscriptions) {
            return mistake("too-many-subscriptions", "at most 200 on one connection",
                           topic_of(order));
        }
        if (hub_->full()) {  // not the client's mistake
            return tell("too-many-subscriptions", "too many subscriptions: try again later",
                        topic_of(order));
        }
        auto subscription = std::make_shared<Subscription>();
        subscription->client = this;
        subscription->order = order;
        subscription->epoch = command.epoch.value_or("");
        subscription->seq = command.since.value_or(0);
        subscriptions_[order] = subscription;
        hub_->subscribe(std::move(subscription));
    }

    void unsubscribe(const OrderId& order) {
        const auto found = subscriptions_.find(order);
        if (found == subscriptions_.end()) return;
        drop(*found->second);
        subscriptions_.erase(found);
    }

    void drop(Subscription& subscription) {
        subscription.client = nullptr;
        hub_->unsubscribe(subscription);
    }

    void mistake(std::string code, std::string detail, std::optional<std::string> topic = {}) {
        tell(std::move(code), std::move(detail), std::move(topic));
        count_mistake();
    }

    void count_mistake() {
        if (++mistakes_ == kMaxMistakes) {
            socket_.close(http::close_code::kPolicy, "too many errors");
        }
    }

    void tell(std::string code, std::string detail, std::optional<std::string> topic) {
        Mistake said;
        said.code = std::move(code);
        said.detail = std::move(detail);
        said.topic = std::move(topic);
        send(text_of(json::to_json(said)));
    }

    const std::shared_ptr<Notifications> hub_;
    http::WebSocket& socket_;
    std::unordered_map<OrderId, std::shared_ptr<Subscription>> subscriptions_;
    int mistakes_ = 0;
};

Notifications::Notifications(asio::io_context& io, postgres::Pool& pool, ReadSagas read,
                             prometheus::Counter& failures, std::size_t at_most)
    : io_(io), pool_(pool), read_(read), failures_(failures), at_most_(at_most) {}
Notifications::~Notifications() = default;

std::unique_ptr<http::WebSocketSession> Notifications::open(http::WebSocket& socket) {
    return std::make_unique<Client>(shared_from_this(), socket);
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

void Notifications::subscribe(std::shared_ptr<Subscription> subscription) {
    const OrderId id = subscription->order;
    subscription->first_read = reads_ + 1;
    by_order_[id].push_back(std::move(subscription));
    ++subscriptions_;
    look_at(id);  // registered before the row is read, so no change is missed
}

void Notifications::unsubscribe(const Subscription& subscription) {
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
            later = is_out_of_reach(error);
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
            if (subscription->client) subscription->client->not_found(*subscription);
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
    std::vector<Text> news;
    for (std::string& frame : frames(id, saga, oldest)) news.push_back(text_of(std::move(frame)));
    for (const auto& subscription : subscriptions) {
        if (subscription->client && !std::exchange(subscription->answered, true)) {
            Subscribed answer;
            answer.topic = topic_of(id);
            answer.epoch = epoch;
            answer.seq = last;
            subscription->client->send(text_of(json::to_json(answer)));
        }
        for (; subscription->client && subscription->seq < last; ++subscription->seq) {
            subscription->client->send(news[static_cast<std::size_t>(subscription->seq - oldest)]);
        }
        const bool ended = saga.state == State::COMPLETED || saga.state == State::CANCELLED;
        if (ended && subscription->client) subscription->client->ended(id);
    }
}

}  // namespace orderflow::order
