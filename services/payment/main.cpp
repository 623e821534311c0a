// payment-service: charges orders through the payment gateway, and undoes it for cancelled ones.
#include "http/client.hpp"
#include "http/router.hpp"
#include "payment/payment_install.hpp"
#include "service/host.hpp"

namespace orderflow::payment {

extern const postgres::Migrations kMigrations;

namespace {

struct Config {
    service::CommonConfig common;
    http::ClientSettings gateway{.origin = "http://127.0.0.1:3010"};
};

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

void run(const Config& config) {
    service::Host host(config.common, events::Service::payment, kMigrations);
    http::Router router;
    install_payment(host, router, config.gateway);
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
