#include "analytics/timeline/timeline_install.hpp"

#include "analytics/timeline/open_orders.hpp"
#include "analytics/timeline/timeline_api.hpp"
#include "analytics/timeline/timeline_handler.hpp"
#include "http/router.hpp"
#include "service/host.hpp"

namespace orderflow::analytics {

void install_timeline(service::Host& host, http::Router& router, const TraceSettings& settings) {
    auto& traces = host.own<TraceLoop>(host.context(), settings, host.config().environment);
    const auto make_handler = [&traces](postgres::Connection& connection) {
        return std::make_unique<TimelineHandler>(make_timeline_store(connection),
                                                 traces.on_ended());
    };
    host.consume({.name = "timeline", .make_handler = make_handler});
    auto& open_orders = host.own<OpenOrdersLoop>(host.context());
    add_timeline_routes(router, host.pool(), open_orders, host.io());
}

}  // namespace orderflow::analytics
