#include "order/saga/saga_install.hpp"

#include "http/router.hpp"
#include "loops/key_expiry.hpp"
#include "order/saga/deadline.hpp"
#include "order/saga/saga_api.hpp"
#include "order/saga/saga_handler.hpp"
#include "service/host.hpp"

namespace orderflow::order {
namespace {

using events::EventKind;

constexpr std::size_t kQueue = 4'096;  // commands that wait for their commit

}  // namespace

ReadSagas install_saga(service::Host& host, http::Router& router, const SagaSettings& settings) {
    const loops::Context& context = host.context();
    auto& admission = host.own<Admission>();
    auto& accept = host.own<AcceptLoop>("accept", context, kQueue, accept_steps(admission));
    auto& cancel = host.own<CancelLoop>("cancel", context, kQueue, cancel_steps());
    const auto make_handler = [&admission](postgres::Connection& connection) {
        return std::make_unique<SagaHandler>(make_saga_store(connection), &admission);
    };
    // The answer of shipping, the last of three, completes an order.
    host.consume({.name = "saga",
                  .make_handler = make_handler,
                  .can_wait = {EventKind::StockReserved, EventKind::PaymentCaptured}});
    host.own<loops::Ticker>(loops::key_expiry_ticker(context, settings.keys_kept));
    host.own<loops::Ticker>(deadline_ticker(context, {settings.deadline, settings.caught_up_for}));
    add_order_routes(router, accept, cancel, host.pool(), {settings.default_token});
    return &read_sagas;
}

}  // namespace orderflow::order
