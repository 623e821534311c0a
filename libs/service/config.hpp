#pragma once
// Configuration: one struct per service, parsed once in `main`; each option has a flag, an
// environment name, a default, a range and a help text with its unit. Nothing else reads the
// environment.
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "core/gathering.hpp"
#include "events/catalog.hpp"
#include "kafka/properties.hpp"
#include "kafka/settings.hpp"

namespace orderflow::service {

// The settings that all five services share.
struct CommonConfig {
    std::string bind = "127.0.0.1";
    unsigned short port = 0;
    std::string database_url;
    std::string brokers = "127.0.0.1:19092";
    std::string client_id;  // default: the service's name
    std::string group_id;   // default: the service's name
    kafka::ClientProperties kafka_properties;
    std::string log_level = "info";
    std::string environment = "development";  // production, staging, …: a name in logs and metrics
    GatherLimits gather;                      // a consumer's batches
    kafka::FetchSettings fetch;
    int consumers = 1;
    int database_threads = 2;
    std::vector<std::string> allowed_origins;
    bool migrate = false;

    kafka::Settings kafka() const { return {brokers, client_id, group_id, kafka_properties}; }
};

// The command line of one service.
class Options {
public:
    // `port` is the service's own default. The present values of `config` are the other defaults.
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

    // An option whose value must not appear in a log.
    void secret(const CLI::Option* option);

    // Parses the command line, and reads the files that contain secrets. Returns an exit code if
    // the process must end here (--help, a wrong option, a file that cannot be read).
    std::optional<int> parse(int argc, char** argv);

    // name=value of every option, secrets masked, for the log.
    std::string effective() const;

    events::Service service() const { return service_; }
    const CommonConfig& common() const { return common_; }  // after parse()

private:
    using Mask = std::function<std::string(const std::string&)>;

    void add_basics();
    void add_database();
    void add_kafka();
    void add_properties(const char* flag, const char* environment_name,
                        kafka::Properties& properties, const char* help);
    void read_secrets();
    void check_kafka() const;

    const events::Service service_;
    CommonConfig& common_;
    CLI::App app_;
    std::map<const CLI::Option*, Mask> masks_;
    std::string probe_;  // for --help: http::probe_of() takes it
    std::string database_password_file_;
    std::string kafka_password_file_;
};

}  // namespace orderflow::service
