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
#include "loops/command_loop.hpp"
#include "loops/context.hpp"
#include "order/notices/notices_api.hpp"
#include "order/saga/saga_api.hpp"
#include "outbox/relay_feed.hpp"

namespace orderflow::loops {

// Nobody takes from these queues: their threads end at once.
template <>
inline void CommandLoop<order::Placement, OrderId>::work(const std::stop_token&, const char*,
                                                         const Context&, const MakeSteps&) {}
template <>
inline void CommandLoop<order::Cancellation, std::optional<order::State>>::work(
    const std::stop_token&, const char*, const Context&, const MakeSteps&) {}
template <>
inline void CommandLoop<inventory::ProductCommand, inventory::ProductOutcome>::work(
    const std::stop_token&, const char*, const Context&, const MakeSteps&) {}

}  // namespace orderflow::loops

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
    Services() {
        spdlog::set_level(spdlog::level::off);
        order::add_order_routes(orders_, accept_, cancel_, pool_, {"tok_ok"});
        order::add_notice_routes(orders_, std::make_shared<order::Notifications>(
                                              io_, pool_, &order::read_sagas, failures_));
        inventory::add_product_routes(products_, offers_, pool_);
    }

    boost::asio::io_context io_;
    prometheus::Registry registry_;
    prometheus::Counter failures_;
    outbox::RelayFeed relay_feed_;
    const loops::Context context_{events::Service::order, "", {}, registry_, relay_feed_};
    postgres::Pool pool_{"", 0, 0};
    order::AcceptLoop accept_{"accept", context_, 0, nullptr};
    order::CancelLoop cancel_{"cancel", context_, 0, nullptr};
    inventory::ProductLoop offers_{"products", context_, 0, nullptr};
    http::Router orders_, products_;
};

}  // namespace orderflow::fuzz
