#include "service/config.hpp"

#include "http/origin.hpp"
#include "postgres/connection.hpp"

namespace orderflow::service {

Options::Options(events::Service service, const char* description, CommonConfig& config,
                 unsigned short port)
    : service_(service),
      common_(config),
      app_(description, std::string(events::names_of(service).name)) {
    config.port = port;
    config.client_id = config.group_id = events::names_of(service).name;
    app_.option_defaults()->always_capture_default();
    app_.add_option("--port", config.port, "HTTP port; 0 takes any free one")->envname("PORT");
    app_.add_option("--bind", config.bind, "address to listen on")->envname("BIND");
    app_.add_option("--database-url", config.database_url, "libpq conninfo of the own database")
        ->envname("DATABASE_URL")
        ->required();
    app_.add_option("--brokers", config.brokers, "Kafka bootstrap servers, host:port,…")
        ->envname("KAFKA_BROKERS");
    app_.add_option("--client-id", config.client_id, "Kafka client id")->envname("KAFKA_CLIENT_ID");
    app_.add_option("--group-id", config.group_id, "Kafka consumer group")
        ->envname("KAFKA_GROUP_ID");
    app_.add_option("--log-level", config.log_level, "debug, info, warn or error")
        ->envname("LOG_LEVEL")
        ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
    app_.add_option("--topic-replication", config.topic_replication,
                    "replicas of topics that this service creates")
        ->envname("TOPIC_REPLICATION")
        ->check(CLI::Range(1, 7));
    app_.add_flag("--migrate", config.migrate,
                  "bring the schema up to date and end; --database-url is its owner's");
    app_.add_option("--consumers", config.consumers, "consumer loops in this process")
        ->envname("CONSUMERS")
        ->check(CLI::Range(1, 32));
    app_.add_option("--database-threads", config.database_threads,
                    "threads, each with a connection, for HTTP reads")
        ->envname("DATABASE_THREADS")
        ->check(CLI::Range(1, 64));
    const auto check_origin = [](const std::string& text) {
        return http::is_origin(text) ? std::string() : "no origin (https://shop.example): " + text;
    };
    app_.add_option("--allowed-origins", config.allowed_origins,
                    "whose pages may open WebSockets and change something, besides the service's "
                    "own: https://shop.example,…")
        ->envname("ALLOWED_ORIGINS")
        ->delimiter(',')
        ->default_str("")
        ->check(check_origin, "ORIGINS", "origins");
}

void Options::add_seconds(const char* flag, const char* environment_name,
                          std::chrono::seconds& value, Range range, const char* help) {
    const auto set = [&value](std::int64_t count) { value = std::chrono::seconds(count); };
    app_.add_option_function<std::int64_t>(flag, set, help)
        ->default_str(std::to_string(value.count()))
        ->envname(environment_name)
        ->check(CLI::Range(range.least, range.most));
}

std::optional<int> Options::parse(int argc, char** argv) {
    postgres::ignore_environment();
    try {
        app_.parse(argc, argv);
        return std::nullopt;
    } catch (const CLI::ParseError& error) {
        return app_.exit(error) == 0 ? 0 : 2;
    }
}

std::string Options::effective() const {
    std::string text;
    for (const CLI::Option* option : app_.get_options()) {
        const std::string name = option->get_name();
        if (name == "--help") continue;
        const auto& results = option->results();
        const std::string value =
            results.empty() ? option->get_default_str() : CLI::detail::join(results, ",");
        text += (text.empty() ? "" : " ") + name.substr(2) + "=";
        text += name == "--database-url" ? postgres::masked(value) : value;
    }
    return text;
}

}  // namespace orderflow::service
