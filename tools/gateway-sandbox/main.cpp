// gateway-sandbox: the stand-in payment gateway, a development tool.

#include <cctype>
#include <csignal>
#include <cstdio>
#include <exception>
#include <limits>
#include <string>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <sys/resource.h>
#include <unistd.h>

#include "core/line_writer.hpp"
#include "core/parse_options.hpp"
#include "gateway-sandbox/faults.hpp"
#include "gateway-sandbox/gateway.hpp"
#include "gateway-sandbox/gateway_api.hpp"
#include "gateway-sandbox/ledger_store.hpp"
#include "http/probe.hpp"
#include "http/server.hpp"

namespace {

namespace asio = boost::asio;
using namespace orderflow;

struct Config {
    std::string probe;  // only for --help: http::probe_of() handles it
    std::string bind = "127.0.0.1";
    unsigned short port = 3010;
    std::string database = "gateway-sandbox.sqlite";
    std::string credentials_file;
    sandbox::Faults faults;
};

void describe_faults(CLI::App& app, sandbox::Faults& faults) {
    const auto add = [&](std::string name, auto& value, std::string help, auto most) {
        std::string environment = "GATEWAY_" + name;
        for (char& c : environment) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
        app.add_option("--" + name, value, help)
            ->envname(environment)
            ->check(CLI::Range(decltype(most){0}, most));
    };
    constexpr auto kDelay = sandbox::kMaxDelayMs;
    add("delay-ms", faults.delay_ms, "delay of each answer about a charge, milliseconds", kDelay);
    add("jitter-ms", faults.jitter_ms,
        "additional random delay, evenly distributed from 0 to this, milliseconds", kDelay);
    add("slow-ms", faults.slow_ms,
        "delay that \"far too late\" means, also for the slow tokens, milliseconds", kDelay);
    app.add_flag("--unavailable", faults.unavailable, "answer every request about charges with 503")
        ->envname("GATEWAY_UNAVAILABLE");
    add("error-rate", faults.error_rate, "share of charges: answered with 500, not decided", 1.0);
    add("slow-rate", faults.slow_rate, "share of charges: decided and answered far too late", 1.0);
    add("late-rate", faults.late_rate, "share of charges: decided at once, answered far too late",
        1.0);
    add("never-rate", faults.never_rate,
        "share of charges: decided, connection closed far too late without an answer", 1.0);
    add("wrong-amount-rate", faults.wrong_amount_rate,
        "share of charges: captured correctly, answered with an amount 1 too high", 1.0);
    add("cancel-error-rate", faults.cancel_error_rate,
        "share of cancels: answered with 500, not decided", 1.0);
    add("cancel-late-rate", faults.cancel_late_rate,
        "share of cancels: decided at once, answered far too late", 1.0);
    add("seed", faults.seed, "seed of the random choice of faults",
        std::numeric_limits<std::int64_t>::max());
}

void describe(CLI::App& app, Config& config) {
    app.add_option("--probe", config.probe,
                   "without other options: sends GET to this URL (http://…); exit code 0 if the "
                   "status is 2xx, otherwise 1");
    app.add_option("--bind", config.bind, "address to listen on")->envname("BIND");
    app.add_option("--port", config.port, "port to listen on; 0: any free port")->envname("PORT");
    app.add_option("--database", config.database, "SQLite file of the ledger");
    app.add_option(
           "--credentials-file", config.credentials_file,
           "clients must send this file's first line as bearer token for charges and ledger")
        ->envname("GATEWAY_CREDENTIALS_FILE");
    describe_faults(app, config.faults);
    for (CLI::Option* option : app.get_options()) option->capture_default_str();
    app.footer(
        "The faults, from --delay-ms on, are start values: PUT /v1/faults changes them.\n"
        "docs/gateway-sandbox.md has routes, tokens and faults.");
}

// Each caller that waits for a slow answer holds a connection.
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

void run(const Config& config, LineWriter& errors) {
    allow_many_connections();
    asio::io_context io(1);
    std::string failure;
    sandbox::Gateway gateway;
    sandbox::LedgerStore ledger(io, config.database, [&](const std::string& what) {
        failure = what;
        io.stop();
    });
    ledger.replay([&](const sandbox::Entry& entry) { gateway.apply(entry); });

    sandbox::GatewayApi api(io, gateway, ledger, config.faults, config.credentials_file);
    http::Limits limits;
    limits.connections = limits.in_flight = 60'000;
    http::Hooks hooks;
    hooks.on_exception = [&](std::string_view, std::string_view route, std::string_view what) {
        errors.write(std::string(route) + ": " + std::string(what) + "\n");
    };
    http::Server server(io, api.routes(), limits, std::move(hooks));
    const auto port = server.listen(config.bind, config.port);
    LineWriter output(STDOUT_FILENO);
    output.write("ready port=" + std::to_string(port) + "\n");

    asio::signal_set signals(io, SIGTERM, SIGINT);
    signals.async_wait([&](boost::system::error_code ec, int) {
        if (!ec) asio::co_spawn(io, stop(server, io), asio::detached);
    });
    io.run();
    if (!failure.empty()) throw std::runtime_error(failure);
}

}  // namespace

int main(int argc, char** argv) {
    if (const auto code = http::probe_of(argc, argv)) return *code;
    CLI::App app("A stand-in payment gateway with a durable ledger.");
    Config config;
    describe(app, config);
    try {
        parse_options(app, argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    if (const auto mistake = sandbox::find_mistake(config.faults)) {
        std::fprintf(stderr, "gateway-sandbox: %s\n", mistake->detail.c_str());
        return 1;
    }
    keep_standard_streams();
    ignore_closed_pipes();
    LineWriter errors(STDERR_FILENO);
    try {
        run(config, errors);
        return 0;
    } catch (const std::exception& error) {
        errors.write(std::string("gateway-sandbox: ") + error.what() + "\n");
        return 1;
    }
}
