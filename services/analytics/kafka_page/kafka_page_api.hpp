#pragma once
// The routes of the page /kafka: topics, groups and records, read only. Handlers run on the io
// thread.
#include "http/router.hpp"

namespace orderflow::analytics {

class KafkaWorker;

// GET /api/kafka/topics, /api/kafka/groups, /api/kafka/records?topic=&partition=&before=&limit=.
// `worker` must outlive the router.
void add_kafka_page_routes(http::Router& router, KafkaWorker& worker);

}  // namespace orderflow::analytics
