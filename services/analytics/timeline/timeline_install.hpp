#pragma once
// The timelines and counters as a part of the service: routes, the subscription, the traces, the
// list of waiting orders. Used by main.
#include "analytics/timeline/traces.hpp"

namespace orderflow::http {
class Router;
}
namespace orderflow::service {
class Host;
}

namespace orderflow::analytics {

void install_timeline(service::Host& host, http::Router& router, const TraceSettings& traces);

}  // namespace orderflow::analytics
