#pragma once
// The routes that every service has besides its own: probes, health, metrics, and the description
// of all routes. Used by Host, which adds them to the router; on the io thread.
#include <functional>

#include <boost/asio/awaitable.hpp>
#include <prometheus/registry.h>

#include "http/request.hpp"
#include "postgres/pool.hpp"
#include "service/startup.hpp"

namespace orderflow::service::probes {

using Answer = boost::asio::awaitable<http::Response>;

// The process runs.
Answer livez(http::Request request);
// 503 while it stops, and until the schema and the topics are there and the database accepts
// writes.
Answer readyz(postgres::Pool& pool, Startup& startup, const bool& stopping, http::Request request);
// What is up, in the form that monitors of other platforms read; 503 if something is down.
Answer health(postgres::Pool& pool, Startup& startup, http::Request request);
// `refresh` is called before the metrics are read.
Answer metrics(prometheus::Registry& registry, const std::function<void()>& refresh,
               http::Request request);
// api/openapi.yaml
Answer openapi(http::Request request);

}  // namespace orderflow::service::probes
