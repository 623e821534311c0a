#pragma once
// Payment's calls to a gateway that the test controls. One thread.
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "payment/payment_handler.hpp"

namespace orderflow::test {

// A gateway that answers only while `answering` is set.
class FakeGateway final : public payment::Gateway {
public:
    explicit FakeGateway(boost::asio::io_context& io)
        : gate_(io, boost::asio::steady_timer::time_point::max()) {}

    boost::asio::awaitable<payment::ChargeResult> charge(payment::Call call) override {
        asked.push_back("charge " + call.id.to_string());
        co_await pause();
        if (failing) throw std::runtime_error("broken");
        co_return payment::Captured{"ch_1", call.amount};
    }
    boost::asio::awaitable<payment::CancelResult> cancel(OrderId id) override {
        asked.push_back("cancel " + id.to_string());
        co_await pause();
        co_return payment::NothingTaken{};
    }

    std::vector<std::string> asked;
    bool answering = true;
    bool failing = false;

private:
    boost::asio::awaitable<void> pause() {
        if (answering) co_return;
        boost::system::error_code ignored;
        co_await gate_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    }
    boost::asio::steady_timer gate_;
};

struct CallsFixture {
    boost::asio::io_context io;
    FakeGateway gateway{io};
    BatchQueue<payment::GatewayResult> results{100'000, {100'000, 1, std::chrono::milliseconds{0}}};
    payment::Calls calls{io, gateway, results};

    void run() {
        io.restart();
        io.poll();
    }
    // Makes the calls, and takes their results, which then count as committed.
    std::vector<payment::GatewayResult> take_results() {
        run();
        auto batch = results.take(std::chrono::milliseconds{0});
        calls.committed(batch);
        return batch;
    }
};

inline payment::Call charge_of(const OrderId& id) {
    return {id, payment::CallKind::charge, {1500, {}}, "tok_ok"};
}

}  // namespace orderflow::test
