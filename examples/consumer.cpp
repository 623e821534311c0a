// Prints the records of a topic as a member of a consumer group: TOPIC/PARTITION@OFFSET KEY VALUE.
//
//   example-consumer --topic demo --group demo-readers --count 2
//   example-consumer --topic demo --group demo-readers --auto-commit --for-s 10
//
// The example commits the offset of a record after it has printed the record. So a record may be
// printed twice, but no record is skipped. With --auto-commit, librdkafka commits once a second the
// offsets of the records that it has handed over, whether they were printed or not. Use that only
// where the loss of a record does no harm.
// Exit code 0: --count records came; 1: they did not come in time, or the client failed; 2: a wrong
// option.
#include <chrono>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>
#include <spdlog/spdlog.h>

#include "core/parse_options.hpp"
#include "kafka/consumer.hpp"
#include "kafka/properties.hpp"
#include "kafka/record.hpp"
#include "kafka/settings.hpp"

namespace {

using namespace orderflow;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

struct Options {
    kafka::Settings kafka{"127.0.0.1:19092", "example-consumer", "example-consumer"};
    std::string topic;
    std::size_t count = 1;
    std::int64_t for_s = 30;
    bool auto_commit = false;
};

int parse(int argc, char** argv, Options& options) {
    CLI::App app("Prints the records of a Kafka topic");
    app.add_option("--brokers", options.kafka.brokers, "host:port,…")->envname("KAFKA_BROKERS");
    app.add_option("--client-id", options.kafka.client_id)->envname("KAFKA_CLIENT_ID");
    app.add_option("--group", options.kafka.group_id)->envname("KAFKA_GROUP_ID");
    app.add_option("--topic", options.topic)->required();
    app.add_option("--count", options.count, "records to wait for");
    app.add_option("--for-s", options.for_s, "seconds to wait for them");
    app.add_flag("--auto-commit", options.auto_commit, "let librdkafka commit each second");
    const auto add = [&options](const std::vector<std::string>& texts) {
        for (const auto& text : texts) kafka::add_property(options.kafka.properties.all, text);
    };
    app.add_option_function<std::vector<std::string>>("--kafka", add, "NAME=VALUE, repeatable")
        ->envname("KAFKA_SETTINGS")
        ->delimiter(';')
        ->check(&kafka::refusal_of_property);
    try {
        parse_options(app, argc, argv);
        return -1;
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
}

// Returns whether as many records came as --count requires.
bool print(const Options& options) {
    kafka::Consumer consumer(options.kafka, {options.topic});
    Gathering gathering;
    std::size_t printed = 0;
    const auto until = steady_clock::now() + std::chrono::seconds(options.for_s);
    while (printed < options.count && steady_clock::now() < until) {
        const auto records = consumer.poll(gathering, 500ms);
        if (!records.empty()) spdlog::info("fetched {} records", records.size());
        for (const auto& record : records) {
            std::cout << record.topic << "/" << record.partition << "@" << record.offset << " "
                      << record.key.value_or("") << " " << record.value << "\n";
        }
        std::cout.flush();
        printed += records.size();
        if (!options.auto_commit) consumer.processed(records);
    }
    consumer.close();  // leaves the group, so that another member need not wait for its session
    return printed >= options.count;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (const int code = parse(argc, argv, options); code >= 0) return code;
    if (options.auto_commit) {
        options.kafka.properties.consumer = {{"enable.auto.commit", "true"},
                                             {"enable.auto.offset.store", "true"},
                                             {"auto.commit.interval.ms", "1000"}};
    }
    try {
        return print(options) ? 0 : 1;
    } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
}
