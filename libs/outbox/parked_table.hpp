#pragma once
// The table of parked records, and what is announced about them. Part of PostgresUnitOfWork; works
// inside its transaction.
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/catalog.hpp"
#include "outbox/parking.hpp"
#include "postgres/connection.hpp"

namespace orderflow::outbox {

class ParkedTable {
public:
    // take_due() takes records of these topics alone; without topics, of all.
    explicit ParkedTable(postgres::Connection& connection, std::vector<std::string> topics = {})
        : connection_(connection), topics_(std::move(topics)) {}

    // The query with which a transaction begins: the clock, and whether any parked record blocks.
    // While none does, parking costs a batch nothing.
    const postgres::Statement& first_query() const;
    bool some_block(const postgres::Rows& answer) const;

    std::vector<std::string> blocked(std::span<const std::string_view> keys);
    std::optional<DueRecord> take_due(Instant now);

    // Inserts the records, and returns those that were not parked already.
    std::vector<ParkedRecord> insert(std::span<const ParkedRecord> records, Instant now);
    // False: another process has tried it since it was taken.
    bool remove(const DueRecord& due);
    bool update(const Retried& retried);

    struct Count {
        std::int64_t alive = 0;  // will be tried again
        std::int64_t dead = 0;   // wait for an operator
    };
    Count count();

private:
    postgres::Connection& connection_;
    const std::vector<std::string> topics_;
};

// An outbox row that is not an event of the saga.
struct Announcement {
    std::optional<OrderId> order_id;
    std::string topic;
    std::string_view type;
    std::optional<std::string> key;
    std::string json;
};
Announcement announce(const ParkedRecord& parked, events::Service by, Instant now);
Announcement announce(const Retried& failed, events::Service by, Instant now);

}  // namespace orderflow::outbox
