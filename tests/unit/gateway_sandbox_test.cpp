// The stand-in payment gateway: its rules as pure functions, and its routes over real HTTP and a
// real SQLite file.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <optional>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <sqlite3.h>
#include <unistd.h>

#include "gateway-sandbox/faults.hpp"
#include "gateway-sandbox/gateway.hpp"
#include "gateway-sandbox/gateway_api.hpp"
#include "gateway-sandbox/ledger_store.hpp"
#include "http/client.hpp"
#include "http/server.hpp"

namespace {

using namespace orderflow;
using namespace orderflow::sandbox;
using namespace std::chrono_literals;

const Instant kNow{};

sandbox::Faults quick(std::int64_t slow_ms) {
    sandbox::Faults faults;
    faults.delay_ms = 1;
    faults.slow_ms = slow_ms;
    return faults;
}

ChargeRequest request(std::string token, std::int64_t amount = 1500) {
    return {"charge:1", amount, Currency{}, std::move(token)};
}

// What the rules say to one operation after another on one key.
struct Step {
    const char* operation;  // a token, "finish" or "cancel"
    Reply reply;
    State state;
    std::optional<EntryKind> entry;
};

}  // namespace

TEST_CASE("gateway rules: each history of a key has one outcome") {
    using enum Reply;
    using S = State;
    using K = EntryKind;
    const std::optional<K> none;
    const auto history =
        GENERATE_COPY(std::vector<Step>{{"tok_ok", created, S::captured, K::charge},
                                        {"tok_ok", known, S::captured, none},
                                        {"cancel", known, S::refunded, K::refund},
                                        {"cancel", known, S::refunded, none},
                                        {"tok_ok", key_cancelled, S::refunded, none}},
                      std::vector<Step>{{"tok_declined", known, S::declined, K::decline},
                                        {"tok_declined", known, S::declined, none},
                                        {"cancel", known, S::void_declined, K::cancel},
                                        {"tok_declined", key_cancelled, S::void_declined, none},
                                        {"cancel", known, S::void_declined, none}},
                      std::vector<Step>{{"tok_stolen", known, S::declined, K::decline},
                                        {"tok_ok", key_reused, S::declined, none}},
                      std::vector<Step>{{"cancel", known, S::never_charged, K::cancel},
                                        {"cancel", known, S::never_charged, none},
                                        {"tok_ok", key_cancelled, S::never_charged, none}},
                      std::vector<Step>{{"tok_500_then_ok", server_error, S::failed_once, none},
                                        {"tok_500_then_ok", created, S::captured, K::charge},
                                        {"tok_500_then_ok", known, S::captured, none}},
                      std::vector<Step>{{"tok_500_then_ok", server_error, S::failed_once, none},
                                        {"tok_ok", key_reused, S::failed_once, none},
                                        {"cancel", known, S::never_charged, K::cancel},
                                        {"tok_500_then_ok", key_cancelled, S::never_charged, none}},
                      std::vector<Step>{{"tok_charge_then_timeout", lost, S::captured, K::charge},
                                        {"tok_charge_then_timeout", known, S::captured, none},
                                        {"cancel", known, S::refunded, K::refund}},
                      std::vector<Step>{{"tok_slow_60s", later, S::processing, none},
                                        {"tok_slow_60s", later, S::processing, none},
                                        {"finish", created, S::captured, K::charge},
                                        {"finish", known, S::captured, none},
                                        {"tok_slow_60s", known, S::captured, none}},
                      std::vector<Step>{{"tok_slow_60s", later, S::processing, none},
                                        {"cancel", known, S::never_charged, K::cancel},
                                        {"finish", key_cancelled, S::never_charged, none}});
    Gateway gateway;
    for (const Step& step : history) {
        CAPTURE(step.operation);
        const std::string operation = step.operation;
        const Decision decision = operation == "cancel" ? gateway.cancel("charge:1", kNow)
                                  : operation == "finish"
                                      ? gateway.finish("charge:1", kNow)
                                      : gateway.charge(request(operation), kNow);
        CHECK(decision.reply == step.reply);
        CHECK(decision.charge.state == step.state);
        REQUIRE(decision.entry.has_value() == step.entry.has_value());
        if (step.entry) CHECK(decision.entry->kind == *step.entry);
    }
}

