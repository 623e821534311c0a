#include "orderctl/evidence.hpp"

#include <map>
#include <span>

#include "json/json.hpp"

namespace orderflow::orderctl {

// The gateway's sums under an order's key, and the reason why there are no rows. Outside the
// anonymous namespace, for Describe.
struct GatewayEvidence {
    std::string from;
    std::int64_t captures, captured, refunds, refunded;
    std::string currency;
};
BOOST_DESCRIBE_STRUCT(GatewayEvidence, (), (from, captures, captured, refunds, refunded, currency))

struct NoEvidence {
    std::string from, error;
};
BOOST_DESCRIBE_STRUCT(NoEvidence, (), (from, error))

namespace {

using Subjects = std::vector<std::string>;
using RowsBySubject = std::map<std::string, std::vector<RawJson>>;

constexpr std::size_t kSubjectsPerQuery = 2'000;

const char* aggregate_view(Service service) {
    switch (service) {
        case Service::order: return "audit_v1_orders";
        case Service::inventory: return "audit_v1_reservations";
        case Service::payment: return "audit_v1_payments";
        case Service::shipping: return "audit_v1_shipments";
        case Service::analytics: return "audit_v1_timeline_orders";
    }
    return "";
}

// Returns an array of ids or texts as SQL.
std::string sql_array(std::span<const std::string> values, const char* type) {
    std::string list;
    for (const std::string& value : values) list += (list.empty() ? "" : ",") + sql_text(value);
    return "ARRAY[" + list + "]::" + type + "[]";
}

// Reads rows into `out`, under the value of their column `key`. Each row contains the view that it
// is from.
void read_rows(AuditDatabase& database, std::string_view view, const std::string& columns,
               const std::string& rest, const char* key, RowsBySubject& out) {
    std::string from(schema_of(database.service()));
    from += "." + std::string(view.substr(std::string_view("audit_v1_").size()));
    for (auto& [subject, row] :
         database.keyed_json_rows("SELECT " + sql_text(from) + " AS \"from\", " + columns +
                                      " FROM " + std::string(view) + " WHERE " + rest,
                                  key)) {
        out[subject].push_back({std::move(row)});
    }
}

void read_orders(AuditDatabase& database, std::span<const std::string> ids, Detail detail,
                 RowsBySubject& out) {
    const std::string where = "order_id = ANY (" + sql_array(ids, "uuid") + ")";
    read_rows(database, aggregate_view(database.service()), "*", where, "order_id", out);
    // As text: the data in a ledger need not be JSON.
    read_rows(database, "audit_v1_outbox",
              std::string("order_id, seq, event_id, type, topic, recorded_at") +
                  (detail == Detail::full ? ", data" : ""),
              where + " ORDER BY seq", "order_id", out);
    read_rows(database, "audit_v1_parked", "*", where + " ORDER BY id", "order_id", out);
}

void read_products(AuditDatabase& inventory, std::span<const std::string> ids, RowsBySubject& out) {
    const std::string list = sql_array(ids, "text");
    read_rows(inventory, "audit_v1_stock", "*", "product_id = ANY (" + list + ")", "product_id",
              out);
    read_rows(inventory, "audit_v1_outbox",
              R"(key AS product_id, count(*) AS adjustments,
                 sum(substring(data from '"change":\s*(-?[0-9]{1,18})')::numeric) AS change)",
              "order_id IS NULL AND key = ANY (" + list + ") GROUP BY key", "product_id", out);
}

// Calls `read` with a part of the subjects at a time. If it fails, each of these subjects gets a
// note.
template <class Read>
void read_or_note(Service service, const Subjects& subjects, RowsBySubject& out, Read read) {
    for (std::size_t at = 0; at < subjects.size(); at += kSubjectsPerQuery) {
        const auto some =
            std::span(subjects).subspan(at, std::min(kSubjectsPerQuery, subjects.size() - at));
        try {
            read(some);
        } catch (const std::exception& error) {
            const std::string note =
                json::to_json(NoEvidence{std::string(schema_of(service)), error.what()});
            for (const std::string& subject : some) out[subject].push_back({note});
        }
    }
}

std::string subject_of(const Violation& violation) {
    return violation.order_id ? violation.order_id->to_string() : violation.product_id.value_or("");
}

void add_gateway(const Facts& facts, const OrderId& order, std::vector<RawJson>& rows) {
    const auto found = facts.order_index.find(order);
    if (!facts.gateway_read || found == facts.order_index.end()) return;
    const GatewayFacts& gateway = facts.orders[found->second].gateway;
    rows.push_back({json::to_json(GatewayEvidence{"gateway", gateway.captures, gateway.captured,
                                                  gateway.refunds, gateway.refunded,
                                                  std::string(gateway.currency.text())})});
}

}  // namespace

std::string sql_text(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') out += '\'';
        out += c;
    }
    return out + "'";
}

std::vector<RawJson> rows_of_order(AuditDatabase& database, const OrderId& order, Detail detail) {
    const std::string id = order.to_string();
    RowsBySubject rows;
    read_orders(database, {&id, 1}, detail, rows);
    return std::move(rows[id]);
}

void attach_rows(const Endpoints& endpoints, const Facts& facts, Detail detail,
                 std::vector<Violation>& violations) {
    RowsBySubject orders;
    RowsBySubject products;
    for (const Violation& violation : violations) {
        if (violation.order_id) orders[subject_of(violation)];
        if (violation.product_id) products[*violation.product_id];
    }
    const auto names = [](const RowsBySubject& rows) {
        Subjects list;
        for (const auto& [subject, unused] : rows) list.push_back(subject);
        return list;
    };
    for (const Service service : kServices) {
        std::unique_ptr<AuditDatabase> database;  // connects at its first query
        const auto open = [&]() -> AuditDatabase& {
            if (!database) {
                database = std::make_unique<AuditDatabase>(service, endpoints.auditor(service));
            }
            return *database;
        };
        read_or_note(service, names(orders), orders, [&](std::span<const std::string> some) {
            read_orders(open(), some, detail, orders);
        });
        if (service != Service::inventory) continue;
        read_or_note(service, names(products), products, [&](std::span<const std::string> some) {
            read_products(open(), some, products);
        });
    }
    for (Violation& violation : violations) {
        const std::string subject = subject_of(violation);
        if (subject.empty()) continue;
        violation.rows = violation.order_id ? orders[subject] : products[subject];
        if (violation.order_id) add_gateway(facts, *violation.order_id, violation.rows);
    }
}

}  // namespace orderflow::orderctl
