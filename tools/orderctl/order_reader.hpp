#pragma once
// Reads what the services know of some orders, for `order` and `stuck`: rows of the audit views, as
// the structs of order_view.hpp. One thread.
#include <map>
#include <span>
#include <string>

#include "orderctl/facts_readers.hpp"
#include "orderctl/kafka_look.hpp"
#include "orderctl/order_view.hpp"

namespace orderflow::orderctl {

// RFC 3339 in UTC, of a timestamptz expression.
std::string utc_text(const std::string& expression);

// By id; an order that nobody knows has an empty view. Events are sorted and linked.
std::map<std::string, OrderView> read_orders(AuditDatabases& databases,
                                             std::span<const std::string> ids);

// What Kafka said when this was made, for any order.
class Neighbourhood {
public:
    explicit Neighbourhood(const Endpoints& endpoints);
    Surroundings of(const std::string& order) const;

private:
    const Proposals propose_;
    std::vector<GroupView> groups_;
    std::set<std::string> idle_;
    std::optional<std::string> trouble_;
};

}  // namespace orderflow::orderctl
