#include "gateway-sandbox/ledger_store.hpp"

#include <algorithm>
#include <iterator>
#include <random>
#include <stdexcept>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/describe.hpp>
#include <sqlite3.h>

#include "core/unavailable.hpp"

namespace orderflow::sandbox {

namespace asio = boost::asio;

// A connection. It throws an exception on every failure.
class Database {
public:
    explicit Database(const std::string& file) {
        const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
        check(sqlite3_open_v2(file.c_str(), &handle_, flags, nullptr));
        sqlite3_busy_timeout(handle_, 5'000);
        exec("PRAGMA journal_mode=WAL");
        exec("PRAGMA synchronous=FULL");
    }
    ~Database() { sqlite3_close_v2(handle_); }
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    void exec(const char* sql) { check(sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr)); }

    void check(int code) const {
        if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
        throw std::runtime_error(std::string("ledger: ") +
                                 (handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(code)));
    }

    sqlite3* handle() const { return handle_; }

private:
    sqlite3* handle_ = nullptr;
};

namespace {

constexpr std::size_t kQueueCapacity = 200'000;
// A commit costs one sync of the disk. So the writer waits up to 5 ms for more entries once there
// is one (it lingers); the answer to a charge is delayed by more than that anyway.
constexpr GatherLimits kGather{
    .max_records = 5'000, .gather_time = std::chrono::milliseconds{5}, .gather_records = 500};

constexpr int kSchemaVersion = 1;  // of the tables below
constexpr const char* kSchema = R"sql(
CREATE TABLE IF NOT EXISTS ledger (
    id       INTEGER PRIMARY KEY,
    key      TEXT    NOT NULL,
    kind     TEXT    NOT NULL CHECK (kind IN ('charge', 'decline', 'refund', 'cancel')),
    amount   INTEGER NOT NULL, -- minor units
    currency TEXT    NOT NULL,
    token    TEXT    NOT NULL,
    at       INTEGER NOT NULL  -- microseconds since 1970, UTC
) STRICT;
CREATE TABLE IF NOT EXISTS gateway (instance TEXT NOT NULL) STRICT;
)sql";

class Statement {
public:
    Statement(Database& database, const char* sql) : database_(database) {
        database.check(sqlite3_prepare_v2(database.handle(), sql, -1, &handle_, nullptr));
    }
    ~Statement() { sqlite3_finalize(handle_); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    void bind(int parameter, std::int64_t value) {
        database_.check(sqlite3_bind_int64(handle_, parameter, value));
    }
    // `text` must live until the statement has run.
    void bind(int parameter, std::string_view text) {
        database_.check(sqlite3_bind_text(handle_, parameter, text.data(),
                                          static_cast<int>(text.size()), SQLITE_STATIC));
    }
    // Returns whether there is a row.
    bool step() {
        const int code = sqlite3_step(handle_);
        database_.check(code);
        return code == SQLITE_ROW;
    }
    void run() {
        step();
        sqlite3_reset(handle_);
    }
    std::int64_t integer(int column) const { return sqlite3_column_int64(handle_, column); }
    std::string text(int column) const {
        const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
        return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
    }

private:
    Database& database_;
    sqlite3_stmt* handle_ = nullptr;
};

Entry read_entry(const Statement& row) {
    Entry entry;
    entry.id = row.integer(0);
    entry.key = row.text(1);
    boost::describe::enum_from_string(row.text(2).c_str(), entry.kind);
    entry.amount = row.integer(3);
    entry.currency = row.text(4);
    entry.token = row.text(5);
    entry.at = Instant(std::chrono::microseconds(row.integer(6)));
    return entry;
}

constexpr const char* kSelect =
    "SELECT id, key, kind, amount, currency, token, at FROM ledger WHERE id > ? "
    "ORDER BY id LIMIT ?";

std::int64_t stored_version(Database& database) {
    Statement select(database, "PRAGMA user_version");
    select.step();
    return select.integer(0);
}

// A file has version 0 if it is new, or if it was created before the program wrote a version: then
// its tables are those of the first version.
void bring_in_schema(Database& database, const std::string& file) {
    const auto found = stored_version(database);
    if (found != 0 && found != kSchemaVersion) {
        throw std::runtime_error("ledger " + file +
                                 " was made by another version of this program:"
                                 " found version " +
                                 std::to_string(found) + ", expected version " +
                                 std::to_string(kSchemaVersion) +
                                 "; start the program that made it, or begin with another file");
    }
    database.exec(kSchema);
    database.exec(("PRAGMA user_version = " + std::to_string(kSchemaVersion)).c_str());
}

std::string instance_of(Database& database) {
    Statement select(database, "SELECT instance FROM gateway");
    if (select.step()) return select.text(0);
    std::string made(8, '0');
    std::random_device random;
    for (char& c : made) c = "0123456789abcdef"[random() % 16];
    Statement insert(database, "INSERT INTO gateway VALUES (?)");
    insert.bind(1, made);
    insert.run();
    return made;
}

void insert(Statement& statement, const Entry& entry) {
    statement.bind(1, entry.id);
    statement.bind(2, entry.key);
    statement.bind(3, std::string_view(boost::describe::enum_to_string(entry.kind, "")));
    statement.bind(4, entry.amount);
    statement.bind(5, entry.currency);
    statement.bind(6, entry.token);
    statement.bind(7, std::int64_t{entry.at.time_since_epoch().count()});
    statement.run();
}

asio::awaitable<std::vector<Entry>> select_entries(Database& database, std::int64_t after,
                                                   std::int64_t limit) {
    Statement select(database, kSelect);
    select.bind(1, after);
    select.bind(2, limit);
    std::vector<Entry> entries;
    while (select.step()) entries.push_back(read_entry(select));
    co_return entries;
}

}  // namespace

LedgerStore::LedgerStore(asio::io_context& io, const std::string& file,
                         std::function<void(const std::string&)> on_failure)
    : io_(io),
      on_failure_(std::move(on_failure)),
      database_(std::make_unique<Database>(file)),
      queue_(kQueueCapacity, kGather) {
    bring_in_schema(*database_, file);
    instance_ = instance_of(*database_);
    reading_ = std::make_unique<Database>(file);
}

LedgerStore::~LedgerStore() {
    queue_.close();
    if (writer_.joinable()) writer_.join();
    reader_.join();
}

void LedgerStore::replay(const std::function<void(const Entry&)>& apply) {
    Statement select(*database_, kSelect);
    select.bind(1, std::int64_t{0});
    select.bind(2, std::int64_t{-1});  // no limit
    while (select.step()) {
        const Entry entry = read_entry(select);
        apply(entry);
        durable_ = entry.id;
    }
}

void LedgerStore::require_room() const {
    if (queue_.size() >= kQueueCapacity) throw Unavailable("the ledger's queue is full");
}

void LedgerStore::append(Entry entry) {
    if (!writer_.joinable()) writer_ = std::jthread([this] { write_batches(); });
    if (!queue_.push(std::move(entry))) throw std::logic_error("ledger: decided without room");
}

// Runs on the writer thread.
void LedgerStore::write_batches() {
    try {
        Statement begin(*database_, "BEGIN IMMEDIATE");
        Statement commit(*database_, "COMMIT");
        Statement add(*database_, "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?)");
        while (!queue_.closed() || queue_.size() > 0) {
            const std::vector<Entry> batch = queue_.take(std::chrono::milliseconds{1'000});
            if (batch.empty()) continue;
            begin.run();
            for (const Entry& entry : batch) insert(add, entry);
            commit.run();
            asio::post(io_, [this, id = batch.back().id] { committed(id); });
        }
    } catch (const std::exception& error) {
        asio::post(io_, [this, what = std::string(error.what())] { on_failure_(what); });
    }
}

void LedgerStore::committed(std::int64_t id) {
    durable_ = id;
    const auto due = std::partition(waiters_.begin(), waiters_.end(),
                                    [&](const DurableWaiter& w) { return w.id > id; });
    std::vector<DurableWaiter> ready(std::make_move_iterator(due),
                                     std::make_move_iterator(waiters_.end()));
    waiters_.erase(due, waiters_.end());
    for (DurableWaiter& waiter : ready) asio::dispatch(std::move(waiter.resume));
}

asio::awaitable<void> LedgerStore::durable(std::int64_t id) {
    if (id <= durable_) co_return;
    const auto enqueue = [this, id](auto handler) { waiters_.push_back({id, std::move(handler)}); };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(enqueue,
                                                                         asio::use_awaitable);
}

asio::awaitable<std::vector<Entry>> LedgerStore::read(std::int64_t after, std::int64_t limit) {
    co_return co_await asio::co_spawn(reader_, select_entries(*reading_, after, limit),
                                      asio::use_awaitable);
}

}  // namespace orderflow::sandbox
