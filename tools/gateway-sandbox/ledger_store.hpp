#pragma once
// The gateway's durable ledger in SQLite. append(), durable() and read() belong to the io thread;
// one writer thread commits, everything that is waiting in one transaction, with a sync to disk
// (WAL, synchronous=FULL), and one more thread reads, so that reading never delays a commit.
//
// A ledger that cannot be written ends the process: answers wait for their commit, so nobody was
// told anything that is not on disk. Two processes on one file end the same way, at the first id
// that both give out.

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
    // Opens or creates the file. `on_failure` is called on the io thread, once. Throws
    // std::runtime_error.
    LedgerStore(boost::asio::io_context& io, const std::string& file,
                std::function<void(const std::string& what)> on_failure);
    // Commits what was appended.
    ~LedgerStore();

    // Reads the whole ledger; before anything is appended.
    void replay(const std::function<void(const Entry&)>& apply);

    // Eight characters, made with the file, that keep charge ids of two ledgers apart.
    const std::string& instance() const { return instance_; }

    // Throws Unavailable if too much is waiting; ask before deciding anything.
    void require_room() const;
    void append(Entry entry);

    // Completes when the entry with that id, and all before it, are on disk.
    boost::asio::awaitable<void> durable(std::int64_t id);

    // Entries with ids above `after`, at most `limit`, in order; durable ones only.
    boost::asio::awaitable<std::vector<Entry>> read(std::int64_t after, std::int64_t limit);

private:
    struct Waiting {
        std::int64_t id;
        boost::asio::any_completion_handler<void()> resume;
    };
    void write_batches();
    void committed(std::int64_t id);

    boost::asio::io_context& io_;
    std::function<void(const std::string&)> on_failure_;
    std::unique_ptr<Database> database_;  // of the writer thread, once that runs
    std::unique_ptr<Database> reading_;   // of the reader thread
    std::string instance_;
    std::int64_t durable_ = 0;
    std::vector<Waiting> waiting_;
    BatchQueue<Entry> queue_;
    boost::asio::thread_pool reader_{1};
    std::jthread writer_;  // last: it uses the rest
};

}  // namespace orderflow::sandbox
