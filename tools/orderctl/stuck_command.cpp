// `orderctl stuck`.
#include <algorithm>
#include <cstdio>
#include <memory>

#include "events/json.hpp"
#include "orderctl/commands.hpp"
#include "orderctl/order_reader.hpp"
#include "orderctl/terminal.hpp"

namespace orderflow::orderctl {

// An order that is not final, as the order service has it.
struct OpenOrder {
    std::string order_id, state;
    std::optional<std::string> reason;
    std::string customer_id, placed_at, since;
    std::int64_t waited_ms = 0;
    std::int64_t found = 0;  // orders that wait as long, beyond the limit too
};
BOOST_DESCRIBE_STRUCT(OpenOrder, (), (order_id, state, reason, customer_id, placed_at, since,
                                      waited_ms, found))

struct LastEvent {
    std::string type, service, time;
    std::int64_t ago_ms = 0;
};
BOOST_DESCRIBE_STRUCT(LastEvent, (), (type, service, time, ago_ms))

struct StuckView {
    std::string order_id, state;
    std::optional<std::string> reason;
    std::string customer_id, placed_at, since;
    std::int64_t waited_ms = 0;
    std::optional<LastEvent> last_event;
    std::vector<Wait> waits_for;
};
BOOST_DESCRIBE_STRUCT(StuckView, (), (order_id, state, reason, customer_id, placed_at, since,
                                      waited_ms, last_event, waits_for))

struct StuckDocument {
    std::int64_t older_than_s = 0;
    std::int64_t found = 0;
    std::vector<StuckView> orders;  // the first `--limit` of them
};
BOOST_DESCRIBE_STRUCT(StuckDocument, (), (older_than_s, found, orders))

namespace {

constexpr const char* kHelp =
    "Orders that are not final, longest waiting first: whom each waits for, since when, its last "
    "event, why, and the command that ends it.";
constexpr const char* kExample = R"(
Examples:
  orderctl stuck                        what has been waiting for more than 10 s
  orderctl stuck --older-than 300       … for more than five minutes
  orderctl stuck --json | jq -r '.orders[].waitsFor[].mend // empty' | sort | uniq
An order waits since its last step. What an order at work waits for is over in milliseconds; when
the same reason stands beside many, it is no order that is stuck but the service that is named.
Exit code 1: some order waits as long.)";

struct StuckOptions {
    std::int64_t older_than_s = 10;
    std::int64_t limit = 20;
};

std::vector<OpenOrder> find_open(AuditDatabase& orders, const StuckOptions& options) {
    const auto rows = orders.json_rows(
        R"(SELECT order_id AS "orderId", state, reason, customer_id AS "customerId", )" +
        utc_text("placed_at") + R"( AS "placedAt", )" + utc_text("since") + R"( AS since,
        (extract(epoch FROM clock_timestamp() - since) * 1000)::bigint AS "waitedMs",
        count(*) OVER () AS found
        FROM (SELECT *, CASE state WHEN 'CANCELLING' THEN coalesce(cancelling_at, placed_at)
                        ELSE coalesce(captured_at, reserved_at, placed_at) END AS since
              FROM audit_v1_orders WHERE state NOT IN ('COMPLETED', 'CANCELLED')) o
        WHERE since <= clock_timestamp() - interval ')" + std::to_string(options.older_than_s) +
        " s' ORDER BY since, order_id LIMIT " + std::to_string(options.limit));
    std::vector<OpenOrder> open;
    for (const std::string& row : rows) {
        open.push_back(
            events::read_json<OpenOrder>(row, events::UnknownMembers::ignore).value());
    }
    return open;
}

// What happened to it last, of its events; what was announced about its records is none.
std::optional<LastEvent> last_event(const OrderView& order, const OpenOrder& open) {
    const auto is_event = [](const EventView& event) {
        return event.topic == event.service + "-events";
    };
    const auto last = std::find_if(order.events.rbegin(), order.events.rend(), is_event);
    if (last == order.events.rend()) return std::nullopt;
    LastEvent event{last->type, last->service, last->time, 0};
    const auto since = parse_rfc3339(open.since);
    const auto time = parse_rfc3339(last->time);
    if (since && time) {  // by the database's clock, which told how long it has waited
        const auto now = *since + std::chrono::milliseconds(open.waited_ms);
        event.ago_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - *time).count();
    }
    return event;
}

