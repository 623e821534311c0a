#pragma once
// What every service gets for free: the io_context with its HTTP server, probes, metrics, and the
// order of starting and stopping. Built first in `main`; `run` blocks the main thread until SIGTERM
// or SIGINT. It serves from its first moment; loops that need the database or Kafka wait for them
// beside it, for as long as it takes.
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/signal_set.hpp>
#include <prometheus/registry.h>

#include "core/line_writer.hpp"
#include "core/wake_up.hpp"
#include "http/router.hpp"
#include "loops/consumer_loop.hpp"
#include "loops/context.hpp"
#include "postgres/pool.hpp"
#include "service/config.hpp"
#include "service/stages.hpp"
#include "service/startup.hpp"

namespace boost::asio {
class io_context;
}

namespace orderflow::service {

class Host {
public:
    // Waits for nothing. `prepare`: what the service's settings want to stand in its schema.
    Host(const CommonConfig& config, events::Service service, postgres::Migrations migrations,
         Prepare prepare = {});
    ~Host();

    boost::asio::io_context& io();
    prometheus::Registry& registry() { return *registry_; }
    postgres::Pool& pool() { return *pool_; }  // for HTTP reads
    const CommonConfig& config() const { return config_; }

    loops::Context loop_context(WakeUp& relay_wake_up);

    // One consumer loop per configured consumer.
    loops::ConsumerLoops start_consumers(const loops::Context& context,
                                         const loops::HandlerFactory& make_handler);

    // Adds what every service has besides its own routes: the probes, /metrics, /openapi.yaml,
    // which describes them all. run() does; a test that lists all routes does, too.
    void add_probes(http::Router& router);

    // Adds the probes, listens, prints "ready port=N" on standard output (it listens; /readyz says
    // whether it can serve), waits for the schema and the topics, and serves until a signal. Then:
    // unready, accept no more, end the first stage's loops and finish running requests meanwhile,
    // then end stage after stage. A process that is not done after 8 s ends nevertheless. Throws
    // what no waiting mends, after the same stop: an address that is taken, a schema of another
    // version, a wrong password.
    void run(http::Router router, const std::vector<Stage>& stages);

private:
    class Watchdog;

    const CommonConfig config_;
    const events::Service service_;
    std::unique_ptr<Watchdog> watchdog_;  // from the signal to the end of this object
    LineWriter standard_output_;
    std::unique_ptr<boost::asio::io_context> io_;
    std::unique_ptr<boost::asio::signal_set> signals_;
    std::shared_ptr<prometheus::Registry> registry_;
    Startup startup_;
    std::unique_ptr<postgres::Pool> pool_;
    bool stopping_ = false;
    std::exception_ptr failure_;
    std::function<void()> refresh_gauges_;  // before they are shown
};

// What each main ends with: parses the command line, begins the log, and serves, or brings the
// schema up to date if --migrate asks for that; under the process's only catch outside the loops.
// The exit code: 0, 1 after a failure that was logged, 2 for a wrong command line, 3 if --migrate
// finds a schema that is newer than the program.
int run_program(Options& options, int argc, char** argv, postgres::Migrations migrations,
                const std::function<void()>& serve);

}  // namespace orderflow::service
