#pragma once
// What every service gets for free: the io_context with its HTTP server, probes, metrics, and the
// order of starting and stopping. Built first in `main`; `run` blocks the main thread until SIGTERM
// or SIGINT.
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <prometheus/registry.h>

#include "http/router.hpp"
#include "messaging/loops.hpp"
#include "postgres/pool.hpp"
#include "service/config.hpp"

namespace boost::asio {
class io_context;
}

namespace orderflow::service {

class Host {
public:
    // Waits for PostgreSQL and Kafka, brings in the schema, creates the topics. Throws when either
    // does not answer within a minute.
    Host(const CommonConfig& config, events::Service service, std::string_view schema_sql);
    ~Host();

    boost::asio::io_context& io();
    prometheus::Registry& registry() { return *registry_; }
    postgres::Pool& pool() { return *pool_; }  // for HTTP reads
    const CommonConfig& config() const { return config_; }

    messaging::LoopContext loop_context(messaging::Bell& bell);

    // One consumer loop per configured consumer.
    messaging::ConsumerLoops start_consumers(
        const messaging::LoopContext& context, const messaging::HandlerFactory& make_handler,
        GatherLimits limits = {}, messaging::FetchSettings fetch = {});

    // Adds what every service has besides its own routes: the probes, /metrics, /openapi.yaml,
    // which describes them all. run() does; a test that lists all routes does, too.
    void add_probes(http::Router& router);

    // Adds the probes, listens, prints "ready port=N" on standard output, and serves
    // until a signal. Then: unready, accept no more, finish running requests, `stop` each loop in
    // the given order. A process that is not done after 9 s is ended the hard way.
    void run(http::Router router, const std::vector<std::function<void()>>& stop);

private:
    const CommonConfig config_;
    const events::Service service_;
    std::unique_ptr<boost::asio::io_context> io_;
    std::shared_ptr<prometheus::Registry> registry_;
    std::unique_ptr<postgres::Pool> pool_;
    bool draining_ = false;
    std::function<void()> refresh_gauges_;  // of the HTTP server, before they are shown
};

// Runs `body` under the process's only catch outside the loops: 0, or 1 after logging.
int guarded(const std::function<void()>& body);

}  // namespace orderflow::service
