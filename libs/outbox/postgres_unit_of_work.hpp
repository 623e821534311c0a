#pragma once
// The transaction of a service on PostgreSQL, with its outbox and its parked records. Each loop
// owns one PostgresUnitOfWork on its own connection.
#include <optional>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "outbox/relay_feed.hpp"
#include "outbox/unit_of_work.hpp"
#include "outbox/failure_log.hpp"
#include "outbox/parked_table.hpp"
#include "postgres/connection.hpp"

namespace orderflow::outbox {

class PostgresUnitOfWork final : public UnitOfWork {
public:
    // `producer` determines the topic and the source of the appended events. take_due() takes
    // parked records of `topics` alone; without topics, of all.
    PostgresUnitOfWork(postgres::Connection& connection, events::Service producer,
                       RelayFeed& relay_feed, std::vector<std::string> topics = {});

    Instant begin() override;
    bool some_blocked() const override { return some_parked_; }
    std::vector<std::string> blocked(std::span<const std::string_view> keys) override;
    std::optional<DueRecord> take_due(Instant now) override;
    void park(std::span<const ParkedRecord> records) override;
    bool retried(const Retried& retried) override;
    // Throws std::length_error for an event above 256 KiB.
    void commit(std::span<const OutgoingEvent> events) override;
    void rollback() noexcept override;

private:
    std::vector<LedgerRow> rows_of(std::span<const OutgoingEvent> events);
    void append_and_commit(std::vector<LedgerRow>& rows);
    void log_failures();

    postgres::Connection& connection_;
    events::Service producer_;
    RelayFeed& relay_feed_;
    IdSource ids_;
    std::optional<postgres::Transaction> transaction_;
    ParkedTable parked_;
    bool some_parked_ = false;  // as the transaction began
    std::vector<Announcement> announcements_;
    FailureLog failures_;
};

}  // namespace orderflow::outbox
