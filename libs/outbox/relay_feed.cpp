#include "outbox/relay_feed.hpp"

#include <utility>

namespace orderflow::outbox {

void RelayFeed::keep_rows(bool keep) {
    const std::lock_guard lock(mutex_);
    keep_ = keep;
    rows_.clear();
    bytes_ = 0;
}

void RelayFeed::push(std::vector<LedgerRow> rows) {
    {
        const std::lock_guard lock(mutex_);
        for (LedgerRow& row : rows) {
            if (!keep_) break;
            if (bytes_ > kMostBytes) {
                rows_.clear();
                bytes_ = 0;
            }
            bytes_ += row.data.size();
            const std::int64_t seq = row.seq;
            rows_.emplace(seq, std::move(row));
        }
    }
    signal();
}

std::vector<LedgerRow> RelayFeed::take(std::int64_t after, std::size_t limit) {
    std::vector<LedgerRow> taken;
    const std::lock_guard lock(mutex_);
    while (!rows_.empty()) {
        const auto first = rows_.begin();
        if (first->first > after) {
            if (first->first != after + 1 || taken.size() == limit) break;
            after = first->first;
            bytes_ -= first->second.data.size();
            taken.push_back(std::move(first->second));
        } else {
            bytes_ -= first->second.data.size();
        }
        rows_.erase(first);
    }
    return taken;
}

bool RelayFeed::holds_rows() {
    const std::lock_guard lock(mutex_);
    return !rows_.empty();
}

}  // namespace orderflow::outbox
