#include "analytics/kafka_page/kafka_page_install.hpp"

#include "analytics/kafka_page/kafka_page_api.hpp"
#include "analytics/kafka_page/kafka_worker.hpp"
#include "http/router.hpp"
#include "service/host.hpp"

namespace orderflow::analytics {

void install_kafka_page(service::Host& host, http::Router& router) {
    auto& worker = host.own<KafkaWorker>(host.config().kafka());
    add_kafka_page_routes(router, worker);
}

}  // namespace orderflow::analytics
