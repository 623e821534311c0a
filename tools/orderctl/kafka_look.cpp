#include "orderctl/kafka_look.hpp"

#include "messaging/kafka_positions.hpp"
#include "orderctl/connect.hpp"

namespace orderflow::orderctl {

void must_answer(const messaging::KafkaSettings& kafka, std::chrono::milliseconds patience) {
    const messaging::KafkaHandle handle = messaging::make_asking_client(kafka);
    try {
        messaging::read_layouts(handle.get(), {"order-events"}, patience);
    } catch (const messaging::KafkaUnavailable& error) {
        throw CannotDo("no answer of " + kafka.brokers + " within " +
                       std::to_string(patience.count()) + " ms (" + error.what() + ")");
    }
}

}  // namespace orderflow::orderctl
