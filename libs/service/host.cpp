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
#include <spdlog/spdlog.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/pause.hpp"
#include "loops/consumer_loop.hpp"
#include "loops/relay_loop.hpp"
#include "http/probe.hpp"
#include "http/server.hpp"
#include "service/log.hpp"
#include "service/metrics.hpp"
#include "service/probes.hpp"

namespace orderflow::service {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr milliseconds kDrain{4'000};
constexpr milliseconds kStopLimit{8'000};
constexpr milliseconds kLastLines{500};
constexpr std::size_t kFilesBesideClients = 512;  // PostgreSQL, Kafka, outgoing calls, libraries

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
    router.get("/openapi.yaml", &probes::openapi);
    router.get("/livez", &probes::livez);
    router.get("/readyz", [this](http::Request request) {
        return probes::readyz(*pool_, startup_, stopping_, std::move(request));
    });
    router.get("/actuator/health", [this](http::Request request) {
        return probes::health(*pool_, startup_, std::move(request));
    });
    router.get("/metrics", [this](http::Request request) {
        return probes::metrics(*registry_, refresh_gauges_, std::move(request));
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
