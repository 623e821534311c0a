#pragma once
// The readers: from the databases, the topics and the gateway's ledger to Facts. `gather` reads
// them in an order in which an order that moves at the same time does not look wrong:
//
//   1. the relays' checkpoints: every row up to them has its record
//   2. the groups' committed offsets and the topics' ends: a record below a committed offset was
//      handled in a transaction that has ended, and all rows up to the checkpoints of 1 have
//      records below the ends
//   3. one snapshot (REPEATABLE READ) of each database, the order service's first: every effect of
//      2 is visible, and the answers in an order's row are in ledgers that are read later
//   4. the topics up to their ends, and the gateway's ledger, which must only contain what 3 shows
//   5. a second look at orders that were unknown in 3: they were placed meanwhile, or never
//
// One thread; blocks.
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

// Reads the audit views of one service. From open_snapshot() on, all reads share one snapshot.
class AuditDatabase {
public:
    AuditDatabase(Service service, const std::string& url);

    std::int64_t checkpoint();
    // The same for the lanes of announcements, by topic, without those that have lost or skipped
    // any.
    std::map<std::string, Announced> announced();
    // The smallest number of partitions that the service's topic had before it got more (orderctl
    // topics grow).
    std::optional<std::int32_t> grown_from();
    // Number of the outbox's rows above the relay's checkpoint.
    std::int64_t behind();
    void open_snapshot();
    void close_snapshot();

    // Read the ledger and the tables into the facts.
    void read_ledger(Facts& facts);
    void read_tables(Facts& facts);
    void read_parked(Facts& facts);

    // Number of orders that are not final; order service only.
    std::int64_t orders_in_flight();
    // Returns those of these orders that exist now; order service only.
    std::set<OrderId> existing(std::span<const OrderId> ids);

    // Returns a few rows of any query, each as a JSON object without its NULLs.
    std::vector<std::string> json_rows(const std::string& query);
    // The same, each row with the value of its column `key` before it.
    std::vector<std::pair<std::string, std::string>> keyed_json_rows(const std::string& query,
                                                                     const std::string& key);
    // Returns the ledger rows of an order in seq order, up to `seq`.
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

// The positions of one of a service's consumer groups.
struct ServiceGroup {
    Service service{};
    std::string group;
    kafka::GroupPositions positions;
};

// The state of Kafka when this object was created: the topics, their ends, and the groups'
// positions.
class TopicsReader {
public:
    explicit TopicsReader(const Endpoints& endpoints);
    ~TopicsReader();

    // Adds the catalog's topics with their partitions; rows of the ledgers are matched to them.
    void describe(Facts& facts) const;
    // Reads the topics that the ledgers and the catalog name, up to the ends at creation.
    void read(Facts& facts);
    // Number of records that the groups of the saga's four services have not committed yet.
    std::int64_t lag() const;
    // The positions of the five services' own groups, in the order of kServices.
    const std::vector<ServiceGroup>& groups() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

void read_gateway(const Endpoints& endpoints, Facts& facts);
// Returns the gateway's answer about one charge, as JSON; empty if the charge is unknown there.
// Throws CannotDo if the gateway does not answer within some seconds.
std::string read_charge(const Endpoints& endpoints, const OrderId& order);

struct GatherWhat {
    bool gateway = true;
};
// `progress` is called with the name of each thing before it is read.
Facts gather(const Endpoints& endpoints, GatherWhat what,
             const std::function<void(const std::string&)>& progress);

// How long the brokers keep a topic's records; ms < 0: for ever.
struct Retention {
    std::int64_t ms = 0;
    bool by_size = false;  // some may be deleted earlier
};
// Returns the retention of the catalog's topics. If the brokers do not return a topic's setting, it
// is the catalog's.
std::map<std::string, Retention> read_retention(const kafka::Settings& kafka);

// Returns those of the five consumer groups that have members now.
std::vector<std::string> groups_with_members(const Endpoints& endpoints);

// Writes a line with the thing that is being read to stderr, if that is a terminal; otherwise
// nothing.
void say_progress(const std::string& what);
void end_progress();

// The work that is still under way.
struct Unrest {
    std::int64_t in_flight = 0;  // orders
    std::int64_t behind = 0;     // ledger rows that no relay has confirmed
    std::int64_t lag = 0;        // records that no consumer has committed
    bool quiet() const { return in_flight == 0 && behind == 0 && lag == 0; }
    std::string text() const;
};
// Looks repeatedly until nothing is under way, for at most `patience`; returns the last result.
Unrest quiesce(const Endpoints& endpoints, std::chrono::seconds patience);

}  // namespace orderflow::orderctl
