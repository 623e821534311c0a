#include "analytics/timeline/timeline_api.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include <boost/mp11.hpp>

#include "analytics/timeline/figures_store.hpp"
#include "analytics/timeline/push.hpp"
#include "analytics/timeline/timeline_store.hpp"
#include "core/enums.hpp"
#include "json/json.hpp"
#include "http/integer_param.hpp"
#include "http/problem.hpp"
#include "service/problems.hpp"

namespace orderflow::analytics {

struct TimelineAnswer {
    OrderId order_id;
    Status status = Status::PROCESSING;
    std::optional<events::Reason> reason;  // of the cancellation
    std::vector<TimelineEvent> events;
};
BOOST_DESCRIBE_STRUCT(TimelineAnswer, (), (order_id, status, reason, events))

struct WaitingAnswer {
    std::vector<OpenOrder> orders;
};
BOOST_DESCRIBE_STRUCT(WaitingAnswer, (), (orders))

namespace {

namespace asio = boost::asio;
using json::write_member;
using json::Writer;

constexpr std::int32_t kPushedMinutes = 2;  // the running one, and the one before, which may grow
constexpr std::size_t kPushedWaiting = 20;

// A decimal integer of any size.
void write_integer(Writer& writer, std::string_view name, const std::string& digits) {
    json::write_name(writer, name);
    writer.RawValue(digits.data(), digits.size(), rapidjson::kNumberType);
}

void write_orders(Writer& writer, const Dashboard& board) {
    writer.StartObject();
    write_member(writer, "count", board.placed);
    write_member(writer, "completed", board.completed);
    write_member(writer, "cancelled", board.cancelled);
    write_member(writer, "open", board.open);
    write_integer(writer, "revenue", board.revenue);
    writer.Key("revenueByCurrency");
    writer.StartObject();
    for (const auto& [currency, amount] : board.revenue_by_currency) {
        write_integer(writer, currency, amount);
    }
    writer.EndObject();
    writer.Key("byReason");
    writer.StartObject();
    for (const auto& [reason, n] : board.cancelled_by_reason) {
        write_member(writer, name_of(reason), n);
    }
    writer.EndObject();
    writer.EndObject();
}

void write_performance(Writer& writer, const Dashboard& board) {
    writer.StartObject();
    write_member(writer, "avgResponseTime", board.average_response_ms);
    write_member(writer, "errorRate", board.error_rate);
    writer.Key("steps");
    writer.StartObject();
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<Step>>([&](auto step) {
        const Percentiles& latency = board.steps[static_cast<std::size_t>(step.value)];
        writer.Key(step.name);
        writer.StartObject();
        write_member(writer, "p50", latency.p50);
        write_member(writer, "p99", latency.p99);
        writer.EndObject();
    });
    writer.EndObject();
    writer.EndObject();
}

double mean_ms(const MinuteFigures& minute) {
    if (minute.responses == 0) return 0;
    const auto us = static_cast<double>(minute.response_us) / static_cast<double>(minute.responses);
    return std::round(us) / 1000;
}

void write_minute(Writer& writer, const MinuteFigures& minute) {
    writer.StartObject();
    write_member(writer, "minute", minute.minute);
    write_member(writer, "placed", minute.placed);
    write_member(writer, "completed", minute.completed);
    write_member(writer, "cancelled", minute.cancelled);
    write_integer(writer, "revenue", minute.revenue);
    write_member(writer, "avgResponseTime", mean_ms(minute));
    writer.EndObject();
}

constexpr http::IntegerParam kMinutes{"minutes", 1, 1'440, 60};
constexpr http::IntegerParam kLimit{"limit", 1, OpenOrdersLoop::kMost, 20};

http::Response no_such_order() {
    return http::problem(404, "not-found", "No such order",
                         "analytics-service has received no event of this order");
}

asio::awaitable<http::Response> get_timeline(postgres::Pool& pool, http::Request request) {
    const auto id = OrderId::parse(request.param("id"));
    if (!id) co_return no_such_order();
    auto find = [id = *id](postgres::Connection& connection) {
        return find_timeline(connection, id);
    };
    const auto timeline = co_await pool.run(std::move(find));
    if (!timeline) co_return no_such_order();
    co_return http::json_response(200, timeline_json(*id, *timeline));
}

asio::awaitable<Reading> read_board(postgres::Pool& pool) {
    auto read = [](postgres::Connection& connection) {
        return Reading{dashboard_json(summarise(read_figures(connection))),
                       throughput_json(read_minutes(connection, kPushedMinutes))};
    };
    co_return co_await pool.run(std::move(read));
}

asio::awaitable<http::Response> get_analytics(std::shared_ptr<Readings> readings, http::Request) {
    const auto reading = co_await readings->get();
    co_return http::json_response(200, reading->board);
}

// The three answers in one object; the first one's members stand at its top.
asio::awaitable<std::string> frame_of(std::shared_ptr<Readings> readings,
                                      const OpenOrdersLoop& open_orders) {
    const auto reading = co_await readings->get();
    const auto orders = open_orders.longest();
    const auto count = std::min(kPushedWaiting, orders->size());
    const std::string& board = reading->board;
    co_return R"({"type":"ANALYTICS",)" + board.substr(1, board.size() - 2) + R"(,"throughput":)" +
        reading->minutes + R"(,"waiting":)" + waiting_json(std::span(*orders).first(count)) + "}";
}

asio::awaitable<http::Response> get_throughput(postgres::Pool& pool, http::Request request) {
    const auto count = kMinutes.alone_in(request);
    if (!count) co_return service::bad_input(count.error());
    auto read = [count = static_cast<int>(*count)](postgres::Connection& connection) {
        return read_minutes(connection, count);
    };
    const auto minutes = co_await pool.run(std::move(read));
    co_return http::json_response(200, throughput_json(minutes));
}

asio::awaitable<http::Response> get_waiting(const OpenOrdersLoop& open_orders,
                                            http::Request request) {
    const auto limit = kLimit.alone_in(request);
    if (!limit) co_return service::bad_input(limit.error());
    const auto orders = open_orders.longest();
    const auto count = std::min(static_cast<std::size_t>(*limit), orders->size());
    co_return http::json_response(200, waiting_json(std::span(*orders).first(count)));
}

}  // namespace

std::string throughput_json(std::span<const MinuteFigures> minutes) {
    std::string body;
    json::StringSink sink{body};
    Writer writer(sink);
    writer.StartObject();
    writer.Key("minutes");
    writer.StartArray();
    for (const MinuteFigures& minute : minutes) write_minute(writer, minute);
    writer.EndArray();
    writer.EndObject();
    return body;
}

std::string waiting_json(std::span<const OpenOrder> orders) {
    return json::to_json(WaitingAnswer{{orders.begin(), orders.end()}});
}

std::string timeline_json(const OrderId& id, const Timeline& timeline) {
    return json::to_json(
        TimelineAnswer{id, status_of(timeline), timeline.reason, events_of(timeline)});
}

std::string dashboard_json(const Dashboard& board) {
    std::string body;
    json::StringSink sink{body};
    Writer writer(sink);
    writer.StartObject();
    writer.Key("orders");
    write_orders(writer, board);
    writer.Key("users");
    writer.StartObject();
    write_member(writer, "active", board.active_customers);
    write_member(writer, "new", board.new_customers);
    writer.EndObject();
    writer.Key("performance");
    write_performance(writer, board);
    writer.EndObject();
    return body;
}

void add_timeline_routes(http::Router& router, postgres::Pool& pool,
                         const OpenOrdersLoop& open_orders, asio::io_context& io) {
    auto readings = std::make_shared<Readings>([&pool] { return read_board(pool); });
    router.get("/api/orders/{id}/timeline",
               [&pool](http::Request request) { return get_timeline(pool, std::move(request)); });
    router.get("/api/analytics", [readings](http::Request request) {
        return get_analytics(readings, std::move(request));
    });
    router.get("/api/analytics/throughput",
               [&pool](http::Request request) { return get_throughput(pool, std::move(request)); });
    router.get("/api/analytics/waiting", [&open_orders](http::Request request) {
        return get_waiting(open_orders, std::move(request));
    });
    auto push = std::make_shared<Push>(
        io, [readings, &open_orders] { return frame_of(readings, open_orders); });
    router.websocket("/ws/analytics",
                     [push](http::WebSocket& socket) { return push->join(socket); });
}

}  // namespace orderflow::analytics
