#pragma once
// Configuration: one struct per service, parsed once in `main`; each option has a flag, an
// environment name, a default, a range and a help text with its unit. Nothing else reads the
// environment.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "events/catalog.hpp"
#include "messaging/kafka.hpp"

namespace orderflow::service {

// What all five services share.
struct CommonConfig {
    std::string bind = "127.0.0.1";
    unsigned short port = 0;
    std::string database_url;
    std::string brokers = "127.0.0.1:19092";
    std::string client_id;  // default: the service's name
    std::string group_id;   // default: the service's name
    std::string log_level = "info";
    int topic_replication = 1;
    int consumers = 1;
    int database_threads = 2;
    std::vector<std::string> allowed_origins;
    bool migrate = false;

    messaging::KafkaSettings kafka() const {
        return {brokers, client_id, group_id, topic_replication};
    }
};

// The command line of one service.
class Options {
public:
    // `port` is the service's own default.
    Options(events::Service service, const char* description, CommonConfig& config,
            unsigned short port);

    // For the service's own options.
    CLI::App& app() { return app_; }

    // A duration in whole seconds.
    struct Range {
        std::int64_t least;
        std::int64_t most;
    };
    void add_seconds(const char* flag, const char* environment_name, std::chrono::seconds& value,
                     Range range, const char* help);

    // Parses; an exit code if the process is to end here (--help, a wrong option).
    std::optional<int> parse(int argc, char** argv);

    // name=value of every option, secrets masked, for the log.
    std::string effective() const;

    events::Service service() const { return service_; }
    const CommonConfig& common() const { return common_; }  // after parse()

private:
    const events::Service service_;
    const CommonConfig& common_;
    CLI::App app_;
};

}  // namespace orderflow::service