TEST_CASE("gateway rules: a key belongs to the terms it was first used with") {
    Gateway gateway;
    gateway.charge(request("tok_ok"), kNow);
    CHECK(gateway.charge(request("tok_ok", 1501), kNow).reply == Reply::key_reused);
    ChargeRequest euros = request("tok_ok");
    euros.currency = *Currency::parse("EUR");
    CHECK(gateway.charge(euros, kNow).reply == Reply::key_reused);
}

TEST_CASE("gateway rules: a charge slowed down ends as its token says, unless it was cancelled") {
    for (const auto& [token, end] :
         {std::pair{"tok_ok", State::captured}, std::pair{"tok_declined", State::declined},
          std::pair{"tok_stolen", State::declined}}) {
        CAPTURE(token);
        Gateway gateway;
        CHECK(gateway.charge(request(token), kNow, true).reply == Reply::later);
        CHECK(gateway.find("charge:1")->state == State::processing);
        CHECK(gateway.charge(request(token), kNow).reply == Reply::later);
        CHECK(gateway.finish("charge:1", kNow).charge.state == end);
        CHECK(gateway.charge(request(token), kNow, true).reply == Reply::known);
    }
    Gateway gateway;
    gateway.charge(request("tok_ok"), kNow, true);
    gateway.cancel("charge:1", kNow);
    CHECK(gateway.finish("charge:1", kNow).reply == Reply::key_cancelled);
}

