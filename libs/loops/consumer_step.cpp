#include "loops/consumer_step.hpp"

namespace orderflow::loops {

bool ConsumerStep::poll(std::chrono::milliseconds idle) {
    records_ = source_.poll(gathering_, idle);
    batch_ = decode_batch(self_, records_);
    return !records_.empty();
}

BatchReport ConsumerStep::handle() {
    const BatchReport report = run_batch(work_, handler_, batch_);
    source_.processed(records_);
    drop();
    return report;
}

void ConsumerStep::drop() {
    batch_ = {};
    records_.clear();
}

}  // namespace orderflow::loops
