// `orderctl order ORDER`.
#include <algorithm>
#include <cstdio>

#include "orderctl/commands.hpp"
#include "orderctl/evidence.hpp"
#include "orderctl/order_view.hpp"
#include "orderctl/raw_json.hpp"

namespace orderflow::orderctl {

// The document of --json.
struct OrderDocument {
    OrderId order_id;
    std::vector<std::string> waits_for;
    std::vector<EventView> events;
    std::vector<RawJson> rows;
    std::optional<RawJson> charge;
    std::optional<std::string> gateway_error;  // why nobody knows the charge
};
BOOST_DESCRIBE_STRUCT(OrderDocument, (), (order_id, waits_for, events, rows, charge,
                                          gateway_error))

// What an event's data say it is about.
struct About {
    std::optional<std::string> reason, participant, error;
};
BOOST_DESCRIBE_STRUCT(About, (), (reason, participant, error))

namespace {

constexpr const char* kHelp =
    "Everything about one order: its row in each service, its events from all ledgers in time "
    "order, what each undoes, the gateway's charge, records put aside, and what it waits for.";
constexpr const char* kExample = R"(
Examples:
  orderctl order 0190c7a1-7e2b-7c44-9d1a-5b0f6f1c2d3e
  orderctl order 0190c7a1-7e2b-7c44-9d1a-5b0f6f1c2d3e --json | jq .waitsFor
Exit code 2: no service knows the order.)";

// RFC 3339 in UTC, of a timestamptz column.
std::string utc(const std::string& column) {
    return "to_char(" + column + R"( AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))";
}

template <class T>
std::vector<T> read_views(AuditDatabase& database, const std::string& query) {
    std::vector<T> views;
    for (const std::string& row : database.json_rows(query)) {
        views.push_back(events::read_json<T>(row, events::UnknownMembers::ignore).value());
    }
    return views;
}
template <class T>
std::optional<T> read_view(AuditDatabase& database, const std::string& query) {
    auto views = read_views<T>(database, query);
    return views.empty() ? std::nullopt : std::optional<T>(std::move(views.front()));
}

// Empty for data that cannot be read: an operator looks at what is odd, too.
std::optional<std::string> about(const std::string& data) {
    const auto found = events::read_json<About>(data, events::UnknownMembers::ignore);
    if (!found) return std::nullopt;
    return found->reason ? found->reason : found->participant ? found->participant : found->error;
}

void read_ledger(AuditDatabase& database, const std::string& where, OrderView& order) {
    const std::string service(short_name(database.service()));
    auto events = read_views<EventView>(
        database, "SELECT " + utc("recorded_at") + R"( AS time, )" + sql_text(service) +
                      R"( AS service, seq, split_part(type, '.', 1) AS type,
                         event_id AS "eventId", topic,
                         seq <= (SELECT checkpoint FROM audit_v1_relay) AS relayed, data AS about
                         FROM audit_v1_outbox WHERE )" + where + " ORDER BY seq");
    for (EventView& event : events) event.about = about(event.about.value_or(""));
    order.events.insert(order.events.end(), events.begin(), events.end());
    const auto parked = read_views<ParkedRowView>(
        database, "SELECT " + sql_text(service) + R"( AS service, id, topic, partition, "offset",
                         attempts, dead, error, )" + utc("parked_at") + R"( AS "parkedAt", )" +
                      utc("due_at") + R"( AS "dueAt" FROM audit_v1_parked WHERE )" + where +
                      " ORDER BY id");
    order.parked.insert(order.parked.end(), parked.begin(), parked.end());
}

void read_aggregate(AuditDatabase& database, const std::string& where, OrderView& order) {
    switch (database.service()) {
        case Service::order:
            order.order = read_view<SagaView>(
                database, "SELECT state, reason, answers, customer_id AS \"customerId\", total, "
                          "currency, " + utc("placed_at") + " AS \"placedAt\", " +
                              utc("reserved_at") + " AS \"reservedAt\", " + utc("captured_at") +
                              " AS \"capturedAt\", " + utc("cancelling_at") +
                              " AS \"cancellingAt\", " + utc("finished_at") +
                              " AS \"finishedAt\" FROM audit_v1_orders WHERE " + where);
            return;
        case Service::inventory:
            order.inventory = read_view<ParticipantView>(
                database, "SELECT state, reason, items AS detail, " + utc("updated_at") +
                              " AS since FROM audit_v1_reservations WHERE " + where);
            return;
        case Service::payment:
            order.payment = read_view<ParticipantView>(
                database, "SELECT state, reason, concat_ws(' ', amount, currency, charge_id, "
                          "nullif(attempts, 0) || ' attempts') AS detail, " + utc("touched_at") +
                              " AS since FROM audit_v1_payments WHERE " + where);
            return;
        case Service::shipping:
            order.shipping = read_view<ParticipantView>(
                database, "SELECT state, reason, concat_ws(' ', tracking_number, CASE WHEN "
                          "storage_booked THEN 'with a storage slot' END) AS detail, " +
                              utc("coalesce(voided_at, scheduled_at)") +
                              " AS since FROM audit_v1_shipments WHERE " + where);
            return;
        case Service::analytics: return;
    }
}

