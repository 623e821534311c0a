#pragma once
// The page /kafka as a part of the service: routes, and the thread that sends requests to Kafka.
// Used by main.

namespace orderflow::http {
class Router;
}
namespace orderflow::service {
class Host;
}

namespace orderflow::analytics {

void install_kafka_page(service::Host& host, http::Router& router);

}  // namespace orderflow::analytics
