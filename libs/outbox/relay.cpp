#include "outbox/relay.hpp"

namespace orderflow::outbox {

Relay::Relay(Ledger& ledger, kafka::Producer& producer, Limits limits)
    : ledger_(ledger), producer_(producer), limits_(limits) {}

bool Relay::meet_topic(Ledger& ledger, const std::string& id, bool send_again) {
    const std::string known = ledger.topic_id();
    if (known == id) return false;
    ledger.set_topic_id(id, known.empty() || !send_again ? ledger.checkpoint() : 0);
    return !known.empty();
}

void Relay::start() { head_ = confirmed_ = saved_ = ledger_.checkpoint(); }

void Relay::take_reports() {
    std::optional<Refused> refused;
    for (const kafka::Producer::Report& report : producer_.reports()) {
        InFlight& event = in_flight_.at(report.token - first_token_);
        if (report.persisted) {
            event.reported = true;
        } else if (limits_.skip_refused && kafka::is_about_the_event(report.why)) {
            event.reported = true;
            skipped_.push_back({event.seq, report.why, report.error});
        } else if (!refused) {
            refused.emplace(report.why, event.seq, std::string(report.error));
        }
    }
    while (!in_flight_.empty() && in_flight_.front().reported) {
        confirmed_ = in_flight_.front().through;
        in_flight_.pop_front();
        ++first_token_;
    }
    if (!refused) return;
    save_checkpoint();  // events that Kafka accepted are not sent again
    throw *refused;
}

void Relay::save_checkpoint() {
    ledger_.move_checkpoint(saved_, confirmed_);
    saved_ = confirmed_;
}

void Relay::step_over(std::int64_t seq) {
    head_ = stepped_over_ = seq;
    (in_flight_.empty() ? confirmed_ : in_flight_.back().through) = seq;
}

std::size_t Relay::step(std::chrono::steady_clock::time_point now) {
    take_reports();
    if (now >= next_checkpoint_) {
        // Even if nothing moved: a relay that cannot produce must still find out that it no longer
        // leads.
        save_checkpoint();
        next_checkpoint_ = now + limits_.checkpoint_every;
    }
    if (ledger_.held()) return 0;
    if (next_waiting_ == waiting_.size()) {
        if (in_flight_.size() >= limits_.in_flight) return 0;
        waiting_ = ledger_.read(head_, limits_.read_rows);
        next_waiting_ = 0;
    }
    std::size_t produced = 0;
    for (; next_waiting_ < waiting_.size(); ++next_waiting_) {
        const LedgerRow& row = waiting_[next_waiting_];
        if (row.elsewhere) {
            step_over(row.seq);
            continue;
        }
        if (!in_flight_.empty() && in_flight_.front().seq <= limits_.one_by_one_until) break;
        if (!producer_.produce(row, first_token_ + in_flight_.size())) break;
        in_flight_.push_back({row.seq, row.seq, false});
        head_ = row.seq;
        ++produced;
    }
    return produced;
}

std::optional<Refused> Relay::take_overdue(std::chrono::steady_clock::time_point now) {
    const std::int64_t first = in_flight_.empty() ? 0 : in_flight_.front().seq;
    if (first != std::exchange(first_, first)) first_since_ = now;
    if (first == 0 || now < first_since_ + limits_.overdue_after) return std::nullopt;
    first_since_ = std::chrono::steady_clock::time_point::max() - limits_.overdue_after;  // said
    return Refused(kafka::Refusal::other, first,
                   "neither confirmed nor refused: does its partition have a leader and enough "
                   "in-sync replicas?");
}

void Relay::finish() {
    take_reports();
    save_checkpoint();
}

}  // namespace orderflow::outbox