StuckDocument read_stuck(const Endpoints& endpoints, const StuckOptions& options) {
    StuckDocument document{options.older_than_s, 0, {}};
    AuditDatabases databases = open_databases(endpoints);
    const auto open = find_open(database_of(databases, Service::order), options);
    if (open.empty()) return document;
    document.found = open.front().found;
    std::vector<std::string> ids;
    for (const OpenOrder& order : open) ids.push_back(order.order_id);
    const Neighbourhood neighbourhood(endpoints);
    const auto views = read_orders(databases, ids);
    for (const OpenOrder& order : open) {
        const OrderView& view = views.at(order.order_id);
        document.orders.push_back({order.order_id, order.state, order.reason, order.customer_id,
                                   order.placed_at, order.since, order.waited_ms,
                                   last_event(view, order),
                                   waits_for(view, neighbourhood.of(order.order_id))});
    }
    return document;
}

void print(const StuckDocument& document, std::int64_t limit) {
    const auto number = [](std::int64_t value) { return static_cast<long long>(value); };
    if (document.orders.empty()) {
        std::printf("no order has been waiting for more than %lld s\n",
                    number(document.older_than_s));
        return;
    }
    Table table({{"ORDER"}, {"STATE"}, {"WAITED", Align::right}, {"LAST EVENT"}, {"WAITS FOR"}});
    for (const StuckView& order : document.orders) {
        const std::string last =
            order.last_event ? order.last_event->type + " " +
                                   duration_text(std::chrono::milliseconds(
                                       order.last_event->ago_ms)) + " ago"
                             : "none";
        std::string whom;
        for (const Wait& wait : order.waits_for) {
            if (whom.find(wait.whom) != std::string::npos) continue;
            whom += (whom.empty() ? "" : ", ") + wait.whom;
        }
        table.add({order.order_id, order.state + (order.reason ? " " + *order.reason : ""),
                   duration_text(std::chrono::milliseconds(order.waited_ms)), last,
                   whom.empty() ? "nobody: it is about to move" : whom});
        for (const Wait& wait : order.waits_for) {
            table.remark(wait.whom + ": " + wait.why);
            if (wait.mend) table.remark("  → " + *wait.mend);
        }
    }
    table.print();
    std::printf("\n%lld %s been waiting for more than %lld s", number(document.found),
                document.found == 1 ? "order has" : "orders have",
                number(document.older_than_s));
    if (document.found > limit) std::printf("; the first %lld", number(limit));
    std::printf("\n");
}

int run_stuck(const Context& context, const StuckOptions& options) {
    const StuckDocument document = read_stuck(context.endpoints, options);
    if (context.json) {
        std::printf("%s\n", events::to_json(document).c_str());
    } else {
        print(document, options.limit);
    }
    return document.orders.empty() ? kClean : kViolated;
}

}  // namespace

void add_stuck(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("stuck", kHelp);
    command->footer(kExample);
    command->fallthrough();
    const auto options = std::make_shared<StuckOptions>();
    command
        ->add_option("--older-than", options->older_than_s,
                     "only orders that have been waiting for so long, seconds")
        ->check(CLI::Range(0, 31'536'000))
        ->capture_default_str();
    command->add_option("--limit", options->limit, "so many orders at most")
        ->check(CLI::Range(1, 500))
        ->capture_default_str();
    command->callback([&context, options] {
        context.run = [&context, options] { return run_stuck(context, *options); };
    });
}

}  // namespace orderflow::orderctl
