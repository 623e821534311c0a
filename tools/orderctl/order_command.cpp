// `orderctl order ORDER`.
#include <algorithm>
#include <iterator>
#include <memory>

#include "orderctl/commands.hpp"
#include "orderctl/evidence.hpp"
#include "orderctl/order_reader.hpp"
#include "orderctl/raw_json.hpp"
#include "orderctl/terminal.hpp"

namespace orderflow::orderctl {

// The document that --json prints.
struct OrderDocument {
    OrderId order_id;
    std::vector<Wait> waits_for;
    std::vector<EventView> events;
    std::vector<RawJson> rows;
    std::optional<RawJson> charge;
    std::optional<std::string> gateway_error;  // why the charge is unknown
};
BOOST_DESCRIBE_STRUCT(OrderDocument, (), (order_id, waits_for, events, rows, charge, gateway_error))

namespace {

constexpr const char* kHelp =
    "Shows everything about one order: its steps as a picture, each with the compensation that "
    "undid it (and the time since the cancellation began); its state in each service; the "
    "gateway's charge; every event with its time, the time since the previous event, and its place "
    "in Kafka; what the order waits for, and the command that ends the wait.";
constexpr const char* kExample = R"(
Examples:
  orderctl order 0190c7a1-7e2b-7c44-9d1a-5b0f6f1c2d3e
  orderctl order 0190c7a1-7e2b-7c44-9d1a-5b0f6f1c2d3e --json | jq .waitsFor
  orderctl order 0190c7a1-7e2b-7c44-9d1a-5b0f6f1c2d3e --json | jq -r '.rows[].data // empty'
In the picture: ✔ done, ✘ refused or given up, … awaited, · not reached.
Exit code 2: no service has the order.)";

Painted painted(const StepView& step, const std::string& line) {
    return step.mark == StepView::Mark::refused ? red(line) : Painted{shown(line)};
}

const char* mark_of(StepView::Mark mark) {
    switch (mark) {
        case StepView::Mark::done: return "✔";
        case StepView::Mark::refused: return "✘";
        case StepView::Mark::waiting: return "…";
        case StepView::Mark::skipped: return "·";
    }
    return "";
}

void print_saga(const OrderReport& order) {
    if (!order.order) return say("order ", order.id, ": the order service does not have it\n");
    const SagaView& saga = *order.order;
    say("order ", order.id, ": ", bold(saga.state + (saga.reason ? " " + *saga.reason : "")), ", ",
        saga.total, " ", saga.currency, ", customer ", saga.customer_id, "\n");
    say("placed ", saga.placed_at);
    const auto placed = parse_rfc3339(saga.placed_at);
    const auto finished = saga.finished_at ? parse_rfc3339(*saga.finished_at) : std::nullopt;
    if (placed && finished) {
        const auto took = std::max(*finished - *placed, std::chrono::microseconds{0});
        say(", final ", latency_text(took).substr(1), " later");
    }
    say("\n");
}

// Prints the way forward from top to bottom; beside each step, the event that took it back.
void print_way(const OrderReport& order) {
    const auto steps = steps_of(order);
    Table table({{" "}, {"STEP"}, {"SERVICE"}, {"TOOK", Align::right}, {"UNDONE BY"}});
    for (const StepView& step : steps) {
        table.add({mark_of(step.mark), step.step, step.service, step.outcome,
                   step.back.empty() ? "" : "◄─ " + step.back});
    }
    std::string text = table.text(terminal_width());
    std::size_t at = text.find('\n') + 1;
    say("\n", bold(text.substr(0, at - 1)));
    for (const StepView& step : steps) {
        const std::size_t end = text.find('\n', at);
        say("\n", painted(step, text.substr(at, end - at)));
        at = end + 1;
    }
    say("\n");
}

void print_standing(const OrderReport& order, const std::string& gateway) {
    Table table({{"WHO"}, {"STATE"}});
    const auto add = [&](const char* name, const std::optional<ParticipantView>& row) {
        table.add({name, row ? standing_text(*row) : "has not received it"});
    };
    add("inventory", order.inventory);
    add("payment", order.payment);
    add("shipping", order.shipping);
    table.add({"gateway", gateway.empty() ? "has no charge" : gateway});
    say("\n");
    table.print();
}

void print_events(const OrderReport& order) {
    Table table({{"TIME"},
                 {"AFTER", Align::right},
                 {"SERVICE"},
                 {"SEQ", Align::right},
                 {"RECORD"},
                 {"EVENT"}});
    for (const EventView& event : order.events) {
        std::string what = event.type;
        if (event.about) what += " " + *event.about;
        if (event.undoes) what += " (undoes " + *event.undoes + ")";
        if (!event.relayed) what += ", not confirmed by the relay yet";
        std::string record = event.topic;
        if (event.partition && event.offset) {
            record += "/" + std::to_string(*event.partition) + "@" + std::to_string(*event.offset);
        }
        table.add({event.time,
                   event.after_us ? latency_text(std::chrono::microseconds(*event.after_us)) : "",
                   event.service, std::to_string(event.seq), record, what});
    }
    say("\n");
    table.print();
}

void print_waits(const OrderReport& order, const std::vector<Wait>& waits) {
    if (waits.empty()) {
        const bool final = order.order && order.order->finished_at;
        return say("\nwaits for nothing", final ? ": it is final" : "", "\n");
    }
    say("\n");
    for (const Wait& wait : waits) {
        say("waits for ", bold(wait.whom), " since ", wait.since, ": ", wait.why, "\n");
        if (wait.mend) say("    → ", *wait.mend, "\n");
    }
}

int run_order(const Context& context, const std::string& text) {
    const auto id = OrderId::parse(text);
    if (!id) throw CannotDo("'" + text + "' is not an order id (a lower-case UUID)");
    AuditDatabases databases = open_databases(context.endpoints);
    const std::string key = id->to_string();
    OrderReport order = read_orders(databases, {&key, 1}).at(key);
    OrderDocument document;
    for (const auto& database : databases) {
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
        throw CannotDo("no service has order " + id->to_string());
    }
    // A final order needs no data from Kafka.
    const bool final = order.order && order.order->finished_at;
    Surroundings around{context.endpoints.proposals(), system_now(), {}, {}, {}, {}, {}};
    if (!final) around = Neighbourhood(context.endpoints).of(key);
    const auto waits = waits_for(order, around);
    if (!context.json) {
        print_saga(order);
        print_way(order);
        print_standing(order, document.gateway_error
                                  ? "unreachable (" + *document.gateway_error + ")"
                                  : charge);
        print_events(order);
        print_waits(order, waits);
        return kClean;
    }
    document.order_id = *id;
    document.waits_for = waits;
    document.events = order.events;
    if (!charge.empty()) document.charge = RawJson{charge};
    print_raw(json::to_json(document) + "\n");
    return kClean;
}

}  // namespace

void add_order(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("order", kHelp);
    command->footer(kExample);
    command->fallthrough();
    const auto order = std::make_shared<std::string>();
    command->add_option("ORDER", *order, "the order's id")->required();
    command->callback([&context, order] {
        context.run = [&context, order] { return run_order(context, *order); };
    });
}

}  // namespace orderflow::orderctl
