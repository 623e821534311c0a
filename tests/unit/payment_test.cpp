// Batches folded over payment's rules with a store in memory, what the gateway's answers mean, the
// pools of calls, and the recovery that finds what memory lost.
#include <map>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <prometheus/text_serializer.h>

#include "core/enums.hpp"
#include "http/server.hpp"
#include "payment/payment_service.hpp"
#include "support/builders.hpp"
#include "support/memory_payments.hpp"

namespace {

using namespace orderflow;
using namespace orderflow::payment;
using events::Event;
using events::PaymentRejection;
using messaging::BatchOutput;
using messaging::Delivery;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::at;
using test::MemoryPayments;
using test::new_order_id;
using test::Story;

const std::string kTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const Money kPrice{1500, {}};

// A row as the rules would have made it.
Payment row(const std::string& state, const Story& story = {}) {
    Payment payment;
    payment.state = enum_of<State>(state);
    payment.order = story.order;
    payment.touched_at = at(1);
    payment.opened_at = at(1);
    payment.traceparent = kTrace;
    payment.attempts = 3;
    return payment;
}

GatewayResult charged(const OrderId& id, ChargeResult result) { return {id, std::move(result)}; }

GatewayResult result(const std::string& name, const OrderId& id) {
    if (name == "captured") return charged(id, Captured{"ch_1", kPrice});
    if (name == "declined") return charged(id, Declined{PaymentRejection::CARD_TOKEN_UNKNOWN});
    REQUIRE(name == "unclear");
    return charged(id, Unclear{"timeout"});
}

Delivery delivery(Event event) {
    Delivery delivery;
    delivery.event = std::move(event);
    delivery.traceparent = kTrace;
    return delivery;
}

// A service on a store in memory, and the calls it hands over.
struct Fixture {
    MemoryPayments store;
    prometheus::Registry registry;
    PaymentMetrics metrics{registry};
    std::vector<Call> calls;
    PaymentService service{store,
                           [this](std::vector<Call> due) {
                               for (Call& call : due) calls.push_back(std::move(call));
                           },
                           metrics};

    BatchOutput handle(std::vector<Event> list) {
        std::vector<Delivery> batch;
        for (Event& event : list) batch.push_back(delivery(std::move(event)));
        BatchOutput out;
        REQUIRE(service.handle(at(2), batch, out));
        service.committed();
        return out;
    }
};

// A gateway that answers when it is told to.
class FakeGateway final : public Gateway {
public:
    explicit FakeGateway(boost::asio::io_context& io)
        : gate_(io, boost::asio::steady_timer::time_point::max()) {}

    boost::asio::awaitable<ChargeResult> charge(Call call) override {
        asked.push_back("charge " + call.id.to_string());
        co_await pause();
        if (failing) throw std::runtime_error("broken");
        co_return Captured{"ch_1", call.amount};
    }
    boost::asio::awaitable<CancelResult> cancel(OrderId id) override {
        asked.push_back("cancel " + id.to_string());
        co_await pause();
        co_return NothingTaken{};
    }

    std::vector<std::string> asked;
    bool answering = true;
    bool failing = false;

private:
    boost::asio::awaitable<void> pause() {
        if (answering) co_return;
        boost::system::error_code ignored;
        co_await gate_.async_wait(
            boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    }
    boost::asio::steady_timer gate_;
};

struct CallsFixture {
    boost::asio::io_context io;
    FakeGateway gateway{io};
    BatchQueue<GatewayResult> results{100'000, {100'000, 1, milliseconds{0}}};
    Calls calls{io, gateway, results};

