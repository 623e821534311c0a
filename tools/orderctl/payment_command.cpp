// orderctl payment settle: an operator answers for a payment gateway that never does, so that a
// cancelled order can end. The payment service goes on asking the gateway.
#include <cstdio>
#include <memory>

#include "messaging/outbox.hpp"
#include "orderctl/commands.hpp"
#include "payment/payment_service.hpp"

namespace orderflow::orderctl {
namespace {

constexpr const char* kHelp =
    "Answer for a gateway that never does: the order's cancellation ends with what you say.";
constexpr const char* kExample = R"(
Only a payment that is CANCELLING can be settled: the order then waits for nothing else. Ask the
gateway's people first. The service goes on cancelling the charge there; if the gateway one day says
otherwise, orderflow_payment_alarms_total{alarm="settled_otherwise"} counts it and the log names the
order.

  orderctl payment settle 019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10 --as refunded --by kim)";

struct SettleOptions {
    std::string order;
    std::string as;
    std::string by = "operator";
};

int run_settle(const Context& context, const SettleOptions& options) {
    const auto id = OrderId::parse(options.order);
    if (!id) throw CannotDo("'" + options.order + "' is no order id (a lower-case UUID)");
    const auto as = options.as == "refunded" ? payment::Settlement::REFUNDED
                                             : payment::Settlement::NEVER_CHARGED;
    postgres::Connection connection(context.endpoints.owner(events::Service::payment));
    connection.script("SET search_path = payments");
    messaging::Bell bell;  // nobody listens here: the service's relay polls
    messaging::PostgresUnitOfWork work(connection, events::Service::payment, bell);
    const auto store = payment::make_payment_store(connection);
    bool settled = false;
    messaging::run_transaction(work, [&](Instant now, messaging::BatchOutput& out) {
        return payment::settle_payment(*store, *id, as, options.by, now, out, settled);
    });
    const char* said = settled ? "settled" : "not settled: no payment of this order is CANCELLING";
    if (context.json) {
        std::printf("{\"orderId\":\"%s\",\"settled\":%s}\n", id->to_string().c_str(),
                    settled ? "true" : "false");
    } else {
        std::printf("%s %s\n", id->to_string().c_str(), said);
    }
    return settled ? kClean : kCannotDo;
}

}  // namespace

void add_payment(CLI::App& app, Context& context) {
    CLI::App* payment = app.add_subcommand("payment", "What only an operator can decide on money.");
    payment->require_subcommand(1);
    payment->fallthrough();
    CLI::App* settle = payment->add_subcommand("settle", kHelp);
    settle->footer(kExample);
    settle->fallthrough();
    const auto options = std::make_shared<SettleOptions>();
    settle->add_option("order", options->order, "the order's id")->required();
    settle->add_option("--as", options->as, "what the gateway did")
        ->required()
        ->check(CLI::IsMember({"refunded", "never-charged"}));
    settle->add_option("--by", options->by, "who says so, 1 to 64 bytes; stands in the event")
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
