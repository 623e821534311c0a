#include "orderctl/evidence.hpp"

#include <map>

namespace orderflow::orderctl {
namespace {

constexpr std::size_t kMaxSubjects = 50;

// Each row says where it is from.
std::vector<RawJson> rows(AuditDatabase& database, std::string_view view,
                          const std::string& columns, const std::string& where) {
    std::string from(schema_of(database.service()));
    from += "." + std::string(view.substr(std::string_view("audit_v1_").size()));
    std::vector<RawJson> json;
    for (std::string& row :
         database.json_rows("SELECT " + sql_text(from) + " AS \"from\", " + columns + " FROM " +
                            std::string(view) + " WHERE " + where)) {
        json.push_back({std::move(row)});
    }
    return json;
}

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

void append(std::vector<RawJson>& list, std::vector<RawJson> more) {
    list.insert(list.end(), std::make_move_iterator(more.begin()),
                std::make_move_iterator(more.end()));
}

std::vector<RawJson> rows_of_product(AuditDatabase& inventory, const std::string& product) {
    auto list = rows(inventory, "audit_v1_stock", "*", "product_id = " + sql_text(product));
    append(list, rows(inventory, "audit_v1_outbox",
                      "count(*) AS adjustments, sum((data::json->>'change')::numeric) AS change",
                      "order_id IS NULL AND key = " + sql_text(product)));
    return list;
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
    const std::string where = "order_id = " + sql_text(order.to_string());
    auto list = rows(database, aggregate_view(database.service()), "*", where);
    append(list, rows(database, "audit_v1_outbox",
                      std::string("seq, event_id, type, topic, recorded_at") +
                          (detail == Detail::full ? ", data::json AS data" : ""),
                      where + " ORDER BY seq"));
    append(list, rows(database, "audit_v1_parked", "*", where + " ORDER BY id"));
    return list;
}

void attach_rows(const Endpoints& endpoints, const Facts& facts, Detail detail,
                 std::vector<Violation>& violations) {
    if (violations.empty()) return;
    AuditDatabases databases = open_databases(endpoints);
    std::map<std::string, std::vector<RawJson>> known;  // by order or product
    for (Violation& violation : violations) {
        const std::string subject = violation.order_id ? violation.order_id->to_string()
                                                       : violation.product_id.value_or("");
        if (subject.empty()) continue;
        const auto found = known.find(subject);
        if (found != known.end()) {
            violation.rows = found->second;
            continue;
        }
        if (known.size() >= kMaxSubjects) continue;
        if (violation.order_id) {
            for (const auto& database : databases) {
                append(violation.rows, rows_of_order(*database, *violation.order_id, detail));
            }
            const std::string charge =
                facts.gateway_read ? read_charge(endpoints, *violation.order_id) : std::string();
            if (!charge.empty()) {
                violation.rows.push_back({"{\"from\":\"gateway\",\"charge\":" + charge + "}"});
            }
        } else {
            violation.rows = rows_of_product(database_of(databases, Service::inventory), subject);
        }
        known[subject] = violation.rows;
    }
}

}  // namespace orderflow::orderctl
