// What the gateway's answers mean, and what it is asked.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include "core/enums.hpp"
#include "http/server.hpp"
#include "payment/payment_gateway.hpp"
#include "support/builders.hpp"
#include "support/payment_calls.hpp"

namespace {

using namespace orderflow;
using namespace orderflow::payment;
using std::chrono::seconds;
using test::charge_of;
using test::new_order_id;

const OrderId kOrder = new_order_id();
const std::string kKey = "charge:" + kOrder.to_string();

http::ClientResult answer(int status, std::string body) {
    http::ClientResult result;
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

}  // namespace

TEST_CASE("gateway: only a clear answer about a charge is more than unclear") {
    const std::string captured =
        R"({"status":"captured","chargeId":"ch_1","amount":1500,"currency":"KRW"})";
    const auto of_key = [&](const std::string& key) {
        return "{\"key\":" + key + "," + captured.substr(1);
    };
    struct Line {
        int status;
        std::string body, meaning;
    };
    const Line line = GENERATE_COPY(values<Line>({
        {200, captured, "captured ch_1 1500 KRW"},
        {201, captured, "captured ch_1 1500 KRW"},
        {200, of_key("\"" + kKey + "\""), "captured ch_1 1500 KRW"},
        {200, of_key("null"), "captured ch_1 1500 KRW"},
        {200, of_key("\"charge:another\""), "unclear"},
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
        {402, R"({"status":"declined","reason":null})", "declined CARD_DECLINED"},
        {402, R"({"key":"charge:another","status":"declined"})", "unclear"},
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
    CHECK(meaning(charge_result(kOrder, answer(line.status, line.body))) == line.meaning);
}

TEST_CASE("gateway: who asks to be left alone is, for five minutes at most") {
    struct Line {
        int status;
        std::string retry_after, date;
        int not_before_s;
    };
    const std::string noon = "Sun, 01 Mar 2026 12:00:00 GMT";
    const Line line = GENERATE_COPY(values<Line>({
        {429, "7", "", 7},
        {503, "7", "", 7},
        {429, "", "", 0},
        {429, "0", "", 0},
        {429, "300", "", 300},
        {429, "86400", "", 300},
        {429, "99999999999999999999", "", 300},
        {429, "-5", "", 0},
        {429, "soon", "", 0},
        {429, "7 s", "", 0},
        {429, "Sun, 01 Mar 2026 12:00:30 GMT", noon, 30},
        {429, "Sunday, 01-Mar-26 12:00:30 GMT", noon, 30},
        {429, "Sun Mar  1 12:00:30 2026", noon, 30},
        {429, "Sun, 01 Mar 2026 11:00:00 GMT", noon, 0},  // it is over
        {429, "Mon, 02 Mar 2026 12:00:00 GMT", noon, 300},
        {429, "Sun, 01 Mar 2020 12:00:00 GMT", "", 0},  // by our clock
        {429, "Tue, 01 Mar 2095 12:00:00 GMT", "", 300},
        {500, "7", "", 0},
    }));
    CAPTURE(line.status, line.retry_after);
    http::ClientResult refused = answer(line.status, "{}");
    if (!line.retry_after.empty()) refused.headers.add("Retry-After", line.retry_after);
    if (!line.date.empty()) refused.headers.add("Date", line.date);
    const GatewayResult charge{kOrder, charge_result(kOrder, refused)};
    const GatewayResult cancel{kOrder, cancel_result(kOrder, refused)};
    CHECK(not_before(charge) == seconds{line.not_before_s});
    CHECK(not_before(cancel) == seconds{line.not_before_s});
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
        {200, R"({"status":"never_charged","amount":null,"currency":null})", "nothing taken"},
        {200, R"({"key":"charge:another","status":"never_charged"})", "unclear"},
        {200, R"({"status":"refunded","amount":null,"currency":"KRW"})", "unclear"},
        {200, R"({"status":"refunded"})", "unclear"},
        {200, R"({"status":"refunded","amount":-1,"currency":"KRW"})", "unclear"},
        {200, R"({"status":"captured","amount":1500,"currency":"KRW"})", "unclear"},
        {200, "", "unclear"},
        {402, R"({"status":"declined"})", "unclear"},
        {404, "{}", "unclear"},
        {500, R"({"status":"never_charged"})", "unclear"},
    }));
    CAPTURE(line.status, line.body);
    CHECK(meaning(cancel_result(kOrder, answer(line.status, line.body))) == line.meaning);
}

TEST_CASE("gateway: no answer leaves charge and cancellation unclear") {
    http::ClientResult none;
    none.error = "timeout";
    CHECK(meaning(charge_result(kOrder, none)) == "unclear");
    CHECK(meaning(cancel_result(kOrder, none)) == "unclear");
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
    http::ClientSettings settings;
    settings.origin = "http://127.0.0.1:" + std::to_string(port);
    HttpGateway gateway(io, settings);
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
          std::vector<std::string>{"POST /v1/charges {\"key\":\"" + key +
                                       R"(","amount":1500,"currency":"KRW","token":"tok_ok"})",
                                   "POST /v1/charges/" + key + "/cancel "});
}

TEST_CASE("gateway: its credentials stand in no log; that they go unencrypted does") {
    std::ostringstream log;
    const auto before = spdlog::default_logger();
    const auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(log);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink));
    spdlog::set_level(spdlog::level::trace);
    const std::string file = std::filesystem::temp_directory_path() / test::unique("token");
    std::ofstream(file) << "geheim-token";
    boost::asio::io_context io;
    std::string reason;
    http::ClientSettings settings;
    settings.origin = GENERATE("http://127.0.0.1:1", "https://127.0.0.1:1");
    settings.credentials_file = file;
    {
        HttpGateway gateway(io, settings);
        boost::asio::co_spawn(io, gateway.cancel(new_order_id()),
                              [&](std::exception_ptr, CancelResult result) {
                                  reason = std::get<Unclear>(result).detail;
                                  io.stop();
                              });
        io.run_for(seconds{5});
    }
    spdlog::set_default_logger(before);
    std::filesystem::remove(file);
    CHECK(reason.find("onnect") != std::string::npos);
    CHECK((log.str() + reason).find("geheim") == std::string::npos);
    const bool warned = log.str().find("unencrypted") != std::string::npos;
    CHECK(warned == settings.origin.starts_with("http:"));
}
