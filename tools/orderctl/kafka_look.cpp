#include "orderctl/kafka_look.hpp"

#include "kafka/asking_client.hpp"
#include "kafka/topic_reading.hpp"
#include "orderctl/connect.hpp"

namespace orderflow::orderctl {

void must_answer(const kafka::Settings& kafka, std::chrono::milliseconds patience) {
    const kafka::ClientHandle handle = kafka::make_complaining_client(kafka);
    try {
        kafka::read_layouts(handle.get(), {"order-events"}, patience);
    } catch (const kafka::NoAnswer& error) {
        const std::string why = kafka::complaint_of(handle.get());
        throw CannotDo("no answer of " + kafka.brokers + " within " +
                       std::to_string(patience.count()) + " ms (" +
                       (why.empty() ? error.what() : why) + ")");
    }
}

kafka::ClientEvent answer_in(const kafka::Queue& queue, const char* what) {
    constexpr int kAnswerMs = 30'000;
    kafka::ClientEvent event(rd_kafka_queue_poll(queue.get(), kAnswerMs));
    if (!event) throw CannotDo(std::string("Kafka: no answer about ") + what);
    // For this error, the broker's own text is a printed Java object.
    if (rd_kafka_event_error(event.get()) == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED) {
        throw CannotDo(std::string("Kafka: ") + what + ": only an administrator may do that");
    }
    if (rd_kafka_event_error(event.get())) {
        throw CannotDo(std::string("Kafka: ") + what + ": " +
                       rd_kafka_event_error_string(event.get()));
    }
    return event;
}

}  // namespace orderflow::orderctl
