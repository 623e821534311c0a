// orderctl payment settle: an operator decides in place of a payment gateway that never answers, so
// that a cancelled order can end. The payment service continues to call the gateway.
#include <memory>

#include "core/enums.hpp"
#include "json/json.hpp"
#include "outbox/postgres_unit_of_work.hpp"
#include "orderctl/commands.hpp"
#include "orderctl/terminal.hpp"
#include "outbox/relay_feed.hpp"
#include "outbox/unit_of_work.hpp"
#include "payment/payment_handler.hpp"

namespace orderflow::orderctl {

// The document that --json prints.
struct SettledView {
    OrderId order_id;
    bool settled = false;
    std::optional<std::string> state;  // before; none: there is no such payment
    std::string message;
};
BOOST_DESCRIBE_STRUCT(SettledView, (), (order_id, settled, state, message))

namespace {

constexpr const char* kHelp =
    "Settles a payment whose gateway never answers: the order's cancellation ends with the outcome "
    "that you give.";
constexpr const char* kExample = R"(
Only a payment that is CANCELLING can be settled: the order then waits for nothing else. Ask the
gateway's people first. The service continues to cancel the charge there. If the gateway later
reports a different outcome, orderflow_payment_alarms_total{alarm="settled_otherwise"} counts it,
and the log names the order.

Examples:
  orderctl stuck                        which orders wait for an answer of the gateway
  orderctl payment settle 019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10 --as refunded --by kim
Exit code 2: it was not settled; the message has the payment's state, and what to do.)";

struct SettleOptions {
    std::string order;
    std::string as;
    std::string by = "operator";
};

// The payment as it was found, for the messages about it.
std::string standing(const payment::Payment& payment) {
    std::string text(name_of(payment.state));
    if (payment.settled_as) {
        text += " as " + std::string(name_of(*payment.settled_as)) + " by " + payment.settled_by;
    }
    if (payment.order) {
        const Money amount = payment::amount_of(*payment.order);
        text += ", " + std::to_string(amount.amount) + " " + std::string(amount.currency.text());
    }
    if (payment.attempts > 0) {
        text += ", " + std::to_string(payment.attempts) + " calls without a clear outcome";
    }
    return text;
}

// Why a payment in this state cannot be settled, and what can be done instead.
std::string refusal(const payment::Payment& payment, const std::string& id,
                    const Proposals& propose) {
    using payment::State;
    switch (payment.state) {
        case State::INTENT:
        case State::UNKNOWN:
            return "its order is not cancelled yet, and only a cancellation can be settled. "
                   "First: " +
                   propose.cancel(id);
        case State::CAPTURED:
        case State::DECLINED: return "the gateway has answered: there is nothing to settle";
        case State::SETTLED: return "an operator has settled it differently before";
        case State::REFUNDED:
        case State::NEVER_CHARGED: return "it has ended";
        case State::CANCELLING: return "it has just changed: try again";
    }
    return "";
}

SettledView settle(const Context& context, const SettleOptions& options, const OrderId& id) {
    const auto as = options.as == "refunded" ? payment::Settlement::REFUNDED
                                             : payment::Settlement::NEVER_CHARGED;
    postgres::Connection connection({context.endpoints.operator_url(events::Service::payment),
                                     schema_of(events::Service::payment)});
    outbox::RelayFeed relay_feed;  // has no listener here: the service's relay polls
    outbox::PostgresUnitOfWork work(connection, events::Service::payment, relay_feed);
    const auto store = payment::make_payment_store(connection);
    std::optional<payment::Payment> found;
    bool settled = false;
    outbox::run_transaction(work, [&](Instant now, outbox::BatchOutput& out) {
        const auto payments = store->load({&id, 1});
        const payment::Payment* payment = payments.find(id);
        found = payment ? std::optional(*payment) : std::nullopt;
        return payment::settle_payment(*store, id, as, options.by, now, out, settled);
    });
    SettledView view{id, settled, std::nullopt, ""};
    if (!found) {
        view.message = "not settled: the payment service does not have this order";
        return view;
    }
    view.state = name_of(found->state);
    const std::string was = standing(*found);
    if (!settled) {
        view.message = "not settled, the payment is " + was + ": " +
                       refusal(*found, id.to_string(), context.endpoints.proposals());
    } else if (found->settled_as) {
        view.message = "settled before, the payment is " + was + ": nothing changed";
    } else {
        view.message =
            "settled as " + std::string(name_of(as)) + " by " + options.by + " (the payment was " +
            was +
            "); the order receives this outcome, and the service continues to ask the gateway";
    }
    return view;
}

int run_settle(const Context& context, const SettleOptions& options) {
    const auto id = OrderId::parse(options.order);
    if (!id) throw CannotDo("'" + options.order + "' is not an order id (a lower-case UUID)");
    const SettledView view = settle(context, options, *id);
    if (context.json) {
        print_raw(json::to_json(view) + "\n");
    } else {
        say(id->to_string(), " ", view.message, "\n");
    }
    return view.settled ? kClean : kCannotDo;
}

}  // namespace

void add_payment(CLI::App& app, Context& context) {
    CLI::App* payment = app.add_subcommand("payment",
                                           "settle: records an outcome for a gateway that never "
                                           "answers, so that a cancelled order ends.");
    payment->require_subcommand(1);
    payment->fallthrough();
    CLI::App* settle = payment->add_subcommand("settle", kHelp);
    settle->footer(kExample);
    settle->fallthrough();
    const auto options = std::make_shared<SettleOptions>();
    settle->add_option("ORDER", options->order, "the order's id")->required();
    settle->add_option("--as", options->as, "what the gateway did")
        ->required()
        ->check(CLI::IsMember({"refunded", "never-charged"}));
    settle
        ->add_option("--by", options->by,
                     "who settles the payment, 1 to 64 bytes; stored in the event")
        ->envname("USER")
        ->check([](const std::string& name) {
            return name.size() >= 1 && name.size() <= 64 ? std::string()
                                                         : std::string("1 to 64 bytes");
        });
    settle->callback([&context, options] {
        context.run = [&context, options] { return run_settle(context, *options); };
    });
}

}  // namespace orderflow::orderctl
