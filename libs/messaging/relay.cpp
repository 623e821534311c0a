#include "messaging/relay.hpp"

#include <stdexcept>

namespace orderflow::messaging {

Relay::Relay(Ledger& ledger, Producer& producer, Limits limits)
    : ledger_(ledger), producer_(producer), limits_(limits) {}

void Relay::start() {
    head_ = confirmed_ = saved_ = ledger_.checkpoint();
}

void Relay::take_reports() {
    for (const Producer::Report& report : producer_.reports()) {
        if (!report.persisted) throw std::runtime_error("an event was not persisted");
        in_flight_.at(report.token - first_token_).reported = true;
    }
    while (!in_flight_.empty() && in_flight_.front().reported) {
        confirmed_ = in_flight_.front().seq;
        in_flight_.pop_front();
        ++first_token_;
    }
}

void Relay::save_checkpoint() {
    ledger_.move_checkpoint(saved_, confirmed_);
    saved_ = confirmed_;
}

std::size_t Relay::step(std::chrono::steady_clock::time_point now) {
    take_reports();
    if (now >= next_checkpoint_) {
        // Even if nothing moved: a relay that cannot produce must still find out that it no longer
        // leads.
        save_checkpoint();
        next_checkpoint_ = now + limits_.checkpoint_every;
    }
    if (next_waiting_ == waiting_.size()) {
        if (in_flight_.size() >= limits_.in_flight) return 0;
        waiting_ = ledger_.read(head_, limits_.read_rows);
        next_waiting_ = 0;
    }
    std::size_t produced = 0;
    for (; next_waiting_ < waiting_.size(); ++next_waiting_, ++produced) {
        const LedgerRow& row = waiting_[next_waiting_];
        if (!producer_.produce(row, first_token_ + in_flight_.size())) break;
        in_flight_.push_back({row.seq, false});
        head_ = row.seq;
    }
    return produced;
}

void Relay::finish() {
    take_reports();
    save_checkpoint();
}

}  // namespace orderflow::messaging
