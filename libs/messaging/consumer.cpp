#include "messaging/consumer.hpp"

namespace orderflow::messaging {

bool Consumer::poll(std::chrono::milliseconds idle) {
    records_ = source_.poll(gathering_, idle);
    batch_ = decode_batch(self_, records_);
    return !records_.empty();
}

BatchReport Consumer::handle() {
    const BatchReport report = run_batch(work_, handler_, batch_);
    source_.processed(records_);
    drop();
    return report;
}

void Consumer::drop() {
    batch_ = {};
    records_.clear();
}

}  // namespace orderflow::messaging
