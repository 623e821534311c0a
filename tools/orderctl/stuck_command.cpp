// `orderctl stuck`.
#include <algorithm>
#include <iterator>
#include <memory>
#include <tuple>

#include "json/json.hpp"
#include "orderctl/commands.hpp"
#include "orderctl/evidence.hpp"
#include "orderctl/order_reader.hpp"
#include "orderctl/terminal.hpp"

namespace orderflow::orderctl {

// An order that is not final, from the order service's table; or the last row of a page, in any
// state.
struct OpenOrder {
    std::string order_id, state;
    std::optional<std::string> reason;
    std::string customer_id, placed_at, since;
    std::int64_t waited_ms = 0;
    bool waits = false;     // long enough
    std::int64_t rows = 0;  // of the page: all rows that were read
};
BOOST_DESCRIBE_STRUCT(OpenOrder, (),
                      (order_id, state, reason, customer_id, placed_at, since, waited_ms, waits,
                       rows))

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
BOOST_DESCRIBE_STRUCT(StuckView, (),
                      (order_id, state, reason, customer_id, placed_at, since, waited_ms,
                       last_event, waits_for))

struct StuckDocument {
    std::int64_t older_than_s = 0;
    std::int64_t found = 0;
    std::int64_t more = 0;          // of those found, not shown because of `--limit`
    std::vector<StuckView> orders;  // those shown, longest waiting first
};
BOOST_DESCRIBE_STRUCT(StuckDocument, (), (older_than_s, found, more, orders))

namespace {

constexpr const char* kHelp =
    "Lists the orders that are not final, longest waiting first: for whom each waits, since when, "
    "its last event, the reason, and the command that ends the wait.";
constexpr const char* kExample = R"(
Examples:
  orderctl stuck                        what has been waiting for more than 10 s
  orderctl stuck --older-than 300       … for more than five minutes
  orderctl stuck --json | jq -r '.orders[].waitsFor[].mend // empty' | sort | uniq
The time counts from an order's last step. A normal wait is over in milliseconds. If many orders
have the same reason, the service that the reason names is stuck, not the orders.
Exit code 1: at least one order has waited that long.)";

struct StuckOptions {
    std::int64_t older_than_s = 10;
    std::int64_t limit = 20;
    std::int64_t page = 10'000;  // rows that one statement reads
};

// Returns a page of orders after `after`, by id. The page limits the rows that are read, not those
// that are found.
std::vector<OpenOrder> read_page(AuditDatabase& orders, const std::string& after,
                                 const StuckOptions& options) {
    const auto rows = orders.json_rows(
        R"(WITH page AS MATERIALIZED (
            SELECT order_id, state, reason, customer_id, placed_at,
                   CASE state WHEN 'CANCELLING' THEN coalesce(cancelling_at, placed_at)
                   ELSE coalesce(captured_at, reserved_at, placed_at) END AS since
            FROM audit_v1_orders WHERE order_id > )" +
        sql_text(after) + R"(::uuid
            ORDER BY order_id LIMIT )" +
        std::to_string(options.page) + R"(),
        judged AS (
            SELECT *, state NOT IN ('COMPLETED', 'CANCELLED')
                      AND since <= clock_timestamp() - interval ')" +
        std::to_string(options.older_than_s) + R"( s' AS waits FROM page)
        SELECT order_id AS "orderId", state, reason, customer_id AS "customerId", waits, )" +
        utc_text("placed_at") + R"( AS "placedAt", )" + utc_text("since") + R"( AS since,
        (extract(epoch FROM clock_timestamp() - since) * 1000)::bigint AS "waitedMs",
        (SELECT count(*) FROM page) AS rows
        FROM judged
        WHERE waits OR order_id = (SELECT order_id FROM page ORDER BY order_id DESC LIMIT 1)
        ORDER BY order_id)");
    std::vector<OpenOrder> page;
    for (const std::string& row : rows) {
        page.push_back(json::read_json<OpenOrder>(row, json::UnknownMembers::ignore).value());
    }
    return page;
}

