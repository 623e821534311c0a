// `orderctl republish`.
#include <algorithm>
#include <limits>

#include "json/json.hpp"
#include "kafka/producer.hpp"
#include "orderctl/commands.hpp"
#include "orderctl/facts_readers.hpp"
#include "orderctl/terminal.hpp"
#include "outbox/relay.hpp"

namespace orderflow::orderctl {

struct RepublishedView {
    std::string service;
    std::int64_t rows;                          // sent here, or to be sent again by the relay
    std::optional<std::int64_t> checkpoint;     // where the relay starts again
    std::optional<std::int64_t> left_to_relay;  // rows of the order that it has not sent yet
};
BOOST_DESCRIBE_STRUCT(RepublishedView, (), (service, rows, checkpoint, left_to_relay))

namespace {

constexpr const char* kHelp =
    "Sends events of the ledgers to Kafka again. Consumers handle each event once, so this is "
    "harmless; it restores events that Kafka or a consumer lost, including a participant's answer.";
constexpr const char* kExample = R"(
Examples:
  orderctl republish --order 0190c7a1-7e2b-7c44-9d1a-5b0f6f1c2d3e
      sends every event of one order, of all participants
  orderctl republish --since 2026-01-02T03:00:00Z --service inventory
      lowers the relay's checkpoint, so that it sends again from there (role operator)
  scripts/down --only order,payment,inventory,shipping,analytics
  orderctl republish --all
  scripts/up --no-demo
      everything, after the loss of Kafka's data. The services must be stopped. When they run
      again, their relays send all events; orderctl lag shows the progress
Exit code 2: refused, or no ledger has an event of the order.)";

using postgres::Params;
using postgres::Rows;
using postgres::Statement;

constexpr std::chrono::seconds kPatience{30};

// Sets the checkpoint to the row before the first one to be sent again. A lane with a lower
// checkpoint keeps it: it has sent rows that are not in its checkpoint yet, and starts again from
// there.
const Statement kLowerSince{"lower_since", R"(
    UPDATE relay_checkpoint
    SET seq = least(relay_checkpoint.seq, first.seq - 1), republished = republished + 1
    FROM (SELECT min(seq) AS seq FROM outbox WHERE recorded_at >= $1::timestamptz) AS first)"};
const Statement kLowerAll{"lower_all", R"(
    UPDATE relay_checkpoint SET seq = 0, republished = republished + 1)"};
const Statement kStanding{"standing", R"(
    SELECT c.seq, (SELECT count(*) FROM outbox o WHERE o.seq > c.seq) FROM relay_checkpoint c
    WHERE c.lane = 'saga')"};

struct RepublishOptions {
    std::string order;
    std::string since;
    bool all = false;
    std::vector<std::string> services;
};

bool chosen(const RepublishOptions& options, Service service) {
    const auto name = short_name(service);
    return options.services.empty() ||
           std::ranges::find(options.services, name) != options.services.end();
}

void send(const Endpoints& endpoints, Service service, const std::vector<outbox::LedgerRow>& rows) {
    const auto producer = kafka::make_producer(endpoints.kafka(), service);
    std::size_t persisted = 0;
    const auto take_reports = [&] {
        for (const auto& report : producer->reports()) persisted += report.persisted ? 1 : 0;
    };
    std::uint64_t token = 0;
    for (const auto& row : rows) {
        while (!producer->produce(row, token)) {
            producer->flush(kPatience);
            take_reports();
        }
        ++token;
    }
    producer->flush(kPatience);
    take_reports();
    if (persisted != rows.size()) {
        throw CannotDo("Kafka confirmed " + std::to_string(persisted) + " of " +
                       std::to_string(rows.size()) + " events of " +
                       std::string(short_name(service)));
    }
}

// Sends only rows that the relay has sent before: the relay must send the others first, in their
// order.
std::vector<RepublishedView> republish_order(const Context& context,
                                             const RepublishOptions& options) {
    const auto id = OrderId::parse(options.order);
    if (!id) throw CannotDo("'" + options.order + "' is not an order id (a lower-case UUID)");
    std::vector<RepublishedView> views;
    std::int64_t found = 0;
    for (const auto& database : open_databases(context.endpoints)) {
        const Service service = database->service();
        if (!chosen(options, service) || events::topic_of(service).empty()) continue;
        const std::int64_t checkpoint = database->checkpoint();
        auto rows = database->ledger_of(*id, std::numeric_limits<std::int64_t>::max());
        // The announcements of parked records have no consumer.
        std::erase_if(rows,
                      [&](const auto& row) { return row.topic != events::topic_of(service); });
        const auto all = rows.size();
        std::erase_if(rows, [&](const auto& row) { return row.seq > checkpoint; });
        if (!rows.empty()) send(context.endpoints, service, rows);
        found += static_cast<std::int64_t>(all);
        const auto left = static_cast<std::int64_t>(all - rows.size());
        views.push_back({std::string(short_name(service)), static_cast<std::int64_t>(rows.size()),
                         std::nullopt, left > 0 ? std::optional(left) : std::nullopt});
    }
    if (found == 0) throw CannotDo("no ledger has an event of order " + options.order);
    return views;
}

std::vector<RepublishedView> lower_checkpoints(const Context& context,
                                               const RepublishOptions& options) {
    std::optional<Instant> since;
    if (!options.all) {
        since = parse_rfc3339(options.since);
        if (!since) throw CannotDo("--since must be RFC 3339 in UTC, like 2026-01-02T03:04:05Z");
        if (*since > system_now()) {
            throw CannotDo("--since " + options.since +
                           " is in the future: nothing was recorded "
                           "from then on (it is " +
                           to_rfc3339(system_now()) + ")");
        }
    } else if (const auto groups = groups_with_members(context.endpoints); !groups.empty()) {
        std::string names;
        for (const auto& name : groups) names += " " + name;
        throw CannotDo("--all while consumers run: stop the services first (members in:" + names +
                       ")");
    }
    std::vector<RepublishedView> views;
    for (const Service service : kServices) {
        if (!chosen(options, service)) continue;
        postgres::Connection connection(
            {context.endpoints.operator_url(service), schema_of(service)});
        connection.script("SET statement_timeout = 0");
        if (since) {
            connection.exec(kLowerSince, Params::of(*since));
        } else {
            connection.exec(kLowerAll);
        }
        const Rows standing = connection.exec(kStanding);
        views.push_back({std::string(short_name(service)), standing.int64(0, 1),
                         standing.int64(0, 0), std::nullopt});
    }
    return views;
}

int run_republish(const Context& context, const RepublishOptions& options) {
    const bool one = !options.order.empty();
    const auto views =
        one ? republish_order(context, options) : lower_checkpoints(context, options);
    if (context.json) {
        print_raw(json::to_json(views) + "\n");
        return kClean;
    }
    for (const RepublishedView& view : views) {
        say(padded(view.service, 10), " ", view.rows, " rows");
        if (view.checkpoint) {
            say(" to be sent by the relay, from checkpoint ", *view.checkpoint, " on");
        } else {
            say(" sent");
        }
        if (view.left_to_relay) {
            say(", ", *view.left_to_relay, " not relayed yet: left to the relay");
        }
        say("\n");
    }
    return kClean;
}

}  // namespace

void add_republish(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("republish", kHelp);
    command->footer(kExample);
    command->fallthrough();
    const auto options = std::make_shared<RepublishOptions>();
    CLI::Option_group* what = command->add_option_group("what", "one of these");
    what->add_option("--order", options->order, "every event of this order");
    what->add_option("--since", options->since, "everything recorded from this time on, RFC 3339");
    what->add_flag("--all", options->all,
                   "everything; refused while any consumer group has members");
    what->require_option(1);
    command
        ->add_option("--service", options->services,
                     "of these services only: order, inventory, payment, shipping, analytics")
        ->check(CLI::IsMember({"order", "inventory", "payment", "shipping", "analytics"}));
    command->callback([&context, options] {
        context.run = [&context, options] { return run_republish(context, *options); };
    });
}

}  // namespace orderflow::orderctl