    void run() {
        io.restart();
        io.poll();
    }
    std::vector<GatewayResult> settle() {
        run();
        auto batch = results.take(milliseconds{0});
        calls.settled(batch);
        return batch;
    }
};

Call charge_of(const OrderId& id) { return {id, CallKind::charge, kPrice, "tok_ok"}; }

http::ClientResult answer(int status, std::string body) {
    http::ClientResult result;
    result.outcome = http::ClientResult::Outcome::response;
    result.status = status;
    result.body = std::move(body);
    return result;
}

// "captured ch_1 1500 KRW", "declined CARD_DECLINED", "unclear".
std::string meaning(const ChargeResult& result) {
    if (const auto* captured = std::get_if<Captured>(&result)) {
        return "captured " + captured->charge_id + " " + std::to_string(captured->amount.amount) +
               " " + std::string(captured->amount.currency.text());
    }
    if (const auto* declined = std::get_if<Declined>(&result)) {
        return "declined " + std::string(name_of(declined->reason));
    }
    return "unclear";
}

std::string meaning(const CancelResult& result) {
    if (const auto* refunded = std::get_if<Refunded>(&result)) {
        return "refunded " + std::to_string(refunded->amount.amount);
    }
    return std::holds_alternative<NothingTaken>(result) ? "nothing taken" : "unclear";
}

// A gateway's handler that writes down what it was asked.
boost::asio::awaitable<http::Response> note(std::vector<std::string>& received, http::Request r) {
    received.push_back(r.method + " " + r.path + " " + r.body);
    const char* captured = R"({"status":"captured","chargeId":"c","amount":1,"currency":"KRW"})";
    const bool cancel = r.path.ends_with("/cancel");
    co_return http::json_response(200, cancel ? R"({"status":"never_charged"})" : captured);
}

// An id placed then, so that it stands where it would stand in the table.
OrderId id_at(Instant instant) {
    static IdSource ids;
    return ids.next<OrderId>(instant);
}

}  // namespace

TEST_CASE("payment: an intent is handed to the gateway only once it is committed") {
    Fixture payment;
    const Story story;
    std::vector<Delivery> batch{delivery(story.reserved())};
    BatchOutput out;

    payment.store.lose_next_save = true;
    REQUIRE_FALSE(payment.service.handle(at(2), batch, out));
    CHECK(payment.calls.empty());
    REQUIRE(payment.service.handle(at(2), batch, out));
    CHECK(payment.calls.empty());
    payment.service.committed();

    REQUIRE(payment.calls.size() == 1);
    CHECK(payment.calls[0].id == story.id);
    CHECK(payment.calls[0].kind == CallKind::charge);
    CHECK(payment.calls[0].amount == kPrice);
    CHECK(payment.calls[0].token == "tok_ok");
    CHECK(out.events.empty());
}

// A commit may have worked without anybody knowing: an open payment's call is asked for again, and
// `Calls` leaves it out if it is under way.
TEST_CASE("payment: handling an event a second time emits nothing and asks for an open call only") {
    Fixture payment;
    const Story story;
    const bool open = GENERATE(true, false);
    const Event event = open ? Event{story.reserved()} : Event{story.cancellation()};
    payment.handle({event});
    const auto rows = payment.store.rows;
    payment.calls.clear();

    const BatchOutput out = payment.handle({event});

    CHECK(out.events.empty());
    CHECK(payment.calls.size() == (open ? 1 : 0));
    CHECK(payment.store.rows == rows);
}

TEST_CASE("payment: an order reserved and cancelled in one batch is cancelled, never charged") {
    Fixture payment;
    const Story story;

    const BatchOutput out = payment.handle({story.reserved(), story.cancellation()});

    CHECK(out.events.empty());
    REQUIRE(payment.calls.size() == 1);
    CHECK(payment.calls[0].kind == CallKind::cancel);
    CHECK(payment.store.state(story.id) == State::CANCELLING);
    CHECK(payment.store.rows.at(story.id).second == 1);
}

