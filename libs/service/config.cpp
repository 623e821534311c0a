#include "service/config.hpp"

#include <cstdlib>

#include "core/parse_options.hpp"
#include "core/secret_file.hpp"
#include "http/origin.hpp"
#include "kafka/properties.hpp"
#include "postgres/connection.hpp"
#include "kafka/producer.hpp"

namespace orderflow::service {
namespace {

// "https://***@host" of "https://user:password@host".
std::string without_userinfo(const std::string& text) {
    const auto scheme = text.find("://");
    const auto at = text.rfind('@');
    if (scheme == text.npos || at == text.npos || at < scheme) return text;
    return text.substr(0, scheme + 3) + "***" + text.substr(at);
}

}  // namespace

Options::Options(events::Service service, const char* description, CommonConfig& config,
                 unsigned short port)
    : service_(service),
      common_(config),
      app_(description, std::string(events::names_of(service).name)) {
    config.port = port;
    config.client_id = config.group_id = events::names_of(service).name;
    app_.option_defaults()->always_capture_default();
    add_basics();
    add_database();
    add_kafka();
}

void Options::add_basics() {
    CommonConfig& config = common_;
    app_.add_option("--port", config.port, "HTTP port; 0: any free port")->envname("PORT");
    app_.add_option("--probe", probe_,
                    "without other options: sends GET to this URL (http://…); exit code 0 if the "
                    "status is 2xx, otherwise 1");
    app_.add_option("--bind", config.bind, "address to listen on")->envname("BIND");
    app_.add_option("--log-level", config.log_level,
                    "debug, info, warn or error; debug shows assignments, fetches and batches")
        ->envname("LOG_LEVEL")
        ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
    if (const char* node = std::getenv("NODE_ENV")) config.environment = node;
    app_.add_option("--environment", config.environment,
                    "environment name in logs and metrics: production, staging, …; NODE_ENV is "
                    "read as well")
        ->envname("APP_ENV");
    const auto check_origin = [](const std::string& text) {
        return http::is_origin(text) ? std::string()
                                     : "not an origin (https://shop.example): " + text;
    };
    app_.add_option("--allowed-origins", config.allowed_origins,
                    "origins, besides the service's own, whose pages may open WebSockets and send "
                    "changes: https://shop.example,…")
        ->envname("ALLOWED_ORIGINS")
        ->delimiter(',')
        ->default_str("")
        ->check(check_origin, "ORIGINS", "origins");
}

void Options::add_database() {
    CommonConfig& config = common_;
    const auto* url = app_.add_option("--database-url", config.database_url,
                                      "libpq connection string of the service's own database")
                          ->envname("DATABASE_URL")
                          ->required();
    masks_[url] = &postgres::masked;
    app_.add_option("--database-password-file", database_password_file_,
                    "file whose first line is the password for --database-url")
        ->envname("DATABASE_PASSWORD_FILE");
    app_.add_option("--database-threads", config.database_threads,
                    "threads for HTTP reads, each with a connection")
        ->envname("DATABASE_THREADS")
        ->check(CLI::Range(1, 64));
    app_.add_flag("--migrate", config.migrate,
                  "migrate the schema to this program's version and exit (exit code 3: the schema "
                  "is newer); needs the owner's --database-url");
}

void Options::add_kafka() {
    CommonConfig& config = common_;
    app_.add_option("--brokers", config.brokers, "Kafka bootstrap servers, host:port,…")
        ->envname("KAFKA_BROKERS");
    app_.add_option("--client-id", config.client_id, "Kafka client id")->envname("KAFKA_CLIENT_ID");
    app_.add_option("--group-id", config.group_id, "Kafka consumer group")
        ->envname("KAFKA_GROUP_ID");
    add_properties("--kafka", "KAFKA_SETTINGS", config.kafka_properties.all,
                   "NAME=VALUE, a librdkafka property for all clients; repeatable; in the "
                   "environment separated by ;");
    add_properties("--kafka-producer", "KAFKA_PRODUCER_SETTINGS", config.kafka_properties.producer,
                   "the same, only for producers");
    add_properties("--kafka-consumer", "KAFKA_CONSUMER_SETTINGS", config.kafka_properties.consumer,
                   "the same, only for consumers");
    app_.add_option("--kafka-password-file", kafka_password_file_,
                    "file whose first line is sasl.password")
        ->envname("KAFKA_PASSWORD_FILE");
    app_.add_option("--consumers", config.consumers, "consumer loops in this process")
        ->envname("CONSUMERS")
        ->check(CLI::Range(1, 32));
    app_.add_option("--batch-records", config.gather.max_records,
                    "maximum number of records that a consumer handles in one transaction")
        ->envname("BATCH_RECORDS")
        ->check(CLI::Range(1, 100'000));
    const auto set_wait = [&config](std::int64_t ms) {
        config.gather.gather_time = std::chrono::milliseconds(ms);
    };
    app_.add_option_function<std::int64_t>("--batch-wait-ms", set_wait,
                                           "how long a batch waits for more records under load, "
                                           "milliseconds; a batch from whose records no next step "
                                           "follows waits up to 100")
        ->default_str(std::to_string(config.gather.gather_time.count()))
        ->envname("BATCH_WAIT_MS")
        ->check(CLI::Range(0, 10'000));
}

void Options::add_properties(const char* flag, const char* environment_name,
                             kafka::Properties& properties, const char* help) {
    const auto add = [&properties](const std::vector<std::string>& texts) {
        for (const std::string& text : texts) kafka::add_property(properties, text);
    };
    const auto* option = app_.add_option_function<std::vector<std::string>>(flag, add, help)
                             ->envname(environment_name)
                             ->delimiter(';')
                             ->default_str("")
                             ->check(&kafka::refusal_of_property, "NAME=VALUE", "property");
    masks_[option] = [](const std::string& text) {
        return text.empty() ? text : kafka::masked_property(text);
    };
}

void Options::add_seconds(const char* flag, const char* environment_name,
                          std::chrono::seconds& value, Range range, const char* help) {
    const auto set = [&value](std::int64_t count) { value = std::chrono::seconds(count); };
    app_.add_option_function<std::int64_t>(flag, set, help)
        ->default_str(std::to_string(value.count()))
        ->envname(environment_name)
        ->check(CLI::Range(range.least, range.most));
}

void Options::secret(const CLI::Option* option) {
    masks_[option] = [](const std::string& text) { return text.empty() ? text : "***"; };
}

void Options::read_secrets() {
    const auto read = [](const std::string& file) {
        try {
            return secret_in(file);
        } catch (const std::runtime_error& error) {
            throw CLI::FileError(error.what());
        }
    };
    if (!database_password_file_.empty()) {
        common_.database_url =
            postgres::with_password(common_.database_url, read(database_password_file_));
    }
    if (!kafka_password_file_.empty()) {
        common_.kafka_properties.all["sasl.password"] = read(kafka_password_file_);
    }
}

// Each property is valid by itself; this checks that librdkafka accepts them together.
void Options::check_kafka() const {
    try {
        kafka::check_producer(common_.kafka());
    } catch (const std::runtime_error& error) {
        throw CLI::ValidationError("Kafka's properties", error.what());
    }
}

std::optional<int> Options::parse(int argc, char** argv) {
    postgres::ignore_environment();
    try {
        parse_options(app_, argc, argv);
        read_secrets();
        check_kafka();
        return std::nullopt;
    } catch (const CLI::ParseError& error) {
        return app_.exit(error) == 0 ? 0 : 2;
    }
}

std::string Options::effective() const {
    std::string text;
    for (const CLI::Option* option : app_.get_options()) {
        const std::string name = option->get_name();
        if (name == "--help" || name == "--probe") continue;
        std::vector<std::string> values = option->results();
        if (values.empty()) values.push_back(option->get_default_str());
        const auto mask = masks_.find(option);
        std::string shown;
        for (const std::string& value : values) {
            shown += (shown.empty() ? "" : ",") +
                     (mask == masks_.end() ? without_userinfo(value) : mask->second(value));
        }
        text += (text.empty() ? "" : " ") + name.substr(2) + "=" + shown;
    }
    return text;
}

}  // namespace orderflow::service
