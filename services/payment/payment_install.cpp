#include "payment/payment_install.hpp"

#include "http/router.hpp"
#include "loops/command_loop.hpp"
#include "payment/payment_api.hpp"
#include "payment/payment_gateway.hpp"
#include "payment/payment_handler.hpp"
#include "payment/payment_results.hpp"
#include "service/host.hpp"

namespace orderflow::payment {
namespace {

constexpr std::size_t kResultQueue = 4'096;  // answers of the gateway waiting for their commit
constexpr std::chrono::milliseconds kDrain{2'000};
// Calls begin in bursts, so answers come in bursts if the gateway is steady: then a batch ends soon
// after the last one. Answers that come one by one are gathered as commands are.
constexpr GatherLimits kGather = [] {
    GatherLimits limits = loops::kCommandGather;
    limits.gather_gap = std::chrono::milliseconds{4};
    return limits;
}();

// Lets calls that run end, when the service stops.
struct DrainCalls {
    Calls& calls;
    void stop() { calls.drain(kDrain); }
};

}  // namespace

void install_payment(service::Host& host, http::Router& router,
                     const http::ClientSettings& gateway_settings) {
    auto& metrics = host.own<PaymentMetrics>(host.registry());
    auto& gateway = host.own<HttpGateway>(host.io(), gateway_settings);
    auto& results = host.own<BatchQueue<GatewayResult>>(kResultQueue, kGather);
    auto& calls = host.own<Calls>(host.io(), gateway, results);
    host.own<ResultLoop>(host.context(), results, calls, metrics);
    host.own<DrainCalls>(DrainCalls{calls});
    const auto submit = [&calls](std::vector<Call> due) { calls.submit(std::move(due)); };
    const auto make_handler = [&metrics, submit](postgres::Connection& connection) {
        return std::make_unique<PaymentHandler>(make_payment_store(connection), submit, metrics);
    };
    host.consume({.name = "charging", .make_handler = make_handler});
    add_payment_routes(router, host.pool());
}

}  // namespace orderflow::payment
