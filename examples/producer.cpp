// Sends each line of standard input as an event to a topic, and prints how many events Kafka has
// stored and which it refused. A line KEY<tab>VALUE has a key; events with the same key stay in one
// partition, in their order.
//
//   printf 'user-1\t{"n":1}\nuser-2\t{"n":2}\n' | example-producer --topic demo
//   example-producer --topic demo --make 3 </dev/null         creates the topic, with 3 partitions
//   example-producer --topic demo --kafka linger.ms=50 --kafka compression.type=zstd <file
//
// Exit code 0: Kafka has all events; 1: it does not have all, and the errors give the reason;
// 2: a wrong option.
#include <chrono>
#include <iostream>
#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include "core/ids.hpp"
#include "core/parse_options.hpp"
#include "core/time.hpp"
#include "kafka/asking_client.hpp"
#include "kafka/producer.hpp"
#include "kafka/properties.hpp"
#include "kafka/rdkafka.hpp"
#include "kafka/settings.hpp"

namespace {

using namespace orderflow;
using namespace std::chrono_literals;

struct Options {
    kafka::Settings kafka{"127.0.0.1:19092", "example-producer", ""};
    std::string topic;
    int make = 0;
};

int parse(int argc, char** argv, Options& options) {
    CLI::App app("Sends lines of standard input to a Kafka topic");
    app.add_option("--brokers", options.kafka.brokers, "host:port,…")->envname("KAFKA_BROKERS");
    app.add_option("--client-id", options.kafka.client_id)->envname("KAFKA_CLIENT_ID");
    app.add_option("--topic", options.topic)->required();
    app.add_option("--make", options.make, "make the topic first, with so many partitions");
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

// The topic gets one replica; all other settings are the broker's defaults. A topic that exists is
// not changed.
void make_topic(const Options& options) {
    char text[256];
    const auto handle = kafka::make_asking_client(options.kafka);
    rd_kafka_NewTopic_t* topic =
        rd_kafka_NewTopic_new(options.topic.c_str(), options.make, 1, text, sizeof text);
    if (!topic) throw std::runtime_error(text);
    const kafka::Queue answers(rd_kafka_queue_new(handle.get()));
    rd_kafka_CreateTopics(handle.get(), &topic, 1, nullptr, answers.get());
    rd_kafka_NewTopic_destroy(topic);
    const kafka::ClientEvent answer(rd_kafka_queue_poll(answers.get(), 30'000));
    if (!answer || rd_kafka_event_error(answer.get())) {
        throw std::runtime_error("Kafka does not answer");
    }
    std::size_t count = 0;
    const auto** made = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(answer.get()), &count);
    const auto error = rd_kafka_topic_result_error(made[0]);
    if (error && error != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
        throw std::runtime_error(rd_kafka_err2str(error));
    }
}

class Sender {
public:
    explicit Sender(const Options& options)
        : topic_(options.topic),
          producer_(kafka::make_producer(options.kafka, events::Service::order)) {}

    void send(const std::string& line) {
        const auto tab = line.find('\t');
        kafka::Message event;
        event.event_id = ids_.next<EventId>(system_now());
        event.topic = topic_;
        event.key = tab == line.npos ? std::to_string(sent_) : line.substr(0, tab);
        event.type = "Example.v1";
        event.headers = "{}";
        event.data = tab == line.npos ? line : line.substr(tab + 1);
        event.recorded_at = system_now();
        ++sent_;
        // The producer's queue is bounded: when it is full, wait until Kafka has taken an event.
        while (!producer_->produce(event, sent_)) look(100ms);
        look(0ms);
    }

    // Returns whether Kafka has stored all events within `patience`.
    bool finish(std::chrono::milliseconds patience) {
        const auto until = std::chrono::steady_clock::now() + patience;
        while (persisted_ + refused_ < sent_ && std::chrono::steady_clock::now() < until) {
            look(100ms);
        }
        std::cout << sent_ << " sent, " << persisted_ << " in Kafka, " << refused_ << " refused\n";
        return persisted_ == sent_;
    }

private:
    void look(std::chrono::milliseconds wait) {
        if (wait.count() > 0) producer_->flush(wait);
        for (const auto& report : producer_->reports()) {
            report.persisted ? ++persisted_ : ++refused_;
            if (report.persisted) continue;
            std::cerr << "event " << report.token << ": " << report.error << "\n";
        }
    }

    const std::string topic_;
    const std::unique_ptr<kafka::Producer> producer_;
    IdSource ids_;
    std::uint64_t sent_ = 0, persisted_ = 0, refused_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (const int code = parse(argc, argv, options); code >= 0) return code;
    try {
        if (options.make > 0) make_topic(options);
        Sender sender(options);
        for (std::string line; std::getline(std::cin, line);) sender.send(line);
        return sender.finish(30s) ? 0 : 1;
    } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
}
