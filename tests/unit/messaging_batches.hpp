#pragma once
// Records and handlers that the suites about a batch share.
#include <span>
#include <vector>

#include "messaging/batch.hpp"
#include "support/builders.hpp"

namespace orderflow::test {

// Emits OrderCompleted for every delivery.
inline bool complete_all(std::span<const messaging::Delivery> batch, messaging::BatchOutput& out) {
    for (const messaging::Delivery& delivery : batch) {
        Story story;
        story.id = *delivery.order_id();
        out.emit(story.completed(), delivery.traceparent);
    }
    return true;
}

inline std::vector<messaging::Record> two_good_one_broken() {
    Message broken = message_of(Story{}.captured());
    broken.value = "{";
    return records_of({message_of(Story{}.scheduled()), broken, message_of(Story{}.refused())});
}

}  // namespace orderflow::test
