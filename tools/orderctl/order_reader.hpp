#pragma once
// Reads the services' data about some orders, for `order` and `stuck`: rows of the audit views, as
// the structs of order_report.hpp. One thread.
#include <map>
#include <span>
#include <string>

#include "orderctl/facts_readers.hpp"
#include "orderctl/kafka_look.hpp"
#include "orderctl/order_report.hpp"

namespace orderflow::orderctl {

// Returns an SQL expression for a timestamptz expression as RFC 3339 in UTC.
std::string utc_text(const std::string& expression);

// Returns reports by id; an order that is unknown everywhere has an empty report. Events are sorted
// and linked.
std::map<std::string, OrderReport> read_orders(AuditDatabases& databases,
                                               std::span<const std::string> ids);

// Kafka's answers at the time when this object was created, for any order.
class Neighbourhood {
public:
    explicit Neighbourhood(const Endpoints& endpoints);
    Surroundings of(const std::string& order) const;

private:
    const Proposals propose_;
    std::vector<ServiceGroup> groups_;
    std::set<std::string> idle_;
    std::optional<std::string> trouble_;
};

}  // namespace orderflow::orderctl
