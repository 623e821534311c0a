#include "order/saga/orders_store.hpp"

#include <iterator>

#include "core/enums.hpp"
#include "order/saga/saga_store.hpp"

namespace orderflow::order {
namespace {

using postgres::Params;
using postgres::Rows;
using postgres::Statement;

const std::string kFindSql =
    std::string("SELECT ") + kSagaColumns + ", body FROM orders WHERE order_id = $1::uuid";
const Statement kFind{"orders_find", kFindSql.c_str()};

// A page of orders, newest first. The limit counts the rows that are read, not those that match.
// The last row is always returned, whatever its state, as the place to continue from.
#define LIST_ORDERS(where)                                                                     \
    "WITH page AS MATERIALIZED (SELECT order_id, state, reason, customer_id, total, currency," \
    "                                  placed_at, finished_at"                                 \
    "                           FROM orders WHERE order_id < $1::uuid AND " where              \
    "                           ORDER BY order_id DESC LIMIT $4::bigint)"                      \
    "SELECT order_id, state, reason, customer_id, total, currency, placed_at, finished_at,"    \
    "       ($2::text IS NULL OR state = $2::text), (SELECT count(*) FROM page) "              \
    "FROM page WHERE $2::text IS NULL OR state = $2::text"                                     \
    "             OR order_id = (SELECT order_id FROM page ORDER BY order_id LIMIT 1) "        \
    "ORDER BY order_id DESC"
const Statement kList{"orders_list", LIST_ORDERS("$3::text IS NULL")};
const Statement kListOfCustomer{"orders_list_of_customer", LIST_ORDERS("customer_id = $3::text")};
#undef LIST_ORDERS

}  // namespace

std::optional<StoredOrder> find_order(postgres::Connection& connection, const OrderId& id) {
    const Rows rows = connection.exec(kFind, Params::of(id));
    if (rows.size() == 0) return std::nullopt;
    return StoredOrder{read_saga(rows, 0), std::string(rows.text(0, kSagaColumnCount))};
}

OrderPage list_orders(postgres::Connection& connection, const OrderFilter& filter) {
    // A requested state may be rare.
    constexpr std::int64_t kLookAt = 1'000;
    const auto limit = static_cast<std::int64_t>(filter.limit);
    const std::int64_t look_at = filter.state ? kLookAt : limit + 1;
    std::optional<std::string_view> state;
    if (filter.state) state = name_of(*filter.state);
    const Rows rows =
        connection.exec(filter.customer_id ? kListOfCustomer : kList,
                        Params::of(filter.before, state, filter.customer_id, look_at));
    OrderPage page;
    for (int i = 0; i < rows.size(); ++i) {
        const OrderId id = rows.id<OrderId>(i, 0);
        if (std::ssize(page.orders) == limit) {
            page.next = page.orders.back().id;
            return page;
        }
        if (rows.boolean(i, 8)) {
            OrderSummary& order = page.orders.emplace_back();
            order.id = id;
            order.state = enum_of<State>(rows.text(i, 1));
            if (!rows.is_null(i, 2)) order.reason = enum_of<events::Reason>(rows.text(i, 2));
            order.customer_id = rows.text(i, 3);
            order.total = {rows.int64(i, 4), Currency::parse(rows.text(i, 5)).value()};
            order.placed_at = rows.instant(i, 6);
            order.finished_at = rows.optional_instant(i, 7);
        }
        if (i + 1 == rows.size() && rows.int64(i, 9) == look_at) page.next = id;
    }
    return page;
}

}  // namespace orderflow::order
