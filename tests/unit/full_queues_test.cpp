// More is asked for than threads and queues can take: what waits is bounded, the rest is told so.

#include <algorithm>
#include <chrono>
#include <future>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <catch2/catch_test_macros.hpp>

#include "loops/context.hpp"
#include "order/saga/admission.hpp"
#include "order/saga/saga_api.hpp"
#include "outbox/relay_feed.hpp"
#include "postgres/pool.hpp"

using namespace orderflow;
namespace asio = boost::asio;

namespace {

// The order service's routes, behind queues without room.
struct FullService {
    FullService() { order::add_order_routes(router, accept, cancel, pool, {"tok_ok"}); }

    http::Response ask(http::Request request) {
        auto match = router.match(request.method, request.path);
        request.params = std::move(match.params);
        return asio::co_spawn(io.get_executor(), match.route->handler(std::move(request)),
                              asio::use_future)
            .get();
    }

    asio::thread_pool io{1};
    prometheus::Registry registry;
    prometheus::Counter failures;
    outbox::RelayFeed relay_feed;
    loops::Context context{events::Service::order, "", {}, registry, relay_feed};
    postgres::Pool pool{"", 0, 0};
    order::Admission admission;
    order::AcceptLoop accept{"accept", context, 0, order::accept_steps(admission)};
    order::CancelLoop cancel{"cancel", context, 0, order::cancel_steps()};
    http::Router router;
};

http::Request request_of(std::string method, std::string path, std::string body = {}) {
    http::Request request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.body = std::move(body);
    return request;
}

const std::string kId = "019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10";

}  // namespace

TEST_CASE("full: an order or a cancellation without room is 503 and was not carried out") {
    FullService service;
    const http::Response placed = service.ask(request_of(
        "POST", "/api/orders",
        R"({"customerId":"C","items":[{"productId":"P","name":"N","price":1,"quantity":1}]})"));
    const http::Response cancelled =
        service.ask(request_of("POST", "/api/orders/" + kId + "/cancellations"));
    for (const http::Response& response : {placed, cancelled}) {
        CHECK(response.status == 503);
        CHECK(response.body.find("/problems/unavailable") != std::string::npos);
        CHECK(response.body.find("was not carried out") != std::string::npos);
        CHECK(std::ranges::count(response.headers, "Retry-After",
                                 &std::pair<std::string, std::string>::first) == 1);
    }
    CHECK_THROWS_AS(service.ask(request_of("GET", "/api/orders")), Unavailable);
    CHECK_THROWS_AS(service.ask(request_of("GET", "/api/orders/" + kId)), Unavailable);
}

TEST_CASE("full: a pool without room says so at once; who waits in its queue is served") {
    std::promise<void> started, go_on;
    asio::thread_pool io(1);
    postgres::Pool pool("host=/nowhere", 1, 1);
    const auto ask = [&](auto work) {
        return asio::co_spawn(io.get_executor(), pool.run(std::move(work)), asio::use_future);
    };
    auto first = ask([&](postgres::Connection&) {
        started.set_value();
        go_on.get_future().wait();
        return 1;
    });
    started.get_future().wait();
    auto second = ask([](postgres::Connection&) { return 2; });
    auto third = ask([](postgres::Connection&) { return 3; });
    CHECK(third.wait_for(std::chrono::seconds(5)) == std::future_status::ready);
    go_on.set_value();
    CHECK_THROWS_AS(third.get(), Unavailable);
    CHECK(first.get() == 1);
    CHECK(second.get() == 2);
}

TEST_CASE("start: a pool whose schema is not there refuses at once, and serves when it is") {
    asio::thread_pool io(1);
    Gate gate;
    postgres::Pool pool("host=/nowhere", 1, 1, &gate);
    const auto ask = [&] {
        const auto work = [](postgres::Connection&) { return 1; };
        return asio::co_spawn(io.get_executor(), pool.run(work), asio::use_future).get();
    };
    CHECK_THROWS_AS(ask(), Unavailable);
    gate.open();
    CHECK(ask() == 1);
}