TEST_CASE("payment: a cancellation that comes first leaves a tombstone and is answered at once") {
    Fixture payment;
    const Story story;

    const BatchOutput out = payment.handle({story.cancellation(), story.reserved()});

    REQUIRE(out.events.size() == 1);
    CHECK(out.events[0].data == Event{story.nothing(events::Participant::payment)});
    CHECK(out.events[0].traceparent == kTrace);
    CHECK(payment.calls.empty());
    CHECK(payment.store.state(story.id) == State::NEVER_CHARGED);
    const std::string metrics = prometheus::TextSerializer().Serialize(payment.registry.Collect());
    CHECK(metrics.find("orderflow_payments_total{outcome=\"nothing\"} 1") != metrics.npos);
}

TEST_CASE("payment: a capture carries the order and the trace on, in the row's second version") {
    Fixture payment;
    const Story story;
    payment.handle({story.reserved()});

    BatchOutput out;
    const std::vector<GatewayResult> results{result("captured", new_order_id()),
                                             result("captured", story.id)};
    Alarms alarms;
    REQUIRE(apply_results(payment.store, results, at(3), out, alarms));

    REQUIRE(out.events.size() == 1);
    const events::PaymentCaptured captured{story.id, "ch_1", 1500, {}, story.order};
    CHECK(out.events[0].data == Event{captured});
    CHECK(out.events[0].traceparent == kTrace);
    CHECK(payment.store.rows.at(story.id).second == 2);
    CHECK(payment.store.rows.at(story.id).first.charge_id == "ch_1");
}

TEST_CASE("payment: results of one order are folded in their order") {
    Fixture payment;
    const Story story;
    payment.handle({story.reserved()});

    BatchOutput out;
    const std::vector<GatewayResult> results{result("unclear", story.id),
                                             result("declined", story.id),
                                             result("captured", story.id)};
    Alarms alarms;
    REQUIRE(apply_results(payment.store, results, at(3), out, alarms));

    REQUIRE(out.events.size() == 1);
    CHECK(out.events[0].data ==
          Event{story.declined(PaymentRejection::CARD_TOKEN_UNKNOWN)});
    CHECK(payment.store.rows.at(story.id).second == 2);
}

TEST_CASE("gateway: only a clear answer about a charge is more than unclear") {
    const std::string captured =
        R"({"key":"k","status":"captured","chargeId":"ch_1","amount":1500,"currency":"KRW"})";
    struct Line {
        int status;
        std::string body, meaning;
    };
    const Line line = GENERATE_COPY(values<Line>({
        {200, captured, "captured ch_1 1500 KRW"},
        {201, captured, "captured ch_1 1500 KRW"},
        {200, R"({"status":"processing"})", "unclear"},
        {200, R"({"status":"declined","reason":"CARD_DECLINED"})", "unclear"},
        {200, R"({"status":"captured","chargeId":"","amount":1500,"currency":"KRW"})", "unclear"},
        {200, R"({"status":"captured","chargeId":"ch_1","amount":15.0,"currency":"KRW"})",
         "unclear"},
        {200, "", "unclear"},
        {200, "<html>", "unclear"},
        {202, captured, "unclear"},
        {402, R"({"status":"declined","reason":"CARD_DECLINED"})", "declined CARD_DECLINED"},
        {402, R"({"status":"declined","reason":"NEW"})", "declined CARD_DECLINED"},
        {402, "", "declined CARD_DECLINED"},
        {402, "<html>", "unclear"},
        {422, R"({"status":"declined","reason":"CARD_TOKEN_UNKNOWN"})",
         "declined CARD_TOKEN_UNKNOWN"},
        {422, R"({"reason":"OTHER"})", "declined CARD_DECLINED"},
        {400, R"({"type":"/problems/validation","status":400})", "declined CARD_DECLINED"},
        {401, R"({"status":"declined","reason":"CARD_DECLINED"})", "unclear"},
        {403, "{}", "unclear"},
        {404, "{}", "unclear"},
        {409, R"({"status":"key_cancelled"})", "unclear"},
        {409, R"({"status":"declined","reason":"CARD_DECLINED"})", "unclear"},
        {429, "{}", "unclear"},
        {500, captured, "unclear"},
        {503, "{}", "unclear"},
        {302, "", "unclear"},
    }));
    CAPTURE(line.status, line.body);
    CHECK(meaning(charge_result(answer(line.status, line.body))) == line.meaning);
}

