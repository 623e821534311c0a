#include "service/host.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <unordered_map>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/text_serializer.h>
#include <spdlog/spdlog.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http/problem.hpp"
#include "http/server.hpp"
#include "postgres/migration.hpp"

namespace orderflow::service {

extern const std::string_view kOpenApiYaml;  // api/openapi.yaml

namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kStartPatience{60};
constexpr milliseconds kDrain{5'000};
constexpr unsigned kStopLimitS = 9;
constexpr std::size_t kFilesBesideClients = 512;  // PostgreSQL, Kafka, outgoing calls, libraries

const postgres::Statement kPing{"ping", "SELECT 1::bigint"};

void bring_in_schema(const std::string& url, std::string_view name, std::string_view sql) {
    const auto deadline = std::chrono::steady_clock::now() + kStartPatience;
    postgres::Connection connection(url);
    for (;;) {
        try {
            return postgres::migrate(connection, name, sql);
        } catch (const postgres::DatabaseError& error) {
            if (!error.transient() || std::chrono::steady_clock::now() > deadline) throw;
            spdlog::info("waiting for PostgreSQL: {}", error.what());
            connection.reset();
            std::this_thread::sleep_for(milliseconds{300});
        }
    }
}

// The schema has the database's name: orders, payments, inventory, shipping, analytics.
std::string_view schema_name(events::Service service) {
    switch (service) {
        case events::Service::order: return "orders";
        case events::Service::payment: return "payments";
        case events::Service::inventory: return "inventory";
        case events::Service::shipping: return "shipping";
        case events::Service::analytics: return "analytics";
    }
    throw std::logic_error("no such service");
}

// Raises this process's limit of open files as far as it may; returns it.
std::size_t raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

// As many clients as there are files for, so that they are told 503 and nothing else runs short.
http::Limits http_limits() {
    http::Limits limits;
    const std::size_t files = raise_file_limit();
    const std::size_t room = files > 2 * kFilesBesideClients ? files - kFilesBesideClients
                                                             : files / 2;
    limits.connections = std::min(limits.connections, room);
    limits.websocket.sockets = std::min(limits.websocket.sockets, room * 3 / 4);
    return limits;
}

// Request counts and durations by route, what is open; used on the io thread only.
class HttpMetrics {
public:
    explicit HttpMetrics(prometheus::Registry& registry)
        : requests_(prometheus::BuildCounter()
                        .Name("orderflow_http_requests_total")
                        .Help("HTTP requests answered")
                        .Register(registry)),
          seconds_(prometheus::BuildHistogram()
                       .Name("orderflow_http_request_seconds")
                       .Help("Time from a request's header to its answer, seconds")
                       .Register(registry)),
          connections_(prometheus::BuildGauge()
                           .Name("orderflow_http_connections")
                           .Help("Open connections of clients, WebSockets too")
                           .Register(registry)
                           .Add({})),
          websockets_(prometheus::BuildGauge()
                          .Name("orderflow_websockets")
                          .Help("Open WebSockets")
                          .Register(registry)
                          .Add({})),
          websocket_ends_(prometheus::BuildCounter()
                              .Name("orderflow_websocket_ends_total")
                              .Help("WebSockets that have ended, by the code the server closed "
                                    "them with, by the client, or lost")
                              .Register(registry)) {}

    void observe(std::string_view method, std::string_view route, int status,
                 std::chrono::nanoseconds took) {
        key_.assign(method).append(" ").append(route).append(" ").append(std::to_string(status));
        auto found = cells_.find(key_);
        if (found == cells_.end()) {
            const prometheus::Labels labels{{"method", std::string(method)},
                                            {"route", std::string(route)},
                                            {"status", std::to_string(status)}};
            static const prometheus::Histogram::BucketBoundaries kBuckets{
                0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5};
            const Cell cell{&requests_.Add(labels), &seconds_.Add(labels, kBuckets)};
            found = cells_.emplace(key_, cell).first;
        }
        found->second.requests->Increment();
        found->second.seconds->Observe(std::chrono::duration<double>(took).count());
    }

    void websocket_ended(std::string_view route, std::string_view how) {
        websocket_ends_.Add({{"route", std::string(route)}, {"how", std::string(how)}})
            .Increment();
    }

    void show(const http::ServerStats& stats) {
        connections_.Set(static_cast<double>(stats.connections));
        websockets_.Set(static_cast<double>(stats.websockets));
    }

private:
    struct Cell {
        prometheus::Counter* requests;
        prometheus::Histogram* seconds;
    };
    prometheus::Family<prometheus::Counter>& requests_;
    prometheus::Family<prometheus::Histogram>& seconds_;
    prometheus::Gauge& connections_;
    prometheus::Gauge& websockets_;
    prometheus::Family<prometheus::Counter>& websocket_ends_;
    std::unordered_map<std::string, Cell> cells_;
    std::string key_;
};

asio::awaitable<http::Response> livez(http::Request) {
    http::Response response;
    response.body = R"({"status":"alive"})";
    co_return response;
}

asio::awaitable<http::Response> readyz(postgres::Pool& pool, const bool& draining, http::Request) {
    if (draining) co_return http::problem_unavailable("the process is stopping");
    co_await pool.run([](postgres::Connection& connection) {
        return connection.exec(kPing).int64(0, 0);
    });
    http::Response response;
    response.body = R"({"status":"ready"})";
    co_return response;
}

asio::awaitable<http::Response> metrics(prometheus::Registry& registry,
                                        const std::function<void()>& refresh, http::Request) {
    refresh();
    http::Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = prometheus::TextSerializer().Serialize(registry.Collect());
    co_return response;
}

asio::awaitable<http::Response> openapi(http::Request) {
    http::Response response;
    response.content_type = "application/yaml";
    response.body = kOpenApiYaml;
    co_return response;
}

asio::awaitable<void> drain_and_stop(http::Server& server, asio::io_context& io) {
    co_await server.drained(kDrain);
    io.stop();
}

}  // namespace

Host::Host(const CommonConfig& config, events::Service service, std::string_view schema_sql)
    : config_(config),
      service_(service),
      io_(std::make_unique<asio::io_context>(1)),
      registry_(std::make_shared<prometheus::Registry>()) {
    bring_in_schema(config_.database_url, schema_name(service), schema_sql);
    messaging::ensure_topics(config_.kafka(), service, config_.topic_replication, kStartPatience);
    pool_ = std::make_unique<postgres::Pool>(
        config_.database_url, static_cast<std::size_t>(config_.database_threads), 1'024);
}

Host::~Host() = default;

asio::io_context& Host::io() { return *io_; }

messaging::LoopContext Host::loop_context(messaging::Bell& bell) {
    return {service_, config_.database_url, config_.kafka(), *registry_, bell};
}

messaging::ConsumerLoops Host::start_consumers(
    const messaging::LoopContext& context, const messaging::HandlerFactory& make_handler,
    GatherLimits limits, messaging::FetchSettings fetch) {
    messaging::ConsumerLoops loops;
    for (int i = 0; i < config_.consumers; ++i) {
        loops.push_back(
            std::make_unique<messaging::ConsumerLoop>(context, make_handler, limits, fetch));
    }
    return loops;
}

void Host::add_probes(http::Router& router) {
    router.get("/openapi.yaml", &openapi);
    router.get("/livez", &livez);
    router.get("/readyz", [this](http::Request request) {
        return readyz(*pool_, draining_, std::move(request));
    });
    router.get("/metrics", [this](http::Request request) {
        return metrics(*registry_, refresh_gauges_, std::move(request));
    });
}

void Host::run(http::Router router, const std::vector<std::function<void()>>& stop) {
    add_probes(router);
    HttpMetrics http_metrics(*registry_);
    http::Hooks hooks;
    hooks.on_request = [&](std::string_view method, std::string_view route, int status,
                           std::chrono::nanoseconds took) {
        http_metrics.observe(method, route, status, took);
    };
    hooks.on_exception = [](std::string_view method, std::string_view route,
                            std::string_view what) {
        spdlog::error("{} {}: {}", method, route, what);
    };
    hooks.on_websocket_end = [&](std::string_view route, std::string_view how) {
        http_metrics.websocket_ended(route, how);
    };
    http::Server server(*io_, std::move(router), http_limits(), std::move(hooks));
    refresh_gauges_ = [&] { http_metrics.show(server.stats()); };
    const unsigned short port = server.listen(config_.bind, config_.port);
    asio::signal_set signals(*io_, SIGTERM, SIGINT);
    signals.async_wait([&](boost::system::error_code error, int) {
        if (error) return;
        spdlog::info("stopping");
        ::alarm(kStopLimitS);  // a stop that hangs must not hold up the operator
        draining_ = true;
        server.stop();
        asio::co_spawn(*io_, drain_and_stop(server, *io_), asio::detached);
    });
    // Last: who has read it may send a signal.
    std::printf("ready port=%u\n", static_cast<unsigned>(port));
    std::fflush(stdout);
    spdlog::info("listening on {}:{}", config_.bind, port);
    io_->run();
    for (const auto& stop_one : stop) stop_one();
    pool_.reset();
    spdlog::info("stopped");
}

int guarded(const std::function<void()>& body) {
    // One heap for a dozen threads that mostly wait: with an arena each, what a burst freed in one
    // could not be used by another, and the process kept several times what it needs.
    ::mallopt(M_ARENA_MAX, 2);
    try {
        body();
        return 0;
    } catch (const std::exception& error) {
        spdlog::critical("{}", error.what());
        return 1;
    }
}

}  // namespace orderflow::service
