#pragma once
// The order's saga as a part of the service: its routes, loops and subscription. Used by main.
#include <chrono>
#include <string>

#include "order/saga/saga.hpp"

namespace orderflow::http {
class Router;
}
namespace orderflow::service {
class Host;
}

namespace orderflow::order {

struct SagaSettings {
    std::string default_token = "tok_ok";    // used when a request names no payment
    std::chrono::seconds deadline{900};      // see DeadlineSettings
    std::chrono::seconds caught_up_for{60};  // the same
    std::chrono::seconds keys_kept{86'400};  // idempotency keys
};

// Returns the reader of the orders' rows, for the notices.
ReadSagas install_saga(service::Host& host, http::Router& router, const SagaSettings& settings);

}  // namespace orderflow::order
