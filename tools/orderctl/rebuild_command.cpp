// `orderctl rebuild --verify`.
#include "orderctl/commands.hpp"
#include "orderctl/evidence.hpp"
#include "orderctl/facts_readers.hpp"
#include "orderctl/raw_json.hpp"
#include "orderctl/terminal.hpp"

namespace orderflow::orderctl {

struct DifferenceView {
    std::string service;
    std::optional<OrderId> order_id;
    std::optional<std::string> product_id;
    std::string field;
    std::string ledger;
    std::string table;
    std::vector<RawJson> rows;
};
BOOST_DESCRIBE_STRUCT(DifferenceView, (),
                      (service, order_id, product_id, field, ledger, table, rows))

struct RebuildDocument {
    std::int64_t orders;
    std::int64_t products;
    std::int64_t ledger_rows;
    std::int64_t differing;
    std::vector<DifferenceView> differences;  // the first kMaxViolations
};
BOOST_DESCRIBE_STRUCT(RebuildDocument, (), (orders, products, ledger_rows, differing, differences))

namespace {

constexpr const char* kHelp =
    "Folds every service's ledger, and the events that it consumed from the others' ledgers, into "
    "the rows that its tables must have, and compares them. Writes nothing.";
constexpr const char* kExample = R"(
Examples:
  orderctl rebuild --verify
  orderctl rebuild --verify --json | jq '.differences[] | {orderId, field, ledger, table}'
Different texts are shown as "text #0123abcd": the rows of the difference have them in full.
Exit code 1: at least one row differs from its ledger.)";
constexpr std::size_t kMaxPrinted = 50;

std::vector<DifferenceView> find_differences(const Facts& facts) {
    std::vector<DifferenceView> views;
    const auto add = [&](Service service, std::uint32_t order, std::uint32_t product,
                         std::string field, std::string ledger, std::string table) {
        DifferenceView& view = views.emplace_back();
        view.service = short_name(service);
        if (order != kNone) view.order_id = facts.orders[order].id;
        if (product != kNone) view.product_id = facts.products[product].id;
        view.field = std::move(field);
        view.ledger = std::move(ledger);
        view.table = std::move(table);
    };
    for (const BadStep& step : facts.bad_steps) {
        add(step.service, step.order, kNone, "ledger",
            "seq " + std::to_string(step.seq) + ": " + step.what, "-");
    }
    for (const Difference& d : compare(facts, EventsOfOrders(facts))) {
        add(d.service, d.order, d.product, d.field, d.ledger, d.table);
    }
    return views;
}

// Adds the rows that show the differences that were kept.
void attach(const Endpoints& endpoints, const Facts& facts, std::vector<DifferenceView>& views) {
    std::vector<Violation> subjects;
    for (const DifferenceView& view : views) {
        subjects.push_back({"", view.order_id, view.product_id, "", {}});
    }
    attach_rows(endpoints, facts, Detail::full, subjects);
    for (std::size_t i = 0; i < views.size(); ++i) views[i].rows = std::move(subjects[i].rows);
}

void print(const RebuildDocument& document) {
    std::size_t printed = 0;
    for (const DifferenceView& view : document.differences) {
        if (++printed > kMaxPrinted) break;
        const std::string subject = view.order_id     ? "order " + view.order_id->to_string()
                                    : view.product_id ? "product " + *view.product_id
                                                      : "";
        say(view.service, " ", subject, ": ", view.field, "\n    ledger: ", view.ledger,
            "\n    table:  ", view.table, "\n");
        for (const RawJson& row : view.rows) say("      ", row.text, "\n");
    }
    say(document.orders, " orders and ", document.products, " products folded from ",
        document.ledger_rows, " ledger rows: ", document.differing, " differences\n");
}

int run_rebuild(const Context& context) {
    const Facts facts = gather(context.endpoints, {.gateway = false}, say_progress);
    end_progress();
    RebuildDocument document;
    document.differences = find_differences(facts);
    document.differing = static_cast<std::int64_t>(document.differences.size());
    if (document.differing > kMaxViolations) document.differences.resize(kMaxViolations);
    attach(context.endpoints, facts, document.differences);
    document.orders = facts.count_orders();
    document.products = facts.count_products();
    document.ledger_rows = static_cast<std::int64_t>(facts.events.size());
    if (context.json) {
        print_raw(json::to_json(document) + "\n");
    } else {
        print(document);
    }
    return document.differing > 0 ? kViolated : kClean;
}

}  // namespace

void add_rebuild(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("rebuild", kHelp);
    command->footer(kExample);
    command->fallthrough();
    const auto verify = std::make_shared<bool>(false);
    command->add_flag("--verify", *verify, "compare only; there is no other mode yet")->required();
    command->callback(
        [&context, verify] { context.run = [&context] { return run_rebuild(context); }; });
}

}  // namespace orderflow::orderctl
