#pragma once
// The readers: databases, topics, the gateway's ledger → Facts. `gather` reads them in the order
// that makes the facts fair to an order that moves meanwhile:
//
//   1. the relays' checkpoints: every row up to them has its record
//   2. the groups' committed offsets and the topics' ends: what is below a committed offset was
//      handled in a transaction that is over, and all rows up to 1 have records below the ends
//   3. one snapshot (REPEATABLE READ) of each database, the order service's first: every effect of
//      2 is visible, and what an order claims to have heard stands in ledgers read later
//   4. the topics up to their ends, the gateway's ledger, which only has to hold what 3 shows
//   5. a second look at orders that 3 did not know: placed meanwhile, or by nobody
#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kafka/settings.hpp"
#include "outbox/relay.hpp"
#include "kafka/topic_layout.hpp"
#include "orderctl/connect.hpp"
#include "orderctl/facts.hpp"
#include "postgres/connection.hpp"

namespace orderflow::orderctl {

// The audit views of one service. Its reads share one snapshot from open_snapshot() on.
class AuditDatabase {
public:
    AuditDatabase(Service service, const std::string& url);

    std::int64_t checkpoint();
    // The same of the lanes of announcements, by topic; not of those that have lost or skipped any.
    std::map<std::string, Announced> announced();
    // The fewest partitions that the service's topic had when it got more (orderctl topics grow).
    std::optional<std::int32_t> grown_from();
    // Rows of the outbox above the relay's checkpoint.
    std::int64_t behind();
    void open_snapshot();
    void close_snapshot();

    // Ledger and tables into the facts.
    void read_ledger(Facts& facts);
    void read_tables(Facts& facts);
    void read_parked(Facts& facts);

    // Orders that are not final; order service only.
    std::int64_t orders_in_flight();
    // Which of these orders exist now; order service only.
    std::set<OrderId> existing(std::span<const OrderId> ids);

    // A few rows of any query, each as a JSON object without its NULLs.
    std::vector<std::string> json_rows(const std::string& query);
    // The same with the value of column `key` before each.
    std::vector<std::pair<std::string, std::string>> keyed_json_rows(const std::string& query,
                                                                     const std::string& key);
    // The ledger rows of an order in seq order, up to `seq`.
    std::vector<outbox::LedgerRow> ledger_of(const OrderId& order, std::int64_t seq);

    Service service() const { return service_; }

private:
    void read_orders(Facts& facts);
    void read_reservations(Facts& facts);
    void read_products(Facts& facts);
    void read_payments(Facts& facts);
    void read_shipments(Facts& facts);

    const Service service_;
    postgres::Connection connection_;
};
using AuditDatabases = std::vector<std::unique_ptr<AuditDatabase>>;
AuditDatabases open_databases(const Endpoints& endpoints);
AuditDatabase& database_of(AuditDatabases& databases, Service service);

// How far one consumer group is.
struct GroupView {
    Service service{};
    std::string group;
    kafka::GroupPositions positions;
};

// Kafka as it was when this was made: which topics, how far they went, how far the groups were.
class TopicsReader {
public:
    explicit TopicsReader(const Endpoints& endpoints);
    ~TopicsReader();

    // The catalog's topics with their partitions, which a ledger's rows are matched to.
    void describe(Facts& facts) const;
    // Reads the topics that the ledgers and the catalog name up to where they ended.
    void read(Facts& facts);
    // Records that the groups of the four services of the saga have not committed yet.
    std::int64_t lag() const;
    // Of all five groups, by service.
    const std::vector<GroupView>& groups() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

void read_gateway(const Endpoints& endpoints, Facts& facts);
// The gateway's answer about one charge, JSON; empty if it knows none. Throws CannotDo if it does
// not answer within some seconds.
std::string read_charge(const Endpoints& endpoints, const OrderId& order);

struct GatherWhat {
    bool gateway = true;
};
// `progress` is told what is being read.
Facts gather(const Endpoints& endpoints, GatherWhat what,
             const std::function<void(const std::string&)>& progress);

// How long the brokers keep a topic's records; ms < 0: for ever.
struct Retention {
    std::int64_t ms = 0;
    bool by_size = false;  // some may go sooner
};
// Of the catalog's topics that there are. Where the brokers do not say it, the catalog's.
std::map<std::string, Retention> read_retention(const kafka::Settings& kafka);

// Which of the five consumer groups have members now.
std::vector<std::string> groups_with_members(const Endpoints& endpoints);

// A line on a terminal's stderr that says what is being read; nothing elsewhere.
void say_progress(const std::string& what);
void end_progress();

// What still moves.
struct Unrest {
    std::int64_t in_flight = 0;  // orders
    std::int64_t behind = 0;     // ledger rows that no relay has confirmed
    std::int64_t lag = 0;        // records that no consumer has committed
    bool quiet() const { return in_flight == 0 && behind == 0 && lag == 0; }
    std::string text() const;
};
// Looks until nothing moves, at most `patience`; what was seen last.
Unrest quiesce(const Endpoints& endpoints, std::chrono::seconds patience);

}  // namespace orderflow::orderctl
