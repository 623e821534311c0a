#include "kafka/consumer.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include <spdlog/spdlog.h>

#include "kafka/membership.hpp"

namespace orderflow::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kStalledAfter{30};
constexpr std::chrono::seconds kLookAgain{5};
constexpr milliseconds kNap{25};  // rebalances are served in between

}  // namespace

Consumer::Consumer(Settings settings, std::vector<std::string> topics, FetchSettings fetch,
                   CanWait can_wait)
    : settings_(std::move(settings)),
      topics_(std::move(topics)),
      fetch_(fetch),
      can_wait_(std::move(can_wait)),
      membership_(std::make_unique<Membership>(settings_, topics_, fetch_)),
      last_progress_(steady_clock::now()) {}

Consumer::~Consumer() = default;

std::vector<Record> Consumer::poll(Gathering& gathering, milliseconds idle) {
    if (early_.empty() && !membership_->reads_right_logs()) restart();
    std::vector<Record> records = std::exchange(early_, {});
    milliseconds wait = records.empty() ? idle : milliseconds{0};
    steady_clock::time_point first{};  // when the oldest record came that decides on the wait
    bool can_wait = records.empty() && can_wait_;
    while (records.size() < gathering.limits().max_records) {
        auto record = membership_->poll_one(wait);
        // Records that were polled before a rebalance are delivered again, here or to another
        // member; the record in hand was delivered after the rebalance.
        if (membership_->take_revoked()) records.clear();
        if (record) {
            if (can_wait && !can_wait_(*record)) {
                can_wait = false;
                first = {};
            }
            records.push_back(std::move(*record));
            wait = milliseconds{0};
            continue;
        }
        if (records.empty()) break;
        const auto now = steady_clock::now();
        if (first == steady_clock::time_point{}) first = now;
        const auto patience = gathering.patience(records.size(), first, now, can_wait);
        if (patience.count() == 0) break;
        const auto nap = std::min(std::chrono::ceil<milliseconds>(patience), kNap);
        if (can_wait) {
            wait = nap;  // a record that cannot wait ends it
        } else {
            // Without polling: each record that comes would wake this thread.
            std::this_thread::sleep_for(nap);
            wait = milliseconds{0};
        }
    }
    gathering.taken(records.size(), steady_clock::now());
    membership_->commit_if_due();
    if (!records.empty()) {
        progressed();
    } else {
        restart_if_stalled();
    }
    return records;
}

// Checks twice: records that have just arrived after a quiet time are lag as well, but not a stall.
void Consumer::restart_if_stalled() {
    const auto now = steady_clock::now();
    if (now - last_progress_ < kStalledAfter || now < next_look_) return;
    const bool lagged = std::exchange(lagged_, membership_->lags());
    next_look_ = now + (lagged_ ? kLookAgain : kStalledAfter);
    if (!lagged || !lagged_) return;
    spdlog::warn("kafka: no progress for {} s although there is lag, creating a new client",
                 kStalledAfter.count());
    restart();
}

void Consumer::restart() {
    membership_->close();
    membership_.reset();
    membership_ = std::make_unique<Membership>(settings_, topics_, fetch_);
    progressed();
}

void Consumer::progressed() {
    last_progress_ = steady_clock::now();
    lagged_ = false;
}

void Consumer::processed(const std::vector<Record>& records) {
    for (const Record& record : records) membership_->processed(record);
    membership_->commit_if_due();
}

bool Consumer::hold(milliseconds time, std::stop_token stop) {
    membership_->pause(true);
    const auto until = steady_clock::now() + time;
    bool kept = true;
    do {
        // Polling keeps the membership and serves rebalances; paused partitions deliver nothing,
        // but a record that slips through must not be lost.
        auto record = membership_->poll_one(milliseconds{50});
        if (membership_->take_revoked()) {
            kept = false;
            early_.clear();
        }
        if (record) early_.push_back(std::move(*record));
    } while (kept && !stop.stop_requested() && steady_clock::now() < until);
    membership_->pause(false);
    progressed();
    return kept;
}

void Consumer::close() { membership_->close(); }

bool Consumer::joined() const { return membership_->joined(); }

std::uint64_t Consumer::answers() const { return membership_->answers(); }

std::vector<Consumer::Lag> Consumer::lags() const { return membership_->partition_lags(); }

}  // namespace orderflow::kafka
