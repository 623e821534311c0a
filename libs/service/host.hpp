#pragma once
// The common parts of every service: the io_context with its HTTP server, probes, metrics, and the
// order of start and stop. Built first in `main`; `run` blocks the main thread until SIGTERM or
// SIGINT. It serves requests from its first moment; loops that need the database or Kafka wait for
// them in parallel, without a time limit.
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/signal_set.hpp>
#include <prometheus/registry.h>

#include "core/line_writer.hpp"
#include "http/router.hpp"
#include "loops/context.hpp"
#include "loops/subscription.hpp"
#include "outbox/relay_feed.hpp"
#include "postgres/pool.hpp"
#include "service/config.hpp"
#include "service/startup.hpp"

namespace boost::asio {
class io_context;
}

namespace orderflow::service {

class Host {
public:
    // Waits for nothing. `prepare`: writes the rows that the service's settings require into its
    // schema.
    Host(const CommonConfig& config, events::Service service, postgres::Migrations migrations,
         Prepare prepare = {});
    ~Host();

    boost::asio::io_context& io();
    prometheus::Registry& registry() { return *registry_; }
    postgres::Pool& pool() { return *pool_; }  // for HTTP reads
    const CommonConfig& config() const { return config_; }

    // The objects that the service's loops share.
    const loops::Context& context() const { return context_; }

    // Creates a part of the service and owns it until the end: a loop, a listener, or an object
    // that they use. A part may have request_stop(), which returns at once, and stop(), which
    // blocks. At the end all parts receive the request to stop at the same time. After the running
    // HTTP requests are answered, the parts are stopped, and then destroyed, in reverse order: a
    // part may use the parts that were created before it.
    template <class T, class... Args>
    T& own(Args&&... args) {
        auto part = std::make_unique<Owned<T>>(std::forward<Args>(args)...);
        T& value = part->value;
        parts_.push_back(std::move(part));
        return value;
    }

    // Starts one consumer loop per configured consumer; owned like the parts of own(). Throws
    // std::logic_error if another subscription has the same group or topic.
    void consume(loops::Subscription subscription);

    // Adds the routes that every service has besides its own: the probes, /metrics, and
    // /openapi.yaml, which describes all routes. run() calls it; a test that lists all routes calls
    // it, too.
    void add_probes(http::Router& router);

    // Adds the probes, listens, and prints "ready port=N" on standard output (it listens; /readyz
    // shows whether it can serve). Then it waits for the schema and the topics, and serves until a
    // signal. The stop: become unready, request all parts to stop, accept no more connections,
    // finish running requests, stop the parts one after the other, the relay last. A process that
    // is not done after 8 s ends nevertheless. After the same stop, it throws failures that waiting
    // does not remove: an address that is in use, a schema of another version, a wrong password.
    void run(http::Router router);

private:
    loops::Context make_context();

    class Watchdog;

    struct Part {
        virtual ~Part() = default;
        virtual void request_stop() {}
        virtual void stop() {}
    };
    template <class T>
    struct Owned final : Part {
        template <class... Args>
        explicit Owned(Args&&... args) : value(std::forward<Args>(args)...) {}
        void request_stop() override {
            if constexpr (requires { value.request_stop(); }) value.request_stop();
        }
        void stop() override {
            if constexpr (requires { value.stop(); }) value.stop();
        }
        T value;
    };

    const CommonConfig config_;
    const events::Service service_;
    std::unique_ptr<Watchdog> watchdog_;  // from the signal to the end of this object
    LineWriter standard_output_;
    std::unique_ptr<boost::asio::io_context> io_;
    std::unique_ptr<boost::asio::signal_set> signals_;
    std::shared_ptr<prometheus::Registry> registry_;
    Startup startup_;
    std::unique_ptr<postgres::Pool> pool_;
    outbox::RelayFeed relay_feed_;
    const loops::Context context_;
    std::vector<std::pair<std::string, std::vector<std::string>>> consumed_;  // group, topics
    std::vector<std::unique_ptr<Part>> parts_;  // after the members that they use
    bool stopping_ = false;
    std::exception_ptr failure_;
    std::function<void()> refresh_gauges_;  // called before the gauges are shown
};

// The common end of each main: parses the command line, begins the log, and calls `serve`, or
// migrates the schema if --migrate is given. Catches and logs the exception that ends either.
// Returns the exit code: 0, 1 after a failure that was logged, 2 for a wrong command line, 3 if
// --migrate finds a schema that is newer than the program.
int run_program(Options& options, int argc, char** argv, postgres::Migrations migrations,
                const std::function<void()>& serve);

}  // namespace orderflow::service