void print_participant(const char* name, const std::optional<ParticipantView>& row) {
    if (!row) {
        std::printf("  %-10s %s\n", name, "-");
        return;
    }
    std::printf("  %-10s %s%s%s  %s\n", name, row->state.c_str(), row->reason ? " " : "",
                row->reason.value_or("").c_str(), row->detail.value_or("").c_str());
}

void print(const OrderId& id, const OrderView& order, const std::vector<std::string>& waits,
           const std::string& gateway) {
    std::printf("order %s", id.to_string().c_str());
    if (const auto& saga = order.order) {
        std::printf(": %s%s%s, %lld %s, customer %s, placed %s%s%s\n", saga->state.c_str(),
                    saga->reason ? " " : "", saga->reason.value_or("").c_str(),
                    static_cast<long long>(saga->total), saga->currency.c_str(),
                    saga->customer_id.c_str(), saga->placed_at.c_str(),
                    saga->finished_at ? ", final " : "", saga->finished_at.value_or("").c_str());
    } else {
        std::printf(": the order service does not know it\n");
    }
    print_participant("inventory", order.inventory);
    print_participant("payment", order.payment);
    print_participant("shipping", order.shipping);
    std::printf("  %-10s %s\n\n", "gateway", gateway.empty() ? "-" : gateway.c_str());
    std::printf("%-28s %-10s %10s  %s\n", "TIME", "SERVICE", "SEQ", "EVENT");
    for (const EventView& event : order.events) {
        std::printf("%-28s %-10s %10lld  %s%s%s%s%s%s%s\n", event.time.c_str(),
                    event.service.c_str(), static_cast<long long>(event.seq), event.type.c_str(),
                    event.about ? " " : "", event.about.value_or("").c_str(),
                    event.undoes ? " (undoes " : "", event.undoes.value_or("").c_str(),
                    event.undoes ? ")" : "",
                    event.relayed ? "" : "  not confirmed by the relay yet");
    }
    for (const ParkedRowView& parked : order.parked) {
        std::printf("%s at %s: %s/%lld@%lld since %s, %lld attempts: %s\n",
                    parked.dead ? "dead" : "parked", parked.service.c_str(), parked.topic.c_str(),
                    static_cast<long long>(parked.partition),
                    static_cast<long long>(parked.offset), parked.parked_at.c_str(),
                    static_cast<long long>(parked.attempts), parked.error.c_str());
    }
    for (const std::string& wait : waits) std::printf("waits for %s\n", wait.c_str());
}

int run_order(const Context& context, const std::string& text) {
    const auto id = OrderId::parse(text);
    if (!id) throw CannotDo("'" + text + "' is no order id (a lower-case UUID)");
    AuditDatabases databases = open_databases(context.endpoints);
    const std::string where = "order_id = " + sql_text(id->to_string());
    OrderView order;
    OrderDocument document;
    for (const auto& database : databases) {
        read_aggregate(*database, where, order);
        read_ledger(*database, where, order);
        auto rows = rows_of_order(*database, *id, Detail::full);
        std::move(rows.begin(), rows.end(), std::back_inserter(document.rows));
    }
    std::string charge;
    try {
        charge = read_charge(context.endpoints, *id);
    } catch (const std::exception& error) {
        document.gateway_error = error.what();
    }
    if (document.rows.empty() && charge.empty()) {
        throw CannotDo("no service knows order " + id->to_string());
    }
    sort_and_link(order.events);
    const auto waits = waits_for(order);
    if (!context.json) {
        print(*id, order, waits,
              document.gateway_error ? "unreachable (" + *document.gateway_error + ")" : charge);
        return kClean;
    }
    document.order_id = *id;
    document.waits_for = waits;
    document.events = order.events;
    if (!charge.empty()) document.charge = RawJson{charge};
    std::printf("%s\n", events::to_json(document).c_str());
    return kClean;
}

}  // namespace

void add_order(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("order", kHelp);
    command->footer(kExample);
    command->fallthrough();
    const auto order = std::make_shared<std::string>();
    command->add_option("ORDER", *order, "its id")->required();
    command->callback([&context, order] {
        context.run = [&context, order] { return run_order(context, *order); };
    });
}

}  // namespace orderflow::orderctl
