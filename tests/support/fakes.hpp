#pragma once
// The ports of libs/kafka, libs/outbox and libs/loops in memory, written by hand. A test can make
// them fail, and can read which calls they received. One thread.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "kafka/delivery.hpp"
#include "kafka/producer.hpp"
#include "loops/batch.hpp"
#include "outbox/parking.hpp"
#include "outbox/relay.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/builders.hpp"

namespace orderflow::test {

// The outbox table and the checkpoint. Committed rows survive the relay; a relay that starts again
// reads them from here.
class MemoryLedger final : public outbox::Ledger {
public:
    // Sequence numbers may have gaps, like those of transactions that were rolled back.
    void append(std::int64_t seq, const OrderId& order) {
        outbox::LedgerRow row;
        row.seq = seq;
        row.event_id = new_id<EventId>();
        row.order_id = order;
        row.topic = "order-events";
        row.key = order.to_string();
        rows.push_back(row);
    }

    bool lead() override { return true; }
    std::int64_t checkpoint() override { return saved; }
    std::string topic_id() override { return topic; }
    void set_topic_id(const std::string& id, std::int64_t checkpoint) override {
        topic = id;
        saved = checkpoint;
    }
    std::vector<outbox::LedgerRow> read(std::int64_t after, std::size_t limit) override {
        ++reads;
        check_connection();
        std::vector<outbox::LedgerRow> found;
        for (const auto& row : rows) {
            if (row.seq > after && found.size() < limit) found.push_back(row);
        }
        return found;
    }
    void move_checkpoint(std::int64_t from, std::int64_t to) override {
        ++saves;
        check_connection();
        if (saved != from) throw std::runtime_error("moved");
        saved = to;
    }
    bool held() const override { return on_hold; }
    void release() noexcept override {}

    std::vector<outbox::LedgerRow> rows;
    std::int64_t saved = 0;
    std::string topic;
    int reads = 0;
    int saves = 0;
    bool lost = false;  // the connection, and with it the lead
    bool on_hold = false;

private:
    void check_connection() const {
        if (lost) throw std::runtime_error("connection lost");
    }
};

// A broker that reports only when the test calls report(), refuse() or report_all(), or on flush().
// Its destruction loses the events that were not reported as persisted.
class FakeProducer final : public kafka::Producer {
public:
    bool produce(const kafka::Message& row, std::uint64_t token) override {
        if (in_flight.size() >= queue_capacity) return false;
        // A relay produces LedgerRow objects only.
        const auto seq = static_cast<const outbox::LedgerRow&>(row).seq;
        in_flight.push_back({seq, token});
        produced.push_back(seq);
        return true;
    }
    std::vector<Report> reports() override { return std::exchange(reports_, {}); }
    void flush(std::chrono::milliseconds) override { report_all(); }

    // Reports the n-th event in flight, as persisted or not.
    void report(std::size_t n, bool persisted = true) { report(n, {.persisted = persisted}); }
    void refuse(std::size_t n, kafka::Refusal why) {
        report(n, {.persisted = false, .why = why, .error = "refused"});
    }
    void report_all() {
        while (!in_flight.empty()) report(0);
    }

    struct InFlight {
        std::int64_t seq;
        std::uint64_t token;
    };
    std::vector<InFlight> in_flight;
    std::vector<std::int64_t> produced;  // seqs, repeats included
    std::size_t queue_capacity = SIZE_MAX;

private:
    void report(std::size_t n, Report report) {
        report.token = in_flight.at(n).token;
        in_flight.erase(in_flight.begin() + static_cast<std::ptrdiff_t>(n));
        reports_.push_back(report);
    }
    std::vector<Report> reports_;
};

// Records the calls of a transaction; throws in the call that `failing` names.
class FakeUnitOfWork final : public outbox::UnitOfWork {
public:
    Instant begin() override {
        if (on_begin) on_begin();
        note("begin");
        return at(0);
    }
    bool some_blocked() const override { return !waiting_keys.empty(); }
    std::vector<std::string> blocked(std::span<const std::string_view> keys) override {
        std::vector<std::string> found;
        for (const std::string_view key : keys) {
            if (std::ranges::find(waiting_keys, key) != waiting_keys.end()) found.emplace_back(key);
        }
        return found;
    }
    std::optional<outbox::DueRecord> take_due(Instant) override {
        note("take");
        return due;
    }
    void park(std::span<const outbox::ParkedRecord> records) override {
        std::string call = "park";
        for (const auto& parked_record : records) {
            call += " " + name_of(parked_record.why);
            if (parked_record.why != outbox::Parking::failed) continue;
            // From now on, the key of this record waits.
            const auto& key = parked_record.record->key;
            if (key) waiting_keys.emplace_back(*key);
        }
        note(call);
    }
    bool retried(const outbox::Retried& tried) override {
        note(tried.done() ? "unpark" : tried.due_at ? "postpone" : "give up");
        last_error = tried.error;
        if (tried.done()) due.reset();
        return !overtaken;
    }
    void commit(std::span<const outbox::OutgoingEvent> events) override {
        std::string call = "commit";
        for (const auto& event : events) call += " " + test::name_of(event.data);
        note(call);
    }
    void rollback() noexcept override {
        calls.push_back("rollback");
        if (on_rollback) on_rollback();
    }

    std::vector<std::string> calls;
    std::function<void()> on_begin, on_rollback;  // for a store that can be rolled back
    std::string failing;  // "commit": that call throws, as if the connection broke
    std::vector<std::string> waiting_keys;
    std::optional<outbox::DueRecord> due;
    bool overtaken = false;  // another process has already tried the due record
    std::string last_error;

private:
    static std::string name_of(outbox::Parking why) {
        switch (why) {
            case outbox::Parking::dead: return "dead";
            case outbox::Parking::failed: return "failed";
            case outbox::Parking::orphan: return "orphan";
            case outbox::Parking::behind: return "behind";
        }
        return "?";
    }
    void note(const std::string& call) {
        calls.push_back(call);
        if (!failing.empty() && call.starts_with(failing)) {
            throw postgres::DatabaseError(failing, "", true);
        }
    }
};

// A handler that calls a function.
class FakeHandler final : public loops::BatchHandler {
public:
    using Handle = std::function<bool(std::span<const kafka::Delivery>, outbox::BatchOutput&)>;
    explicit FakeHandler(Handle handle) : handle_(std::move(handle)) {}

    bool handle(Instant, std::span<const kafka::Delivery> batch,
                outbox::BatchOutput& out) override {
        return handle_(batch, out);
    }
    void committed() override { ++commits; }

    int commits = 0;

private:
    Handle handle_;
};

}  // namespace orderflow::test
