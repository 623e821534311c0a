// `orderctl records`: the records that the services have put aside, and an operator's decisions on
// those that are dead. Every decision is one statement in the service's own database. If two
// operators decide at once, the second finds no dead record any more. If a service tries a record
// at the same time, it holds the record's lock, or the record is not dead any more.
#include <algorithm>
#include <charconv>
#include <memory>

#include "json/json.hpp"
#include "orderctl/commands.hpp"
#include "orderctl/facts_readers.hpp"
#include "orderctl/order_reader.hpp"
#include "orderctl/parked_rows.hpp"
#include "orderctl/terminal.hpp"

namespace orderflow::orderctl {

struct RecordView {
    std::string service;
    std::int64_t id = 0;
    bool dead = false;
    std::string topic;
    std::int64_t partition = 0;
    std::int64_t offset = 0;
    std::optional<std::string> order_id;
    std::int64_t attempts = 0;
    std::string parked_at;
    std::optional<std::string> due_at;   // none: dead; if `behind` is set, of that record
    std::optional<std::int64_t> behind;  // the id of the record that it waits behind
    std::string error;
};
BOOST_DESCRIBE_STRUCT(RecordView, (),
                      (service, id, dead, topic, partition, offset, order_id, attempts, parked_at,
                       due_at, behind, error))

struct DecisionView {
    std::string service;
    std::string decided_at, decision, decided_by, reason;
    std::int64_t parked_id = 0;
    std::string topic;
    std::int64_t partition = 0;
    std::int64_t offset = 0;
    std::optional<std::string> order_id;
    std::string error;
};
BOOST_DESCRIBE_STRUCT(DecisionView, (),
                      (service, decided_at, decision, decided_by, reason, parked_id, topic,
                       partition, offset, order_id, error))

namespace {

using postgres::Params;
using postgres::Rows;
using postgres::Statement;

constexpr const char* kHelp =
    "list, decisions, retry, discard: the records that the services have parked, and the decisions "
    "on dead records.";
constexpr const char* kExample = R"(
A record that a service cannot handle is parked and tried again after 1, 4, 16, 60 and 120 s; then,
or at once if it cannot be read, it is dead and waits for you. Later records of its order go on.

Examples:
  orderctl records list                          dead ones first
  orderctl records list --service payment --json
  orderctl records retry 12 --service payment --reason 'mended by release 1.2'
  orderctl records discard 13 --service shipping --reason 'a test record of 2026-01-02'
  orderctl records decisions                     who decided what, and why)";
constexpr const char* kRetryHelp =
    "Retries a dead record: due at once, with five more tries. Use it after the cause is fixed; a "
    "record that was handled before changes nothing.";
constexpr const char* kDiscardHelp =
    "Deletes a dead record whose effect is not wanted. The decisions keep the record. If the "
    "effect is missing after all, orderctl check continues to report it.";

// Returns no row if the record is not dead.
const Statement kRetry{"records_retry", R"(
    WITH taken AS (
        UPDATE parked SET dead = false, due_at = clock_timestamp(), attempts = 0
        WHERE id = $1::bigint AND dead
        RETURNING id, topic, partition, "offset", order_id, ce_id, error, parked_at)
    INSERT INTO parked_decisions (decision, decided_by, reason, parked_id, topic, partition,
                                  "offset", order_id, ce_id, error, parked_at)
    SELECT 'retry', $2::text, $3::text, id, topic, partition, "offset", order_id, ce_id, error,
           parked_at FROM taken
    RETURNING topic, partition, "offset", order_id::text, error)"};
const Statement kDiscard{"records_discard", R"(
    WITH taken AS (
        DELETE FROM parked WHERE id = $1::bigint AND dead
        RETURNING id, topic, partition, "offset", order_id, ce_id, error, parked_at, key, headers,
                  value)
    INSERT INTO parked_decisions (decision, decided_by, reason, parked_id, topic, partition,
                                  "offset", order_id, ce_id, error, parked_at, key, headers, value)
    SELECT 'discard', $2::text, $3::text, id, topic, partition, "offset", order_id, ce_id, error,
           parked_at, key, headers, value FROM taken
    RETURNING topic, partition, "offset", order_id::text, error)"};
const Statement kLook{"records_look", "SELECT dead FROM parked WHERE id = $1::bigint"};

struct RecordsOptions {
    std::string service;
    std::int64_t id = 0;
    std::string reason;
    std::string by = "operator";
    std::int64_t limit = 100;
};

// Returns the rows of a view, of one service or of all.
template <class View>
std::vector<View> read_views(const Endpoints& endpoints, const RecordsOptions& options,
                             const std::string& columns, const std::string& rest) {
    std::vector<View> views;
    for (const Service service : kServices) {
        if (!options.service.empty() && options.service != short_name(service)) continue;
        AuditDatabase database(service, endpoints.auditor(service));
        for (const std::string& row : database.json_rows(
                 "SELECT '" + std::string(short_name(service)) +
                 "' AS service, topic, partition, \"offset\", order_id AS "
                 "\"orderId\", error, " +
                 columns + " FROM " + rest + " LIMIT " + std::to_string(options.limit))) {
            views.push_back(json::read_json<View>(row, json::UnknownMembers::ignore).value());
        }
    }
    return views;
}

template <class View>
std::string place_of(const View& view) {
    return view.topic + "/" + std::to_string(view.partition) + "@" + std::to_string(view.offset);
}

int run_list(const Context& context, const RecordsOptions& options) {
    auto records = read_views<RecordView>(context.endpoints, options,
                                          "id, dead, attempts, " + utc_text("parked_at") +
                                              " AS \"parkedAt\", " + utc_text(kParkedDue) +
                                              " AS \"dueAt\", head_id AS behind",
                                          std::string(kParkedRows) + " ORDER BY dead DESC, id");
    std::ranges::stable_partition(records, &RecordView::dead);
    if (context.json) {
        print_raw(json::to_json(records) + "\n");
        return kClean;
    }
    if (records.empty()) {
        say("no record is parked\n");
        return kClean;
    }
    Table table({{"STATE"},
                 {"SERVICE"},
                 {"ID", Align::right},
                 {"RECORD"},
                 {"ORDER"},
                 {"TRIES", Align::right},
                 {"PARKED AT"},
                 {"NEXT TRY"}});
    const Instant now = system_now();
    for (const RecordView& record : records) {
        table.add({record.dead ? "dead" : "parked", record.service, std::to_string(record.id),
                   place_of(record), record.order_id.value_or("unknown"),
                   std::to_string(record.attempts), record.parked_at,
                   record.dead ? "never" : next_try_text(record.due_at, record.behind, now)});
        table.remark(record.error);
    }
    table.print();
    return kClean;
}

int run_decisions(const Context& context, const RecordsOptions& options) {
    auto decisions = read_views<DecisionView>(
        context.endpoints, options,
        "decision, decided_by AS \"decidedBy\", reason, parked_id AS \"parkedId\", " +
            utc_text("decided_at") + " AS \"decidedAt\"",
        "audit_v1_parked_decisions ORDER BY id DESC");
    std::ranges::stable_sort(decisions, std::ranges::greater(), &DecisionView::decided_at);
    if (context.json) {
        print_raw(json::to_json(decisions) + "\n");
        return kClean;
    }
    if (decisions.empty()) {
        say("there is no decision on a dead record\n");
        return kClean;
    }
    Table table({{"TIME"},
                 {"DECISION"},
                 {"BY"},
                 {"SERVICE"},
                 {"ID", Align::right},
                 {"RECORD"},
                 {"ORDER"},
                 {"REASON"}});
    for (const DecisionView& decision : decisions) {
        table.add({decision.decided_at, decision.decision, decision.decided_by, decision.service,
                   std::to_string(decision.parked_id), place_of(decision),
                   decision.order_id.value_or("unknown"), decision.reason});
    }
    table.print();
    return kClean;
}

Service service_named(const std::string& name) {
    return *std::ranges::find(kServices, std::string_view(name), short_name);
}

int run_decide(const Context& context, const RecordsOptions& options, bool retry) {
    const Service service = service_named(options.service);
    postgres::Connection connection({context.endpoints.operator_url(service), schema_of(service)});
    const Rows taken = connection.exec(retry ? kRetry : kDiscard,
                                       Params::of(options.id, options.by, options.reason));
    const std::string what = "record " + std::to_string(options.id) + " of " + options.service;
    if (taken.size() == 0) {
        const Rows row = connection.exec(kLook, Params::of(options.id));
        throw CannotDo(what +
                       (row.size() == 0
                            ? " does not exist: it was handled or discarded, or it never existed"
                            : " is not dead: the service tries it again by itself"));
    }
    DecisionView view;
    view.service = options.service;
    view.decided_at = to_rfc3339(system_now());
    view.decision = retry ? "retry" : "discard";
    view.decided_by = options.by;
    view.reason = options.reason;
    view.parked_id = options.id;
    view.topic = taken.text(0, 0);
    view.partition = taken.int32(0, 1);
    view.offset = taken.int64(0, 2);
    if (!taken.is_null(0, 3)) view.order_id = taken.text(0, 3);
    view.error = taken.text(0, 4);
    if (context.json) {
        print_raw(json::to_json(view) + "\n");
        return kClean;
    }
    say(what, " (", place_of(view), ", order ", view.order_id.value_or("unknown"), ") ",
        retry ? "is due now, with five more tries" : "is discarded",
        "\n    its last error: ", view.error, "\n");
    return kClean;
}

CLI::App* add_command(CLI::App& records, const char* name, const char* help) {
    CLI::App* command = records.add_subcommand(name, help);
    command->footer(kExample);
    command->fallthrough();
    return command;
}

CLI::Option* add_service(CLI::App* command, RecordsOptions& options, const char* help) {
    return command->add_option("--service", options.service, help)
        ->check(CLI::IsMember({"order", "inventory", "payment", "shipping", "analytics"}));
}

// Rejects what the parser would misread: a number beyond 64 bits as the largest number, and 010 as
// 8.
std::string id_error(const std::string& text) {
    std::int64_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    if (whole && id > 0 && text.front() != '0') return {};
    return "a record's id is a number from 1 to 9223372036854775807, not '" + text + "'";
}

void add_decision(CLI::App& records, Context& context, bool retry) {
    CLI::App* command =
        add_command(records, retry ? "retry" : "discard", retry ? kRetryHelp : kDiscardHelp);
    const auto options = std::make_shared<RecordsOptions>();
    const auto texts = [](const std::string& text) {
        return !text.empty() && text.size() <= 1'000 ? "" : "1 to 1000 bytes";
    };
    command->add_option("ID", options->id, "the record's id, from `records list`")
        ->required()
        ->check(id_error);
    add_service(command, *options, "service that parked the record")->required();
    command->add_option("--reason", options->reason, "the reason; stored with the decision")
        ->required()
        ->check(texts);
    command->add_option("--by", options->by, "who decides; stored with the decision")
        ->envname("USER")
        ->check(texts);
    command->callback([&context, options, retry] {
        context.run = [&context, options, retry] { return run_decide(context, *options, retry); };
    });
}

void add_listing(CLI::App& records, Context& context, const char* name, const char* help,
                 int (*run)(const Context&, const RecordsOptions&)) {
    CLI::App* command = add_command(records, name, help);
    const auto options = std::make_shared<RecordsOptions>();
    add_service(command, *options, "only of this service");
    command->add_option("--limit", options->limit, "maximum number of rows of each service")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    command->callback([&context, options, run] {
        context.run = [&context, options, run] { return run(context, *options); };
    });
}

}  // namespace

void add_records(CLI::App& app, Context& context) {
    CLI::App* records = app.add_subcommand("records", kHelp);
    records->footer(kExample);
    records->require_subcommand(1);
    records->fallthrough();
    add_listing(*records, context, "list", "Lists the parked records, dead records first.",
                run_list);
    add_listing(*records, context, "decisions",
                "Lists the decisions on dead records, newest first.", run_decisions);
    add_decision(*records, context, true);
    add_decision(*records, context, false);
}

}  // namespace orderflow::orderctl
