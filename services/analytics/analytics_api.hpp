#pragma once
// The analytics service's routes. Handlers run on the io thread.
#include <span>
#include <string>

#include "analytics/analytics.hpp"
#include "analytics/analytics_waiting.hpp"
#include "http/router.hpp"
#include "postgres/pool.hpp"

namespace boost::asio {
class io_context;
}

namespace orderflow::analytics {

class KafkaWorker;

// GET /api/orders/{id}/timeline, GET /api/analytics and below it /throughput?minutes= and
// /waiting?limit=, /ws/analytics, those of analytics_kafka.hpp, and the pages. All of the arguments
// must outlive the router.
http::Router make_router(postgres::Pool& pool, const WaitingLoop& waiting, KafkaWorker& kafka,
                         boost::asio::io_context& io);

// The bodies of the answers.
std::string throughput_json(std::span<const MinuteFigures> minutes);
std::string waiting_json(std::span<const OpenOrder> orders);
std::string timeline_json(const OrderId& id, const OrderView& view);
std::string dashboard_json(const Dashboard& dashboard);

}  // namespace orderflow::analytics
