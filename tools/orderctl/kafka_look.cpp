#include "orderctl/kafka_look.hpp"

#include "messaging/kafka_positions.hpp"
#include "orderctl/connect.hpp"

namespace orderflow::orderctl {

void must_answer(const std::string& brokers, std::chrono::milliseconds patience) {
    const messaging::KafkaHandle handle =
        messaging::make_asking_client({brokers, "orderctl", ""});
    try {
        messaging::read_layouts(handle.get(), {"order-events"}, patience);
    } catch (const messaging::KafkaUnavailable& error) {
        throw CannotDo("no answer of " + brokers + " within " + std::to_string(patience.count()) +
                       " ms (" + error.what() + ")");
    }
}

}  // namespace orderflow::orderctl
