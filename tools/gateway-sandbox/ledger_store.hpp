#pragma once
// The gateway's durable ledger in SQLite. append(), durable() and read() are called on the io
// thread. One writer thread commits all waiting entries in one transaction, with a sync to disk
// (WAL, synchronous=FULL). A second thread reads, so that reading never delays a commit.
//
// If the ledger cannot be written, the process ends. Answers wait for their commit, so no client
// has received an answer that is not on disk. If two processes use one file, one of them ends the
// same way, at the first id that both assign.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "core/batch_queue.hpp"
#include "gateway-sandbox/gateway.hpp"

namespace boost::asio {
class io_context;
}

namespace orderflow::sandbox {

class Database;

class LedgerStore {
public:
    // Opens or creates the file. `on_failure` is called at most once, on the io thread. Throws
    // std::runtime_error.
    LedgerStore(boost::asio::io_context& io, const std::string& file,
                std::function<void(const std::string& what)> on_failure);
    // Commits all appended entries.
    ~LedgerStore();

    // Reads the whole ledger. Call it before the first append().
    void replay(const std::function<void(const Entry&)>& apply);

    // Eight characters that are created with the file. They make the charge ids of two ledgers
    // different.
    const std::string& instance() const { return instance_; }

    // Throws Unavailable if too many entries wait. Call it before every decision.
    void require_room() const;
    void append(Entry entry);

    // Completes when the entry with that id and all entries before it are on disk.
    boost::asio::awaitable<void> durable(std::int64_t id);

    // Returns the entries with ids above `after`, at most `limit`, in order; only durable ones.
    boost::asio::awaitable<std::vector<Entry>> read(std::int64_t after, std::int64_t limit);

private:
    struct DurableWaiter {
        std::int64_t id;
        boost::asio::any_completion_handler<void()> resume;
    };
    void write_batches();
    void committed(std::int64_t id);

    boost::asio::io_context& io_;
    std::function<void(const std::string&)> on_failure_;
    std::unique_ptr<Database> database_;  // used by the writer thread, once it runs
    std::unique_ptr<Database> reading_;   // used by the reader thread
    std::string instance_;
    std::int64_t durable_ = 0;
    std::vector<DurableWaiter> waiters_;
    BatchQueue<Entry> queue_;
    boost::asio::thread_pool reader_{1};
    std::jthread writer_;  // last: it uses the other members
};

}  // namespace orderflow::sandbox