TEST_CASE("gateway: only a clear answer about a cancellation settles it") {
    struct Line {
        int status;
        std::string body, meaning;
    };
    const Line line = GENERATE(values<Line>({
        {200, R"({"status":"refunded","chargeId":"c","amount":1500,"currency":"KRW"})",
         "refunded 1500"},
        {200, R"({"status":"declined","reason":"CARD_DECLINED","amount":1500,"currency":"KRW"})",
         "nothing taken"},
        {200, R"({"status":"never_charged"})", "nothing taken"},
        {200, R"({"status":"refunded"})", "unclear"},
        {200, R"({"status":"refunded","amount":-1,"currency":"KRW"})", "unclear"},
        {200, R"({"status":"captured","amount":1500,"currency":"KRW"})", "unclear"},
        {200, "", "unclear"},
        {402, R"({"status":"declined"})", "unclear"},
        {404, "{}", "unclear"},
        {500, R"({"status":"never_charged"})", "unclear"},
    }));
    CAPTURE(line.status, line.body);
    CHECK(meaning(cancel_result(answer(line.status, line.body))) == line.meaning);
}

TEST_CASE("gateway: no answer leaves charge and cancellation unclear") {
    http::ClientResult none;
    none.outcome = GENERATE(http::ClientResult::Outcome::never_sent,
                            http::ClientResult::Outcome::maybe_sent);
    CHECK(meaning(charge_result(none)) == "unclear");
    CHECK(meaning(cancel_result(none)) == "unclear");
}

TEST_CASE("gateway: charge and cancel are sent with the order's key") {
    boost::asio::io_context io;
    std::vector<std::string> received;
    http::Router router;
    const auto reply = [&](http::Request request) { return note(received, std::move(request)); };
    router.post("/v1/charges", reply);
    router.post("/v1/charges/{key}/cancel", reply, {.content_type = ""});
    http::Server server(io, std::move(router));
    const auto port = server.listen("127.0.0.1", 0);
    HttpGateway gateway(io, "http://127.0.0.1:" + std::to_string(port));
    const Call call = charge_of(new_order_id());
    const std::string key = "charge:" + call.id.to_string();
    std::vector<std::string> meanings;

    boost::asio::co_spawn(io, gateway.charge(call), [&](std::exception_ptr, ChargeResult charged) {
        meanings.push_back(meaning(charged));
        boost::asio::co_spawn(io, gateway.cancel(call.id),
                              [&](std::exception_ptr, CancelResult cancelled) {
                                  meanings.push_back(meaning(cancelled));
                                  io.stop();
                              });
    });
    io.run_for(seconds{5});

    CHECK(meanings == std::vector<std::string>{"captured c 1 KRW", "nothing taken"});
    CHECK(received ==
          std::vector<std::string>{
              "POST /v1/charges {\"key\":\"" + key +
                  R"(","amount":1500,"currency":"KRW","token":"tok_ok"})",
              "POST /v1/charges/" + key + "/cancel "});
}

TEST_CASE("calls: an order is called once at a time for each verb") {
    CallsFixture f;
    const OrderId id = new_order_id();
    f.gateway.answering = true;

    f.calls.submit({charge_of(id), charge_of(id)});
    f.calls.submit({{id, CallKind::retry, kPrice, "tok_ok"}, {id, CallKind::cancel, {}, ""}});
    CHECK(f.settle().size() == 2);
    CHECK(f.gateway.asked.size() == 2);

    f.calls.submit({charge_of(id)});
    CHECK(f.settle().size() == 1);
}

TEST_CASE("calls: a result that is not settled yet keeps its order from being called") {
    CallsFixture f;
    const OrderId id = new_order_id();
    f.calls.submit({charge_of(id)});
    f.run();

    f.calls.submit({charge_of(id)});
    f.run();

    CHECK(f.gateway.asked.size() == 1);
}

