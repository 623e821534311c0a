#pragma once
// The path from the threads of one process to its relay. It wakes the relay when rows were appended
// to the outbox. While the relay leads, it also passes on the rows themselves, so that the relay
// need not read them from the table. Two kinds of rows are not in it, and the relay reads them from
// the table: rows of other processes, and rows of a COMMIT that got no answer. Thread-safe.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "core/wake_up.hpp"
#include "outbox/relay.hpp"

namespace orderflow::outbox {

class RelayFeed {
public:
    // The relay calls this to start or stop the passing on of rows. Drops the rows that wait.
    void keep_rows(bool keep);

    // Must be called after the commit that appended these rows. Drops rows if the relay does not
    // take them, or if too many wait; then the relay reads the table.
    void push(std::vector<LedgerRow> rows);
    // Wakes the relay for another reason than rows, for example to stop.
    void signal() { wake_up_.signal(); }
    // See WakeUp::wait().
    void wait(std::chrono::milliseconds at_most) { wake_up_.wait(at_most); }

    // Takes the rows that follow seq `after` without a gap, at most `limit`, and drops the rows up
    // to `after`. Empty: row `after` + 1 is not here.
    std::vector<LedgerRow> take(std::int64_t after, std::size_t limit);
    // Whether rows are left, for example behind a gap.
    bool holds_rows();

private:
    static constexpr std::size_t kMostBytes = 4 * 1024 * 1024;  // of events

    WakeUp wake_up_;
    std::mutex mutex_;
    bool keep_ = false;
    std::map<std::int64_t, LedgerRow> rows_;  // by seq: commits may be pushed in another order
    std::size_t bytes_ = 0;
};

}  // namespace orderflow::outbox