// Returns the orders that wait longest, as many as are shown; `found` counts all. No index contains
// the open orders (docs/architecture.md gives the reason). So this scans along the primary key, as
// the services do, with short statements that block no other transaction.
std::vector<OpenOrder> find_open(AuditDatabase& orders, const StuckOptions& options,
                                 std::int64_t& found) {
    const auto waits_longer = [](const OpenOrder& a, const OpenOrder& b) {
        return std::tie(a.since, a.order_id) < std::tie(b.since, b.order_id);
    };
    std::vector<OpenOrder> open;
    std::string after = OrderId{}.to_string();
    for (std::int64_t looked_at = 0;;) {
        std::vector<OpenOrder> page = read_page(orders, after, options);
        if (page.empty()) break;
        const std::int64_t rows = page.front().rows;
        after = page.back().order_id;
        std::erase_if(page, [](const OpenOrder& order) { return !order.waits; });
        found += std::ssize(page);
        std::ranges::move(page, std::back_inserter(open));
        std::ranges::sort(open, waits_longer);
        open.resize(std::min(open.size(), static_cast<std::size_t>(options.limit)));
        if (rows < options.page) break;
        looked_at += rows;
        say_progress("orders: " + std::to_string(looked_at));
    }
    end_progress();
    return open;
}

// Returns the order's last event; announcements about its records do not count.
std::optional<LastEvent> last_event(const OrderReport& order, const OpenOrder& open) {
    const auto is_event = [](const EventView& event) {
        return event.topic == event.service + "-events";
    };
    const auto last = std::find_if(order.events.rbegin(), order.events.rend(), is_event);
    if (last == order.events.rend()) return std::nullopt;
    LastEvent event{last->type, last->service, last->time, 0};
    const auto since = parse_rfc3339(open.since);
    const auto time = parse_rfc3339(last->time);
    if (since && time) {  // by the database's clock, which also measured the wait
        const auto now = *since + std::chrono::milliseconds(open.waited_ms);
        event.ago_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - *time).count();
    }
    return event;
}

StuckDocument read_stuck(const Endpoints& endpoints, const StuckOptions& options) {
    StuckDocument document;
    document.older_than_s = options.older_than_s;
    AuditDatabases databases = open_databases(endpoints);
    const auto open = find_open(database_of(databases, Service::order), options, document.found);
    if (open.empty()) return document;
    document.more = document.found - std::ssize(open);
    std::vector<std::string> ids;
    for (const OpenOrder& order : open) ids.push_back(order.order_id);
    const Neighbourhood neighbourhood(endpoints);
    const auto reports = read_orders(databases, ids);
    for (const OpenOrder& order : open) {
        const OrderReport& report = reports.at(order.order_id);
        document.orders.push_back({order.order_id, order.state, order.reason, order.customer_id,
                                   order.placed_at, order.since, order.waited_ms,
                                   last_event(report, order),
                                   waits_for(report, neighbourhood.of(order.order_id))});
    }
    return document;
}

void print(const StuckDocument& document) {
    if (document.orders.empty()) {
        return say("no order has been waiting for more than ", document.older_than_s, " s\n");
    }
    Table table({{"ORDER"}, {"STATE"}, {"WAITED", Align::right}, {"LAST EVENT"}, {"WAITS FOR"}});
    for (const StuckView& order : document.orders) {
        const std::string last =
            order.last_event
                ? order.last_event->type + " " +
                      duration_text(std::chrono::milliseconds(order.last_event->ago_ms)) + " ago"
                : "none";
        std::string whom;
        for (const Wait& wait : order.waits_for) {
            if (whom.find(wait.whom) != std::string::npos) continue;
            whom += (whom.empty() ? "" : ", ") + wait.whom;
        }
        table.add({order.order_id, order.state + (order.reason ? " " + *order.reason : ""),
                   duration_text(std::chrono::milliseconds(order.waited_ms)), last,
                   whom.empty() ? "nobody: its next step is due" : whom});
        for (const Wait& wait : order.waits_for) {
            table.remark(wait.whom + ": " + wait.why);
            if (wait.mend) table.remark("  → " + *wait.mend);
        }
    }
    table.print();
    say("\n", document.found, document.found == 1 ? " order has" : " orders have",
        " been waiting for more than ", document.older_than_s, " s");
    if (document.more > 0) {
        say("; ", document.more, document.more == 1 ? " waits" : " wait",
            " less long and are not shown (--limit)");
    }
    say("\n");
}

int run_stuck(const Context& context, const StuckOptions& options) {
    const StuckDocument document = read_stuck(context.endpoints, options);
    if (context.json) {
        print_raw(json::to_json(document) + "\n");
    } else {
        print(document);
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
                     "only orders that have been waiting for at least this time, seconds")
        ->check(CLI::Range(0, 31'536'000))
        ->capture_default_str();
    command
        ->add_option("--limit", options->limit,
                     "maximum number of orders to show; the others are counted")
        ->check(CLI::Range(1, 500))
        ->capture_default_str();
    command->add_option("--page", options->page, "number of orders that one statement reads")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    command->callback([&context, options] {
        context.run = [&context, options] { return run_stuck(context, *options); };
    });
}

}  // namespace orderflow::orderctl
