#pragma once
// What the threads of one process tell its relay: that rows were appended to the outbox, and, while
// the relay leads, the rows themselves, so that it need not read them again. Rows of other
// processes, and rows of a COMMIT without an answer, are not in it: the relay reads them from the
// table. Thread-safe.
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
    // Called by the relay: whether it takes rows from now on.
    void keep_rows(bool keep);

    // After the commit that appended these rows. They are dropped if the relay does not take them,
    // or if too many wait; it reads the table then.
    void push(std::vector<LedgerRow> rows);
    // Wakes the relay for another reason than rows, for example to stop.
    void signal() { wake_up_.signal(); }
    // See WakeUp::wait().
    void wait(std::chrono::milliseconds at_most) { wake_up_.wait(at_most); }

    // Takes the rows that follow seq `after` without a gap, at most `limit`, and drops those up to
    // it. Empty: the next row is not here.
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