TEST_CASE("calls: pools are bounded, and what does not fit is named") {
    CallsFixture f;
    f.gateway.answering = false;
    std::vector<Call> calls;
    for (int i = 0; i < 70'000; ++i) calls.push_back(charge_of(new_order_id()));
    const auto all = calls;

    f.calls.submit(std::move(calls));
    f.run();
    f.calls.submit({charge_of(new_order_id())});
    f.run();

    const auto load = f.calls.load(CallKind::charge);
    CHECK(load.running == 1'024);
    CHECK(load.waiting == 8'192 - 1'024 + 1);
    CHECK(f.gateway.asked.size() == 1'024);
    const auto overflow = f.calls.take_overflow();
    CHECK(overflow.ids.size() == 50'000);
    CHECK(overflow.ids.front() == all[8'192].id);
    REQUIRE(overflow.lost_from);
    CHECK(*overflow.lost_from > overflow.ids.front());
    CHECK(f.calls.take_overflow().ids.empty());
}

TEST_CASE("calls: retries that hang hold up no first charge") {
    CallsFixture f;
    f.gateway.answering = false;
    std::vector<Call> retries;
    for (int i = 0; i < 300; ++i) {
        retries.push_back({new_order_id(), CallKind::retry, kPrice, "tok_ok"});
    }
    f.calls.submit(std::move(retries));
    f.run();
    CHECK(f.calls.load(CallKind::retry).running == 128);

    f.gateway.answering = true;
    f.calls.submit({charge_of(new_order_id())});

    CHECK(f.settle().size() == 1);
}

TEST_CASE("calls: a gateway that throws leaves the outcome unclear") {
    CallsFixture f;
    f.gateway.failing = true;
    f.calls.submit({charge_of(new_order_id())});

    const auto results = f.settle();

    REQUIRE(results.size() == 1);
    CHECK(is_unclear(results[0]));
}

TEST_CASE("recovery: an intent that a crash left behind is charged once it is 10 s old") {
    CallsFixture f;
    MemoryPayments store;
    const OrderId id = id_at(at(0));
    store.rows[id] = {row("INTENT"), 1};  // touched at 1 s
    store.rows[id_at(at(0))] = {row("CAPTURED"), 2};
    Recovery recovery(at(8));

    for (const int time : {8, 9, 10}) recovery.step(store, f.calls, at(time));
    f.run();
    CHECK(f.gateway.asked.empty());
    for (const int time : {11, 16, 17}) recovery.step(store, f.calls, at(time));
    f.run();

    CHECK(f.gateway.asked == std::vector<std::string>{"charge " + id.to_string()});
}

TEST_CASE("recovery: old rows are walked over once in a while, recent ones only once") {
    CallsFixture f;
    MemoryPayments store;
    for (int i = 0; i < 5'000; ++i) store.rows[id_at(at(i / 100))] = {row("CAPTURED"), 2};
    Recovery recovery(at(100));

    for (int tick = 0; tick < 60; ++tick) recovery.step(store, f.calls, at(100 + tick));

    CHECK(store.scanned == 10'000);  // by each of the two walks
}

TEST_CASE("recovery: what came in late is found by the walk over the whole table") {
    CallsFixture f;
    MemoryPayments store;
    store.rows[id_at(at(50))] = {row("CAPTURED"), 2};
    Recovery recovery(at(100));
    recovery.step(store, f.calls, at(100));
    recovery.step(store, f.calls, at(101));
    const OrderId late = id_at(at(10));
    store.rows[late] = {row("CANCELLING"), 1};

    for (int tick = 2; tick < 610; ++tick) recovery.step(store, f.calls, at(100 + tick));
    f.run();

    REQUIRE(f.gateway.asked.size() == 1);
    CHECK(f.gateway.asked[0] == "cancel " + late.to_string());
}

TEST_CASE("recovery: a call without a clear outcome is made again with backoff, never forgotten") {
    CallsFixture f;
    MemoryPayments store;
    const OrderId id = id_at(at(0));
    store.rows[id] = {row("UNKNOWN"), 2};
    store.rows[id].first.attempts = 2;  // due 1 s after it was touched, at 1 s
    Recovery recovery(at(1));
    const std::vector<GatewayResult> unclear{charged(id, Unclear{"timeout"})};
    recovery.settled(unclear, at(1));

    recovery.step(store, f.calls, at(1));
    recovery.step(store, f.calls, at(1) + milliseconds{600});
    f.run();
    CHECK(f.gateway.asked.empty());
    CHECK(recovery.unknown() == 1);
    CHECK(recovery.oldest_unknown(at(61)) == seconds{60});
    recovery.step(store, f.calls, at(2));
    const auto results = f.settle();

    CHECK(f.gateway.asked.size() == 1);
    recovery.settled(results, at(2));
    CHECK(recovery.unknown() == 0);
    CHECK(recovery.remembered() == 0);
}

TEST_CASE("recovery: a charge of a wrong amount is called again, clear as its answer was") {
    CallsFixture f;
    MemoryPayments store;
    const OrderId id = id_at(at(0));
    store.rows[id] = {row("UNKNOWN"), 2};
    store.rows[id].first.attempts = 1;  // due 0.5 s after it was touched, at 1 s
    Recovery recovery(at(1));
    recovery.step(store, f.calls, at(30));  // the walks have passed it
    f.run();
    f.settle();
    f.gateway.asked.clear();
    recovery.step(store, f.calls, at(31));

    recovery.settled(std::vector{charged(id, Captured{"ch_1", {}})}, at(31),
                     {{id, Alarm::wrong_amount}});
    for (int tick = 0; tick < 5; ++tick) recovery.step(store, f.calls, at(32 + tick));
    f.run();

    CHECK(f.gateway.asked.size() == 1);
}

TEST_CASE("recovery: what the pools had no room for is called when they have") {
    CallsFixture f;
    MemoryPayments store;
    f.gateway.answering = false;
    std::vector<Call> calls;
    for (int i = 0; i < 10'000; ++i) {
        const OrderId id = id_at(at(0));
        store.rows[id] = {row("INTENT"), 1};
        calls.push_back(charge_of(id));
    }
    Recovery recovery(at(1));
    f.calls.submit(std::move(calls));
    recovery.step(store, f.calls, at(1));
    CHECK(recovery.remembered() == 10'000 - 8'192);

    f.gateway.answering = true;
    CallsFixture next;  // the gateway answers again: the waiting calls are made
    for (int tick = 2; tick < 8; ++tick) recovery.step(store, next.calls, at(tick));

    CHECK(next.settle().size() == 10'000 - 8'192);
    CHECK(recovery.remembered() == 0);
}

TEST_CASE("recovery: more than can be remembered is walked over again") {
    CallsFixture f;
    MemoryPayments store;
    std::vector<GatewayResult> unclear;
    for (int i = 0; i < 50'100; ++i) {
        const OrderId id = id_at(at(i / 1'000));
        store.rows[id] = {row("UNKNOWN"), 2};
        store.rows[id].first.touched_at = at(100);
        store.rows[id].first.attempts = 8;
        unclear.push_back(charged(id, Unclear{"timeout"}));
    }
    Recovery recovery(at(100));
    recovery.settled(unclear, at(100));
    CHECK(recovery.remembered() == 50'000);

    // Every one is called within a minute or two of the gateway being back, however many.
    std::size_t called = 0;
    for (int tick = 0; tick < 600; ++tick) {
        recovery.step(store, f.calls, at(100) + milliseconds{200 * tick});
        auto results = f.settle();
        called += results.size();
        for (const auto& done : results) store.rows.at(done.id).first.state = State::CAPTURED;
        recovery.settled(results, at(100) + milliseconds{200 * tick});
    }
    CHECK(called == 50'100);
    CHECK(recovery.unknown() == 0);
}
