#pragma once
// Records and handlers that the suites about a batch share.
#include <span>
#include <vector>

#include "kafka/delivery.hpp"
#include "kafka/record.hpp"
#include "loops/batch.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/builders.hpp"

namespace orderflow::test {

// Emits OrderCompleted for every delivery.
inline bool complete_all(std::span<const kafka::Delivery> batch, outbox::BatchOutput& out) {
    for (const kafka::Delivery& delivery : batch) {
        Story story;
        story.id = *delivery.order_id();
        out.emit(story.completed(), delivery.traceparent);
    }
    return true;
}

inline std::vector<kafka::Record> two_good_one_broken() {
    Message broken = message_of(Story{}.captured());
    broken.value = "{";
    return records_of({message_of(Story{}.scheduled()), broken, message_of(Story{}.refused())});
}

}  // namespace orderflow::test
