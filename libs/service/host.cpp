#include "service/host.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <ranges>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/describe.hpp>
#include <prometheus/text_serializer.h>
#include <spdlog/spdlog.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/pause.hpp"
#include "json/json.hpp"
#include "loops/consumer_loop.hpp"
#include "loops/relay_loop.hpp"
#include "http/probe.hpp"
#include "http/problem.hpp"
#include "http/server.hpp"
#include "service/log.hpp"
#include "service/metrics.hpp"

namespace orderflow::service {

extern const std::string_view kOpenApiYaml;  // api/openapi.yaml

// The answer of /readyz, as a described struct.
struct Ready {
    std::string status;
    std::vector<std::string> waiting;
};
BOOST_DESCRIBE_STRUCT(Ready, (), (status, waiting))

// The answer of /actuator/health, in the form that monitors of other platforms read.
struct Health {
    std::string status;
    std::optional<std::string> detail;  // of a component that is DOWN
};
BOOST_DESCRIBE_STRUCT(Health, (), (status, detail))
struct HealthComponents {
    Health db, kafka, schema;
};
BOOST_DESCRIBE_STRUCT(HealthComponents, (), (db, kafka, schema))
struct WholeHealth {
    std::string status;
    HealthComponents components;
};
BOOST_DESCRIBE_STRUCT(WholeHealth, (), (status, components))

namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr milliseconds kDrain{4'000};
constexpr milliseconds kReadyWithin{900};  // probes give up after a second
constexpr milliseconds kPulse{10'000};     // clients ask every 3 s
constexpr milliseconds kStopLimit{8'000};
constexpr milliseconds kLastLines{500};
constexpr std::size_t kFilesBesideClients = 512;  // PostgreSQL, Kafka, outgoing calls, libraries

// Also true on a standby that has not been promoted.
const postgres::Statement kReadOnly{"read_only",
                                    "SELECT current_setting('transaction_read_only')::boolean"};

// Raises this process's limit of open files as far as allowed; returns it.
std::size_t raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

// Limits clients to the number of files that are left for them, so that further clients receive 503
// and the other users of files are not affected.
http::Limits http_limits(const CommonConfig& config) {
    http::Limits limits;
    limits.allowed_origins = config.allowed_origins;
    const std::size_t files = raise_file_limit();
    const std::size_t room =
        files > 2 * kFilesBesideClients ? files - kFilesBesideClients : files / 2;
    limits.connections = std::min(limits.connections, room);
    limits.websocket.sockets = std::min(limits.websocket.sockets, room * 3 / 4);
    return limits;
}

asio::awaitable<http::Response> livez(http::Request) {
    http::Response response;
    response.body = R"({"status":"alive"})";
    co_return response;
}

constexpr auto kIsReadOnly = [](postgres::Connection& connection) {
    return connection.exec(kReadOnly).boolean(0, 0);
};

// "database: schema orders lacks …. kafka: …. "
std::string waited_for(Startup& startup) {
    std::string text;
    for (const std::string& step : startup.steps().list()) text += step + ". ";
    return text;
}

asio::awaitable<http::Response> readyz(postgres::Pool& pool, Startup& startup, const bool& stopping,
                                       http::Request) {
    if (stopping) co_return http::problem_unavailable("The process is stopping.");
    if (!startup.database().is_open() || startup.topics_missing()) {
        co_return http::problem_unavailable("The service waits for: " + waited_for(startup));
    }
    if (co_await pool.run(kIsReadOnly, kReadyWithin)) {
        co_return http::problem_unavailable("The database does not accept writes.");
    }
    const Ready ready{"ready", startup.steps().list()};
    co_return http::json_response(200, json::to_json(ready));
}

Health up_if(bool up, const std::string& why_not) {
    return up ? Health{"UP", std::nullopt} : Health{"DOWN", why_not};
}

asio::awaitable<Health> database_health(postgres::Pool& pool, Startup& startup) {
    // Before the schema is ready, no query goes through the pool; Startup has the state.
    if (!startup.database().is_open()) {
        const bool connected = startup.database_usage().connections > 0;
        co_return up_if(connected, "no connection");
    }
    std::string failure;
    try {
        if (co_await pool.run(kIsReadOnly, kReadyWithin)) failure = "it does not accept writes";
    } catch (const std::exception&) {
        failure = "no answer";
    }
    co_return up_if(failure.empty(), failure);
}

asio::awaitable<http::Response> health(postgres::Pool& pool, Startup& startup, http::Request) {
    const std::string waiting = waited_for(startup);
    WholeHealth whole;
    whole.components.db = co_await database_health(pool, startup);
    whole.components.schema = up_if(startup.database().is_open(), waiting);
    whole.components.kafka = startup.topics_missing() ? up_if(false, waiting)
                                                      : up_if(startup.kafka_pulse().alive(kPulse),
                                                              "no answer for 10 s or longer");
    const auto& all = whole.components;
    const bool up = all.db.status == "UP" && all.kafka.status == "UP" && all.schema.status == "UP";
    whole.status = up ? "UP" : "DOWN";
    co_return http::json_response(up ? 200 : 503, json::to_json(whole));
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

// "[::1]:3001"
std::string endpoint_text(const std::string& address, unsigned short port) {
    const bool bare_ipv6 = address.find(':') != std::string::npos && !address.starts_with('[');
    return (bare_ipv6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

}  // namespace

// Ends the process after a time limit, even if a part of it hangs (a frozen server answers no query
// and breaks no connection). The interrupted work is repeated after the next start, as after kill
// -9. A stop is never delayed for longer, and it is not a failure.
class Host::Watchdog {
public:
    Watchdog(milliseconds limit, int code)
        : thread_([limit, code](std::stop_token stop) {
              pause(stop, limit);
              if (stop.stop_requested()) return;
              spdlog::warn(
                  "stopped after {} s, although work still waits for the database or for Kafka; "
                  "the next start repeats this work",
                  std::chrono::duration<double>(limit).count());
              flush_log(kLastLines);
              std::_Exit(code);
          }) {}

private:
    std::jthread thread_;
};

Host::Host(const CommonConfig& config, events::Service service, postgres::Migrations migrations,
           Prepare prepare)
    : config_(config),
      service_(service),
      standard_output_(STDOUT_FILENO),
      io_(std::make_unique<asio::io_context>(1)),
      signals_(std::make_unique<asio::signal_set>(*io_, SIGTERM, SIGINT)),
      registry_(std::make_shared<prometheus::Registry>()),
      startup_(config_, service, migrations, std::move(prepare)),
      pool_(std::make_unique<postgres::Pool>(startup_.url(),
                                             static_cast<std::size_t>(config_.database_threads),
                                             1'024, &startup_.database())),
      context_(make_context()) {
    own<loops::RelayLoop>(context_);
}

Host::~Host() {
    while (!parts_.empty()) parts_.pop_back();
}

asio::io_context& Host::io() { return *io_; }

loops::Context Host::make_context() {
    loops::Context context{service_, startup_.url(), config_.kafka(), *registry_, relay_feed_};
    context.database = &startup_.database();
    context.topics = &startup_.topics();
    context.start_steps = &startup_.steps();
    context.kafka_pulse = &startup_.kafka_pulse();
    return context;
}

void Host::consume(loops::Subscription subscription) {
    if (!subscription.gather) subscription.gather = config_.gather;
    if (!subscription.fetch) subscription.fetch = config_.fetch;
    if (subscription.group.empty()) subscription.group = config_.group_id;
    const std::vector<std::string> reads = loops::topics_of(subscription, service_);
    for (const auto& [group, topics] : consumed_) {
        const bool shared = std::ranges::any_of(reads, [&](const std::string& topic) {
            return std::ranges::find(topics, topic) != topics.end();
        });
        if (!shared && group != subscription.group) continue;
        throw std::logic_error("subscription " + subscription.name +
                               ": another one has the same group or topic");
    }
    consumed_.emplace_back(subscription.group, reads);
    for (int i = 0; i < config_.consumers; ++i) own<loops::ConsumerLoop>(context_, subscription);
}

void Host::add_probes(http::Router& router) {
    router.get("/openapi.yaml", &openapi);
    router.get("/livez", &livez);
    router.get("/readyz", [this](http::Request request) {
        return readyz(*pool_, startup_, stopping_, std::move(request));
    });
    router.get("/actuator/health", [this](http::Request request) {
        return health(*pool_, startup_, std::move(request));
    });
    router.get("/metrics", [this](http::Request request) {
        return metrics(*registry_, refresh_gauges_, std::move(request));
    });
}

void Host::run(http::Router router) {
    add_probes(router);
    HttpMetrics http_metrics(*registry_);
    ProcessMetrics process_metrics(*registry_, config_.environment, config_.log_level);
    http::Server server(*io_, std::move(router), http_limits(config_), http_metrics.hooks());
    refresh_gauges_ = [&] {
        http_metrics.show(server.stats());
        process_metrics.show(startup_.steps(), startup_.database_usage());
    };
    const unsigned short port = server.listen(config_.bind, config_.port);
    const auto stop = [&] {
        if (std::exchange(stopping_, true)) return;
        spdlog::info("stopping");
        watchdog_ = std::make_unique<Watchdog>(kStopLimit, failure_ ? 1 : 0);
        startup_.request_stop();
        for (const auto& part : parts_) part->request_stop();
        server.stop();
        asio::co_spawn(*io_, drain_and_stop(server, *io_), asio::detached);
    };
    signals_->async_wait([&](boost::system::error_code error, int) {
        if (!error) stop();
    });
    startup_.start([&](std::exception_ptr failure) {
        asio::post(*io_, [&, failure] {
            failure_ = failure;
            stop();
        });
    });
    standard_output_.write("ready port=" + std::to_string(port) + "\n");
    spdlog::info("listening on {}", endpoint_text(config_.bind, port));
    if (server.is_open_to_others()) {
        spdlog::warn(
            "every client that can connect to {} may do everything: the service does not "
            "authenticate clients",
            endpoint_text(config_.bind, port));
    }
    io_->run();
    pool_->request_stop();
    for (const auto& part : std::views::reverse(parts_)) part->stop();
    startup_.stop();
    pool_.reset();
    if (failure_) std::rethrow_exception(failure_);
    spdlog::info("stopped");
}

int run_program(Options& options, int argc, char** argv, postgres::Migrations migrations,
                const std::function<void()>& serve) {
    if (const auto code = http::probe_of(argc, argv)) return *code;
    if (const auto code = options.parse(argc, argv)) return *code;
    const CommonConfig& config = options.common();
    init_log(events::names_of(options.service()).name, config.log_level, config.environment);
    // One heap for a dozen threads that mostly wait. With an arena for each thread, memory that a
    // burst freed in one arena could not be used by another thread, and the process kept several
    // times the memory that it needs.
    ::mallopt(M_ARENA_MAX, 2);
    int code = 0;
    try {
        spdlog::info("starting: {}", options.effective());
        config.migrate ? migrate(config, options.service(), migrations) : serve();
    } catch (const postgres::SchemaIsNewer& newer) {
        spdlog::error("{}", newer.what());
        code = 3;
    } catch (const std::exception& error) {
        spdlog::critical("{}", error.what());
        code = 1;
    }
    flush_log(kLastLines);
    return code;
}

}  // namespace orderflow::service