TEST_CASE("gateway faults: a rate of 1 always strikes, 0 never, one between as often as it says") {
    struct Case {
        double sandbox::Faults::* rate;
        Fate (FaultDraw::*draw)();
        Fault fault;
    };
    const auto [rate, draw, fault] =
        GENERATE(Case{&sandbox::Faults::error_rate, &FaultDraw::charge, Fault::error},
                 Case{&sandbox::Faults::slow_rate, &FaultDraw::charge, Fault::slow},
                 Case{&sandbox::Faults::late_rate, &FaultDraw::charge, Fault::late},
                 Case{&sandbox::Faults::never_rate, &FaultDraw::charge, Fault::never},
                 Case{&sandbox::Faults::wrong_amount_rate, &FaultDraw::charge, Fault::wrong_amount},
                 Case{&sandbox::Faults::cancel_error_rate, &FaultDraw::cancel, Fault::error},
                 Case{&sandbox::Faults::cancel_late_rate, &FaultDraw::cancel, Fault::late});
    for (const double share : {0.0, 0.1, 1.0}) {
        sandbox::Faults faults;
        faults.*rate = share;
        FaultDraw luck(faults);
        int struck = 0;
        for (int i = 0; i < 10'000; ++i) {
            const Fault drawn = (luck.*draw)().fault;
            CHECK((drawn == fault || drawn == Fault::none));
            struck += drawn == fault;
            CHECK(luck.get().fault == Fault::none);
        }
        if (share == 0.1) {
            CHECK(std::abs(struck - 1000) < 150);
        } else {
            CHECK(struck == 10'000 * share);
        }
    }
}

TEST_CASE("gateway faults: rates of one kind share what there is; unavailable spares nobody") {
    sandbox::Faults faults;
    faults.delay_ms = 10;
    faults.jitter_ms = 5;
    faults.late_rate = faults.never_rate = 0.5;
    FaultDraw luck(faults);
    int late = 0;
    std::vector<Fault> drawn;
    for (int i = 0; i < 1'000; ++i) {
        const Fate fate = luck.charge();
        CHECK((fate.delay >= 10ms && fate.delay < 15ms));
        CHECK((fate.fault == Fault::late || fate.fault == Fault::never));
        late += fate.fault == Fault::late;
        drawn.push_back(fate.fault);
    }
    CHECK(std::abs(late - 500) < 100);
    luck.set(faults);  // the same seed: the same sequence
    for (const Fault fault : drawn) CHECK(luck.charge().fault == fault);

    faults.unavailable = true;
    luck.set(faults);
    CHECK(luck.charge().fault == Fault::unavailable);
    CHECK(luck.cancel().fault == Fault::unavailable);
    CHECK(luck.get().fault == Fault::unavailable);
}

TEST_CASE("gateway faults: rates that are no shares are refused") {
    sandbox::Faults faults;
    faults.late_rate = 0.7;
    faults.cancel_late_rate = 1;
    faults.error_rate = 0.1;
    faults.slow_rate = 0.2;
    CHECK_FALSE(find_mistake(faults));
    faults.never_rate = 0.1;
    CHECK(find_mistake(faults));
    faults.never_rate = -0.1;
    CHECK(find_mistake(faults));
    faults.never_rate = 0;
    faults.cancel_error_rate = 0.1;
    CHECK(find_mistake(faults));
}

TEST_CASE("gateway rules: the ledger rebuilds every outcome") {
    Gateway gateway;
    std::vector<Entry> ledger;
    const auto keep = [&](Decision decision) {
        if (decision.entry) ledger.push_back(*decision.entry);
    };
    std::map<std::string, State> expected;
    for (const char* token : {"tok_ok", "tok_declined", "tok_unheard_of"}) {
        for (const bool cancelled : {false, true}) {
            ChargeRequest one = request(token);
            one.key = std::string(token) + (cancelled ? "!" : "");
            keep(gateway.charge(one, kNow));
            if (cancelled) keep(gateway.cancel(one.key, kNow));
            expected[one.key] = gateway.find(one.key)->state;
        }
    }
    keep(gateway.cancel("unknown", kNow));
    expected["unknown"] = State::never_charged;

    Gateway again;
    for (const Entry& entry : ledger) again.apply(entry);
    for (const auto& [key, state] : expected) {
        CAPTURE(key);
        CHECK(again.find(key)->state == state);
        CHECK(again.find(key)->last_entry == gateway.find(key)->last_entry);
        CHECK(again.find(key)->charge_entry == gateway.find(key)->charge_entry);
    }
    CHECK_THROWS(again.apply(ledger.front()));
}

namespace {

// A sandbox in this process, on a file that outlives it.
struct Sandbox {
    explicit Sandbox(const std::string& file, sandbox::Faults settings,
                     const std::string& demanded = "", const std::string& sent = "")
        : ledger(io, file, [](const std::string&) { std::abort(); }),
          api(io, gateway, ledger, settings, demanded) {
        ledger.replay([this](const Entry& entry) { gateway.apply(entry); });
        server.emplace(io, api.routes());
        const auto port = server->listen("127.0.0.1", 0);
        http::ClientSettings settings_of_client;
        settings_of_client.origin = "http://127.0.0.1:" + std::to_string(port);
        settings_of_client.credentials_file = sent;
        client.emplace(io, settings_of_client);
        thread = std::jthread([this] { io.run(); });
    }
    ~Sandbox() {
        io.stop();
        thread.join();
    }
    std::future<http::ClientResult> start(std::string method, std::string target,
                                          std::string body = "",
                                          std::chrono::milliseconds timeout = 5s) {
        return boost::asio::co_spawn(io, client->request(method, target, body, timeout),
                                     boost::asio::use_future);
    }
    std::future<http::ClientResult> start_charge(const std::string& key, const std::string& token,
                                                 std::chrono::milliseconds timeout = 5s) {
        return start(
            "POST", "/v1/charges",
            R"({"key":")" + key + R"(","amount":1500,"currency":"KRW","token":")" + token + "\"}",
            timeout);
    }
    // Status and body in one line.
    std::string charge(const std::string& key, const std::string& token) {
        return text(start_charge(key, token).get());
    }
    std::string call(std::string method, std::string target, std::string body = "") {
        return text(start(method, target, body).get());
    }
    static std::string text(const http::ClientResult& result) {
        return std::to_string(result.status) + " " + result.body + result.error;
    }

    boost::asio::io_context io{1};
    Gateway gateway;
    LedgerStore ledger;
    GatewayApi api;
    std::optional<http::Server> server;
    std::optional<http::Client> client;
    std::jthread thread;
};

struct TemporaryFile {
    TemporaryFile() {
        directory =
            std::filesystem::temp_directory_path() /
            ("gateway-sandbox-test-" + std::to_string(getpid()) + "-" + std::to_string(counter++));
        std::filesystem::create_directory(directory);
    }
    ~TemporaryFile() { std::filesystem::remove_all(directory); }
    std::string name() const { return directory / "ledger.sqlite"; }
    std::string beside(const char* file, const char* text) const {
        std::ofstream(directory / file) << text;
        return directory / file;
    }

    std::filesystem::path directory;
    static inline int counter = 0;
};

void contains(const std::string& text, std::string_view part) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("gateway over HTTP: outcomes, repeats, cancellations and the ledger survive a restart") {
    const TemporaryFile file;
    const sandbox::Faults settings = quick(100);
    std::string captured;
    {
        Sandbox sandbox(file.name(), settings);
        captured = sandbox.charge("charge:a", "tok_ok");
        contains(captured, R"(201 {"key":"charge:a","status":"captured","chargeId":"ch_)");
        contains(captured, R"("amount":1500,"currency":"KRW"})");
        contains(sandbox.charge("charge:b", "tok_declined"), R"("reason":"CARD_DECLINED"})");
        contains(sandbox.charge("charge:c", "tok_nope"), R"("reason":"CARD_TOKEN_UNKNOWN"})");
        contains(sandbox.call("POST", "/v1/charges/charge%3Ad/cancel"),
                 R"(200 {"key":"charge:d","status":"never_charged"})");
        contains(sandbox.charge("charge:d", "tok_ok"),
                 R"(409 {"key":"charge:d","status":"key_cancelled"})");
        contains(sandbox.call("GET", "/v1/charges/charge:z"), "404 ");
    }
    Sandbox sandbox(file.name(), settings);
    CHECK(sandbox.charge("charge:a", "tok_ok") == "200" + captured.substr(3));
    contains(sandbox.charge("charge:b", "tok_declined"), "402 ");
    contains(sandbox.charge("charge:c", "tok_nope"), "422 ");
    contains(sandbox.charge("charge:a", "tok_declined"),
             R"(409 {"key":"charge:a","status":"key_reused"})");
    contains(sandbox.call("POST", "/v1/charges/charge:a/cancel"), R"("status":"refunded")");
    contains(sandbox.call("POST", "/v1/charges/charge:a/cancel"), R"("status":"refunded")");
    contains(sandbox.call("GET", "/v1/charges/charge:a"), R"("status":"refunded")");
    contains(sandbox.call("POST", "/v1/charges/charge:b/cancel"), R"("status":"declined")");
    contains(sandbox.charge("charge:b", "tok_declined"), "409 ");

    const std::string ledger = sandbox.call("GET", "/v1/ledger?after=0&limit=3");
    contains(ledger, R"(200 [{"id":1,"key":"charge:a","kind":"charge","amount":1500,)"
                     R"("currency":"KRW","at":"20)");
    contains(ledger, R"({"id":3,"key":"charge:c","kind":"decline")");
    CHECK(ledger.find(R"("id":4)") == std::string::npos);
    const std::string rest = sandbox.call("GET", "/v1/ledger?after=3");
    contains(rest, R"([{"id":4,"key":"charge:d","kind":"cancel")");
    contains(rest, R"({"id":5,"key":"charge:a","kind":"refund")");
    CHECK(sandbox.call("GET", "/v1/ledger?after=6") == "200 []");
    contains(sandbox.call("GET", "/v1/ledger?after=x"), "400 ");
    contains(sandbox.call("POST", "/v1/charges", R"({"key":"k"})"), "400 ");
    contains(sandbox.call("POST", "/v1/charges", "{"), "400 ");
}

TEST_CASE("gateway over HTTP: with credentials set, charges and ledger are for who sends them") {
    const TemporaryFile file;
    const std::string demanded = file.beside("demanded", "old-token");
    const std::string sent = file.beside("sent", "old-token");
    {
        Sandbox sandbox(file.name(), quick(100), demanded);
        contains(sandbox.charge("charge:a", "tok_ok"), "401 ");
        contains(sandbox.call("POST", "/v1/charges/charge:a/cancel"), "401 ");
        contains(sandbox.call("GET", "/v1/charges/charge:a"), "401 ");
        contains(sandbox.call("GET", "/v1/ledger"), "401 ");
        contains(sandbox.call("GET", "/v1/faults"), "200 ");
        CHECK(sandbox.start("GET", "/v1/ledger").get().headers.find("www-authenticate") ==
              "Bearer");
    }
    Sandbox sandbox(file.name(), quick(100), demanded, sent);
    contains(sandbox.charge("charge:a", "tok_ok"), "201 ");
    file.beside("demanded", "new-token");
    contains(sandbox.charge("charge:b", "tok_ok"), "401 ");
    file.beside("sent", "new-token");
    std::string answer;
    for (int i = 0; i < 300 && !answer.starts_with("201 "); ++i) {  // read again once a second
        std::this_thread::sleep_for(10ms);
        answer = sandbox.charge("charge:b", "tok_ok");
    }
    contains(answer, "201 ");
    CHECK_THROWS(Sandbox(file.name(), quick(100), file.name() + ".none"));
}

TEST_CASE("gateway ledger: a file of another version is refused and left as it is") {
    const TemporaryFile file;
    boost::asio::io_context io{1};
    {
        LedgerStore made(io, file.name(), [](const std::string&) {});
    }
    const auto set_version = [&](const char* sql) {
        sqlite3* database = nullptr;
        REQUIRE(sqlite3_open(file.name().c_str(), &database) == SQLITE_OK);
        CHECK(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
        sqlite3_close(database);
    };
    const auto open = [&] { LedgerStore(io, file.name(), [](const std::string&) {}); };
    const auto refusal = Catch::Matchers::ContainsSubstring("found version 7, expected version 1");
    set_version("PRAGMA user_version = 7");
    for (int i = 0; i < 2; ++i) CHECK_THROWS_WITH(open(), refusal);
    set_version("PRAGMA user_version = 1");
    CHECK_NOTHROW(open());
}

TEST_CASE("gateway over HTTP: slow, failing and lost charges settle on repeat") {
    const TemporaryFile file;
    Sandbox sandbox(file.name(), quick(300));
    contains(sandbox.charge("f", "tok_500_then_ok"), "500 ");
    contains(sandbox.call("GET", "/v1/charges/f"), "404 ");
    contains(sandbox.charge("f", "tok_500_then_ok"), "201 ");

    auto lost = sandbox.start_charge("l", "tok_charge_then_timeout", 100ms);
    CHECK_FALSE(lost.get().is_response());
    contains(sandbox.charge("l", "tok_charge_then_timeout"),
             R"(200 {"key":"l","status":"captured")");

    auto slow = sandbox.start_charge("s", "tok_slow_60s", 100ms);
    auto cancelled = sandbox.start_charge("c", "tok_slow_60s");
    CHECK_FALSE(slow.get().is_response());
    contains(sandbox.call("GET", "/v1/charges/s"), R"("status":"processing")");
    contains(sandbox.call("POST", "/v1/charges/c/cancel"), R"("status":"never_charged")");
    contains(sandbox.charge("s", "tok_slow_60s"), R"("status":"captured")");
    contains(Sandbox::text(cancelled.get()), "409 ");
    const std::string ledger = sandbox.call("GET", "/v1/ledger");
    CHECK(ledger.find(R"("key":"c","kind":"charge")") == std::string::npos);
}

TEST_CASE("gateway over HTTP: concurrent charges of one key capture once, many keys all are kept") {
    const TemporaryFile file;
    Sandbox sandbox(file.name(), quick(100));
    std::vector<std::future<http::ClientResult>> calls;
    for (int i = 0; i < 300; ++i) {
        calls.push_back(sandbox.start_charge("k" + std::to_string(i % 100), "tok_ok"));
    }
    int created = 0;
    for (auto& call : calls) created += call.get().status == 201;
    CHECK(created == 100);
    CHECK(sandbox.call("GET", "/v1/ledger?after=99").find(R"("id":100)") != std::string::npos);
    CHECK(sandbox.call("GET", "/v1/ledger?after=100") == "200 []");
}

TEST_CASE("gateway over HTTP: each fault strikes those who come after it was switched on") {
    const TemporaryFile file;
    Sandbox sandbox(file.name(), quick(300));
    const auto set = [&](const std::string& faults) {
        return sandbox.call("PUT", "/v1/faults", faults);
    };
    const auto charge = [&](const std::string& key) { return sandbox.charge(key, "tok_ok"); };
    const auto given_up = [&](std::future<http::ClientResult> call) {
        return !call.get().is_response();
    };

    contains(set(R"({"errorRate":1})"), R"("errorRate":1.0)");
    contains(charge("e"), "500 ");
    contains(sandbox.call("GET", "/v1/charges/e"), "404 ");

    set(R"({"wrongAmountRate":1})");
    contains(charge("w"), R"(201 {"key":"w","status":"captured")");
    contains(charge("w"), R"("amount":1501)");
    contains(sandbox.call("GET", "/v1/charges/w"), R"("amount":1500)");

    set(R"({"lateRate":1})");
    CHECK(given_up(sandbox.start_charge("l", "tok_ok", 100ms)));
    contains(sandbox.call("GET", "/v1/charges/l"), R"("status":"captured")");
    contains(charge("l"), "200 ");

    set(R"({"neverRate":1})");
    CHECK(given_up(sandbox.start_charge("n", "tok_ok")));
    contains(sandbox.call("GET", "/v1/charges/n"), R"("status":"captured")");

    set(R"({"slowRate":1})");
    auto slow = sandbox.start_charge("s", "tok_declined");
    CHECK(given_up(sandbox.start_charge("s", "tok_declined", 100ms)));
    contains(sandbox.call("GET", "/v1/charges/s"), R"("status":"processing")");
    contains(Sandbox::text(slow.get()), "402 ");

    set(R"({"cancelErrorRate":1})");
    contains(sandbox.call("POST", "/v1/charges/l/cancel"), "500 ");
    contains(sandbox.call("GET", "/v1/charges/l"), R"("status":"captured")");
    set(R"({"cancelLateRate":1})");
    CHECK(given_up(sandbox.start("POST", "/v1/charges/l/cancel", "", 100ms)));
    contains(sandbox.call("GET", "/v1/charges/l"), R"("status":"refunded")");

    set(R"({"unavailable":true})");
    contains(charge("u"), "503 ");
    contains(sandbox.call("GET", "/v1/charges/l"), "503 ");
    contains(sandbox.call("POST", "/v1/charges/l/cancel"), "503 ");
    contains(sandbox.call("GET", "/v1/ledger"), R"("key":"n")");

    const std::string start = set("{}");
    contains(start, R"(200 {"delayMs":1,"jitterMs":0,"slowMs":300,"unavailable":false,)");
    CHECK(sandbox.call("GET", "/v1/faults") == start);
    contains(charge("u"), "201 ");
    contains(set(R"({"tooLate":1})"), "400 ");
    contains(set(R"({"lateRate":"1"})"), "400 ");
    contains(set(R"({"lateRate":1.1})"), "400 ");
    contains(set(R"({"slowMs":600001})"), "400 ");
    CHECK(sandbox.call("GET", "/v1/faults") == start);
}
