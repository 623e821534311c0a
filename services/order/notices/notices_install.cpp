#include "order/notices/notices_install.hpp"

#include "http/router.hpp"
#include "loops/failures.hpp"
#include "order/notices/notices_api.hpp"
#include "order/notices/order_changes.hpp"
#include "service/host.hpp"

namespace orderflow::order {

void install_notices(service::Host& host, http::Router& router, ReadSagas read_sagas) {
    const loops::Context& context = host.context();
    auto& failures = loops::failure_counter(context.registry, "notifications");
    const auto notifications =
        std::make_shared<Notifications>(host.io(), host.pool(), read_sagas, failures);
    host.own<std::shared_ptr<Notifications>>(notifications);
    host.own<ChangeListener>(context.database_url, host.io(), *notifications, failures,
                             context.database);
    add_notice_routes(router, notifications);
}

}  // namespace orderflow::order
