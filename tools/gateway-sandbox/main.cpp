// gateway-sandbox: the stand-in payment gateway, a development tool.

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <sys/resource.h>

#include "gateway-sandbox/gateway.hpp"
#include "gateway-sandbox/gateway_api.hpp"
#include "gateway-sandbox/ledger_store.hpp"
#include "http/server.hpp"

namespace {

namespace asio = boost::asio;
using namespace orderflow;

struct Config {
    std::string bind = "127.0.0.1";
    unsigned short port = 3010;
    std::string database = "gateway-sandbox.sqlite";
    unsigned delay_ms = 20;
    unsigned slow_ms = 60'000;
};

void describe(CLI::App& app, Config& config) {
    const CLI::Range milliseconds(0, 600'000);
    app.add_option("--bind", config.bind, "address to listen on")->envname("BIND");
    app.add_option("--port", config.port, "port to listen on; 0: any free one")->envname("PORT");
    app.add_option("--database", config.database, "SQLite file of the ledger");
    app.add_option("--delay-ms", config.delay_ms, "delay of each answer, milliseconds")
        ->envname("GATEWAY_DELAY_MS")
        ->check(milliseconds);
    app.add_option("--slow-ms", config.slow_ms, "what tok_slow_60s waits, milliseconds")
        ->check(milliseconds);
    for (CLI::Option* option : app.get_options()) option->capture_default_str();
}

// Callers that wait for a slow answer hold a connection each.
void allow_many_connections() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

asio::awaitable<void> stop(http::Server& server, asio::io_context& io) {
    server.stop();
    co_await server.drained(std::chrono::seconds{3});
    io.stop();
}

void run(const Config& config) {
    allow_many_connections();
    asio::io_context io(1);
    std::string failure;
    sandbox::Gateway gateway;
    sandbox::LedgerStore ledger(io, config.database, [&](const std::string& what) {
        failure = what;
        io.stop();
    });
    ledger.replay([&](const sandbox::Entry& entry) { gateway.apply(entry); });

    sandbox::ApiSettings settings;
    settings.delay = std::chrono::milliseconds(config.delay_ms);
    settings.slow = std::chrono::milliseconds(config.slow_ms);
    sandbox::GatewayApi api(io, gateway, ledger, settings);
    http::Limits limits;
    limits.connections = limits.in_flight = 60'000;
    http::Hooks hooks;
    hooks.on_exception = [](std::string_view, std::string_view route, std::string_view what) {
        std::fprintf(stderr, "%s: %s\n", std::string(route).c_str(), std::string(what).c_str());
    };
    http::Server server(io, api.routes(), limits, std::move(hooks));
    std::printf("ready port=%u\n", unsigned{server.listen(config.bind, config.port)});
    std::fflush(stdout);

    asio::signal_set signals(io, SIGTERM, SIGINT);
    signals.async_wait([&](boost::system::error_code ec, int) {
        if (!ec) asio::co_spawn(io, stop(server, io), asio::detached);
    });
    io.run();
    if (!failure.empty()) throw std::runtime_error(failure);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("A stand-in payment gateway with a durable ledger.");
    Config config;
    describe(app, config);
    CLI11_PARSE(app, argc, argv);
    try {
        run(config);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "gateway-sandbox: %s\n", error.what());
        return 1;
    }
}
