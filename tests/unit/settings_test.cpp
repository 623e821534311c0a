// What a service takes from its command line, from its environment and from files, and what of it a
// log may show.

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "kafka/properties.hpp"
#include "postgres/connection.hpp"
#include "service/config.hpp"
#include "support/builders.hpp"

namespace orderflow::test {
namespace {

using Catch::Matchers::ContainsSubstring;
using kafka::refusal_of_property;

// A variable of the environment, for as long as this lives.
struct Variable {
    const char* name;
    Variable(const char* a_name, const std::string& value) : name(a_name) {
        ::setenv(name, value.c_str(), 1);
    }
    ~Variable() { ::unsetenv(name); }
};

struct SecretFile {
    std::string path = std::filesystem::temp_directory_path() / unique("secret");
    explicit SecretFile(const std::string& content) { std::ofstream(path) << content; }
    ~SecretFile() { std::filesystem::remove(path); }
};

struct Parsed {
    service::CommonConfig config;
    service::Options options{events::Service::payment, "…", config, 3002};
    std::optional<int> code;

    explicit Parsed(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"payment-service", "--database-url", "dbname=x"});
        std::vector<char*> argv;
        for (std::string& argument : arguments) argv.push_back(argument.data());
        code = options.parse(static_cast<int>(argv.size()), argv.data());
    }
};

}  // namespace

TEST_CASE("settings: any property of librdkafka may be set, but for those the promise rests on") {
    for (const char* good :
         {"linger.ms=5", "batch.size=16384", "compression.type=zstd",
          "queue.buffering.max.kbytes=32768", "retries=3", "fetch.wait.max.ms=500",
          "fetch.max.bytes=52428800", "fetch.min.bytes=1024", "max.poll.interval.ms=300000",
          "security.protocol=SASL_SSL", "sasl.mechanism=SCRAM-SHA-512"}) {
        INFO(good);
        CHECK(refusal_of_property(good) == "");
    }
    for (const std::string name :
         {"acks", "enable.idempotence", "enable.auto.commit", "enable.auto.offset.store",
          "partitioner", "auto.offset.reset", "message.timeout.ms", "isolation.level", "group.id",
          "topic.acks", "topic.partitioner", "topic.auto.offset.reset",
          "delivery.report.only.error", "ssl.engine.location", "test.mock.num.brokers"}) {
        CHECK_THAT(refusal_of_property(name + "=1"), ContainsSubstring(name + " cannot be set: "));
    }
    CHECK_THAT(refusal_of_property("no.such.thing=1"), ContainsSubstring("no.such.thing"));
    CHECK_THAT(refusal_of_property("linger.ms=soon"), ContainsSubstring("linger.ms"));
    CHECK_THAT(refusal_of_property("linger.ms"), ContainsSubstring("NAME=VALUE"));
    CHECK(Parsed({"--kafka", "acks=1"}).code == 2);
}

TEST_CASE("settings: properties that do not fit together end the program, not its relay") {
    for (const char* unfit : {"max.in.flight=100", "retries=0", "queuing.strategy=lifo"}) {
        INFO(unfit);
        CHECK(refusal_of_property(unfit) == "");
        CHECK(Parsed({"--kafka-producer", unfit}).code == 2);
    }
}

TEST_CASE("settings: properties come by flags or by the environment, for all clients or a kind") {
    const Variable all("KAFKA_SETTINGS", "security.protocol=SSL;client.rack=a");
    const Variable producer("KAFKA_PRODUCER_SETTINGS", "linger.ms=5");
    const Parsed parsed({"--kafka-consumer", "fetch.min.bytes=7", "--kafka-consumer",
                         "fetch.wait.max.ms=9", "--batch-records", "77", "--batch-wait-ms", "3"});
    CHECK_FALSE(parsed.code);
    const auto properties = parsed.config.kafka().properties;
    CHECK(properties.all == kafka::Properties{{"security.protocol", "SSL"}, {"client.rack", "a"}});
    CHECK(properties.producer == kafka::Properties{{"linger.ms", "5"}});
    CHECK(properties.consumer ==
          kafka::Properties{{"fetch.min.bytes", "7"}, {"fetch.wait.max.ms", "9"}});
    CHECK(parsed.config.gather.max_records == 77);
    CHECK(parsed.config.gather.gather_time == std::chrono::milliseconds{3});
}

TEST_CASE("settings: secrets come from files, and stand in no log") {
    const SecretFile database("hunter two's\n"), kafka("rabbit\nsecond line");
    const Parsed parsed({"--database-password-file", database.path, "--kafka-password-file",
                         kafka.path, "--kafka", "ssl.key.password=badger", "--kafka",
                         "linger.ms=5"});
    CHECK_FALSE(parsed.code);
    CHECK_THAT(parsed.config.database_url, ContainsSubstring("password='hunter two\\'s'"));
    CHECK(parsed.config.kafka().properties.all.at("sasl.password") == "rabbit");
    const std::string log = parsed.options.effective();
    for (const char* secret : {"hunter", "rabbit", "badger"}) {
        CHECK(log.find(secret) == std::string::npos);
    }
    CHECK_THAT(log, ContainsSubstring("kafka=ssl.key.password=***,linger.ms=5") &&
                        ContainsSubstring("database-password-file=" + database.path));
    CHECK(Parsed({"--kafka-password-file", "/nonexistent"}).code == 2);
}

TEST_CASE("settings: a secret that is given in a wrong way is not repeated") {
    for (const char* url :
         {"postgres://orders:OTTER%zz@h/db", "host=h password=OT OTTER", "host=h sslpassword=OTTER",
          "postgres://orders:x/OTTER@h/db", "postgres://orders:x@OTTER@h/db"}) {
        INFO(url);
        CHECK(postgres::masked(url).find("OTTER") == std::string::npos);
        try {
            postgres::Url(url, "orders");
        } catch (const std::invalid_argument& error) {
            CHECK(std::string(error.what()).find("OTTER") == std::string::npos);
        }
    }
    CHECK_NOTHROW(postgres::Url("host=@abstract dbname=a@b", "orders"));
    CHECK(refusal_of_property("OTTER").find("OTTER") == std::string::npos);
    service::CommonConfig config;
    service::Options options(events::Service::payment, "…", config, 3002);
    std::string url = "https://user:OTTER@host";
    options.app().add_option("--gateway-url", url, "…");
    CHECK_THAT(options.effective(), ContainsSubstring("gateway-url=https://***@host"));
}

TEST_CASE("settings: a value that an option declares secret is masked") {
    service::CommonConfig config;
    service::Options options(events::Service::payment, "…", config, 3002);
    std::string token = "tok_default";
    options.secret(options.app().add_option("--token", token, "…"));
    std::vector<std::string> arguments{"payment-service", "--database-url", "password=otter"};
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    REQUIRE_FALSE(options.parse(static_cast<int>(argv.size()), argv.data()));
    CHECK_THAT(options.effective(), ContainsSubstring("token=***"));
    CHECK(options.effective().find("tok_default") == std::string::npos);
    CHECK(options.effective().find("otter") == std::string::npos);
}

TEST_CASE("settings: the environment's name is APP_ENV's, or else NODE_ENV's") {
    CHECK(Parsed({}).config.environment == "development");
    const Variable node("NODE_ENV", "staging");
    CHECK(Parsed({}).config.environment == "staging");
    const Variable app("APP_ENV", "production");
    CHECK(Parsed({}).config.environment == "production");
}

}  // namespace orderflow::test
