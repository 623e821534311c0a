// payment-service: charges orders through the payment gateway, and undoes it for cancelled ones.
#include "payment/payment_api.hpp"
#include "payment/payment_results.hpp"
#include "payment/payment_handler.hpp"
#include "service/host.hpp"

namespace orderflow::payment {

extern const postgres::Migrations kMigrations;

namespace {

struct Config {
    service::CommonConfig common;
    http::ClientSettings gateway{.origin = "http://127.0.0.1:3010"};
};

constexpr std::size_t kResultQueue = 4'096;  // answers of the gateway waiting for their commit
constexpr std::chrono::milliseconds kDrain{2'000};

void add_gateway_options(service::Options& options, http::ClientSettings& gateway) {
    const auto add = [&](const char* flag, std::string& value, const char* name, const char* help) {
        return options.app().add_option(flag, value, help)->envname(name);
    };
    add("--gateway-url", gateway.origin, "GATEWAY_URL",
        "payment gateway, http:// or https://host:port");
    add("--gateway-ca-file", gateway.ca_file, "GATEWAY_CA_FILE",
        "PEM file with the only CA certificates to trust for the gateway (empty: the system's)");
    add("--gateway-credentials-file", gateway.credentials_file, "GATEWAY_CREDENTIALS_FILE",
        "file whose first line is sent as Authorization: Bearer …; a changed file is read within a "
        "second");
    options.secret(add("--gateway-proxy", gateway.proxy, "GATEWAY_PROXY",
                       "http://[user:password@]host:port (empty: none; HTTPS_PROXY is ignored)"));
}

// Lets calls that run end, when the service stops.
struct DrainCalls {
    Calls& calls;
    void stop() { calls.drain(kDrain); }
};

void run(const Config& config) {
    service::Host host(config.common, events::Service::payment, kMigrations);
    auto& metrics = host.own<PaymentMetrics>(host.registry());
    auto& gateway = host.own<HttpGateway>(host.io(), config.gateway);
    auto& results = host.own<BatchQueue<GatewayResult>>(kResultQueue);
    auto& calls = host.own<Calls>(host.io(), gateway, results);
    host.own<ResultLoop>(host.context(), results, calls, metrics);
    host.own<DrainCalls>(DrainCalls{calls});
    const auto submit = [&calls](std::vector<Call> due) { calls.submit(std::move(due)); };
    const auto make_handler = [&metrics, submit](postgres::Connection& connection) {
        return std::make_unique<PaymentHandler>(make_payment_store(connection), submit, metrics);
    };
    host.consume({.name = "charging",
                  .make_handler = make_handler,
                  .gather = config.common.gather,
                  .fetch = config.common.fetch});
    http::Router router;
    add_payment_routes(router, host.pool());
    host.run(std::move(router));
}

}  // namespace
}  // namespace orderflow::payment

int main(int argc, char** argv) {
    using namespace orderflow;
    payment::Config config;
    service::Options options(events::Service::payment, "Charges orders through a payment gateway",
                             config.common, 3002);
    payment::add_gateway_options(options, config.gateway);
    return service::run_program(options, argc, argv, payment::kMigrations,
                                [&] { payment::run(config); });
}
