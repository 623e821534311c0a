#pragma once
// The order and inventory services' routes with their own handlers, but without a database:
// whatever would be read or committed meets a queue that is full.
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <prometheus/counter.h>
#include <prometheus/registry.h>
#include <spdlog/spdlog.h>

#include "core/unavailable.hpp"
#include "fuzz/fuzz.hpp"
#include "inventory/inventory_api.hpp"
#include "order/order_api.hpp"

namespace orderflow::messaging {

// Nobody takes from these queues: their threads end at once.
template <>
inline void QueueLoop<order::Placement>::run(std::stop_token, const char*, const LoopContext&,
                                             const MakeWorker&) {}
template <>
inline void QueueLoop<order::Cancellation>::run(std::stop_token, const char*, const LoopContext&,
                                                const MakeWorker&) {}
template <>
inline void QueueLoop<inventory::ProductRequest>::run(std::stop_token, const char*,
                                                      const LoopContext&, const MakeWorker&) {}

}  // namespace orderflow::messaging

namespace orderflow::fuzz {

class Services {
public:
    static Services& instance() {
        static Services services;
        return services;
    }

    http::Router::Match match(const http::Request& request) const {
        auto found = orders_.match(request.method, request.path);
        if (found.route != nullptr || !found.allow.empty()) return found;
        return products_.match(request.method, request.path);
    }

    // Nothing: it would have been carried out, and there is no room.
    std::optional<http::Response> answer(const http::Route& route, http::Request request) {
        std::optional<http::Response> answered;
        std::exception_ptr thrown;
        boost::asio::co_spawn(io_, route.handler(std::move(request)),
                              [&](std::exception_ptr error, http::Response response) {
                                  thrown = error;
                                  answered = std::move(response);
                              });
        io_.restart();
        io_.run();
        expect(answered.has_value(), "every request is answered");
        try {
            if (thrown) std::rethrow_exception(thrown);
        } catch (const Unavailable&) {
            return std::nullopt;
        }
        if (answered->status == 503) return std::nullopt;
        return answered;
    }

private:
    Services() { spdlog::set_level(spdlog::level::off); }

    boost::asio::io_context io_;
    prometheus::Registry registry_;
    prometheus::Counter failures_;
    messaging::Bell bell_;
    const messaging::LoopContext context_{events::Service::order, "", {}, registry_, bell_};
    postgres::Pool pool_{"", 0, 0};
    order::AcceptLoop accept_{"accept", context_, 0, nullptr};
    order::CancelLoop cancel_{"cancel", context_, 0, nullptr};
    inventory::ProductLoop offers_{"products", context_, 0, nullptr};
    const http::Router orders_ = order::make_router(
        accept_, cancel_, pool_, std::make_shared<order::Notifications>(io_, pool_, failures_),
        {"tok_ok"});
    const http::Router products_ = inventory::make_router(offers_, pool_);
};

}  // namespace orderflow::fuzz
