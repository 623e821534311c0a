// Orders as OpenTelemetry traces: which spans an order of each kind becomes, and what happens to a
// request that the collector does not take.
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <prometheus/counter.h>
#include <prometheus/registry.h>
#include <rapidjson/document.h>

#include "analytics/timeline/ended_orders.hpp"
#include "analytics/timeline/spans.hpp"
#include "analytics/timeline/trace_collector.hpp"
#include "analytics/timeline/trace_export.hpp"

namespace {

using namespace orderflow;
using namespace orderflow::analytics;
using namespace std::chrono_literals;
using events::Reason;
using Verdict = CollectorAnswer::Verdict;
using Clock = EndedOrders::Clock;

const OrderId kId = OrderId::parse("019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10").value();
const std::string kIdHex = "019b7ca98d037c3e9a513f6d2b8e4c10";
const std::string kRoot = "9a513f6d2b8e4c10";
const std::string kClientTrace = "0af7651916cd43dd8448eb211c80319c";
const std::string kClientSpan = "b7ad6b7169203331";
const Instant kStart = parse_rfc3339("2026-01-02T03:04:05.000000Z").value();
constexpr std::int64_t kStartNs = 1'767'323'045'000'000'000;

// Each event a millisecond after the one before it, at offset 10, 11, …
KnownOrder order_of(const std::vector<Slot>& slots, std::optional<Reason> reason = {},
                    const std::string& traceparent = {}) {
    KnownOrder order{kId, {}};
    std::int64_t n = 0;
    for (const Slot slot : slots) {
        order.timeline.marks[static_cast<std::size_t>(slot)] =
            Mark{kStart + n * 1ms, static_cast<std::int32_t>(n % 6), 10 + n};
        ++n;
    }
    order.timeline.customer_id = "CUST-001";
    order.timeline.reason = reason;
    order.timeline.traceparent = traceparent;
    return order;
}

const std::vector<Slot> kForward{Slot::order_placed, Slot::stock_reserved, Slot::payment_captured,
                                 Slot::shipment_scheduled, Slot::order_completed};
const std::vector<Slot> kRefusedByCarrier{
    Slot::order_placed,     Slot::stock_reserved,       Slot::payment_captured,
    Slot::shipment_refused, Slot::cancellation_started, Slot::stock_released,
    Slot::payment_refunded, Slot::shipping_nothing,     Slot::order_cancelled};
const std::vector<Slot> kDeclined{
    Slot::order_placed,   Slot::stock_reserved,  Slot::payment_declined, Slot::cancellation_started,
    Slot::stock_released, Slot::payment_nothing, Slot::shipping_nothing, Slot::order_cancelled};

struct SpanSeen {
    std::string trace, id, parent, service;
    int kind = 0;
    std::int64_t begin = 0, end = 0;
    std::map<std::string, std::string> attributes;
    std::vector<std::string> links;
    int status = 0;
    std::string message;
};

std::string text(const rapidjson::Value& object, const char* name) {
    return object.HasMember(name) ? object[name].GetString() : "";
}

std::map<std::string, std::string> attributes_of(const rapidjson::Value& object) {
    std::map<std::string, std::string> found;
    for (const auto& attribute : object["attributes"].GetArray()) {
        const auto& value = attribute["value"];
        found[text(attribute, "key")] = value.MemberBegin()->value.GetString();
    }
    return found;
}

// By name.
std::map<std::string, SpanSeen> spans_of(const std::vector<KnownOrder>& orders) {
    rapidjson::Document body;
    body.Parse(traces_json(orders, "staging").c_str());
    REQUIRE_FALSE(body.HasParseError());
    std::map<std::string, SpanSeen> found;
    for (const auto& resource : body["resourceSpans"].GetArray()) {
        auto who = attributes_of(resource["resource"]);
        CHECK(who["deployment.environment.name"] == "staging");
        for (const auto& span : resource["scopeSpans"][0]["spans"].GetArray()) {
            SpanSeen seen{text(span, "traceId"),
                          text(span, "spanId"),
                          text(span, "parentSpanId"),
                          who["service.name"],
                          span["kind"].GetInt(),
                          std::stoll(text(span, "startTimeUnixNano")),
                          std::stoll(text(span, "endTimeUnixNano")),
                          attributes_of(span),
                          {},
                          0,
                          {}};
            if (span.HasMember("links")) {
                for (const auto& link : span["links"].GetArray()) {
                    CHECK(text(link, "traceId") == seen.trace);
                    seen.links.push_back(text(link, "spanId"));
                }
            }
            if (span.HasMember("status")) {
                seen.status = span["status"]["code"].GetInt();
                seen.message = text(span["status"], "message");
            }
            CHECK(found
                      .emplace(text(span, "name") + (text(span, "name") == "NothingToCompensate"
                                                         ? " " + seen.service
                                                         : ""),
                               seen)
                      .second);
        }
    }
    return found;
}

TEST_CASE("spans: a completed order is a span for the order and one for each step below it") {
    const auto spans = spans_of({order_of(kForward)});
    REQUIRE(spans.size() == 6);
    const SpanSeen& root = spans.at("order");
    CHECK(root.trace == kIdHex);
    CHECK(root.id == kRoot);
    CHECK(root.parent.empty());
    CHECK(root.service == "order-service");
    CHECK(root.kind == 1);
    CHECK(root.begin == kStartNs);
    CHECK(root.end == kStartNs + 4'000'000);
    CHECK(root.status == 0);
    CHECK(root.attributes ==
          std::map<std::string, std::string>{{"orderflow.order.id", kId.to_string()},
                                             {"orderflow.order.status", "COMPLETED"}});
    const SpanSeen& captured = spans.at("PaymentCaptured");
    CHECK(captured.service == "payment-service");
    CHECK(captured.parent == root.id);
    CHECK(captured.kind == 4);
    CHECK(captured.begin == kStartNs + 1'000'000);  // StockReserved
    CHECK(captured.end == kStartNs + 2'000'000);
    CHECK(captured.attributes ==
          std::map<std::string, std::string>{{"messaging.system", "kafka"},
                                             {"messaging.operation.name", "send"},
                                             {"messaging.operation.type", "send"},
                                             {"messaging.destination.name", "payment-events"},
                                             {"messaging.destination.partition.id", "2"},
                                             {"messaging.kafka.offset", "12"},
                                             {"orderflow.order.id", kId.to_string()}});
    for (const auto& [name, span] : spans) {
        CAPTURE(name);
        CHECK(span.links.empty());
        CHECK(span.begin <= span.end);
        CHECK((name == "order" || span.parent == root.id));
    }
}

TEST_CASE("spans: what undoes a step is linked to it, and a refusal is an error with its reason") {
    const auto spans = spans_of({order_of(kRefusedByCarrier, Reason::CARRIER_REFUSED)});
    REQUIRE(spans.size() == 10);
    using Links = std::vector<std::string>;
    CHECK(spans.at("StockReleased").links == Links{spans.at("StockReserved").id});
    CHECK(spans.at("PaymentRefunded").links == Links{spans.at("PaymentCaptured").id});
    CHECK(spans.at("NothingToCompensate shipping-service").links.empty());
    const SpanSeen& refused = spans.at("ShipmentRefused");
    CHECK(refused.status == 2);
    CHECK(refused.message == "CARRIER_REFUSED");
    CHECK(refused.attributes.at("error.type") == "CARRIER_REFUSED");
    const SpanSeen& root = spans.at("order");
    CHECK(root.status == 2);
    CHECK(root.message == "CARRIER_REFUSED");
    CHECK(root.attributes.at("orderflow.order.status") == "CANCELLED");
    CHECK(spans.at("CancellationStarted").begin == refused.end);
    CHECK(spans.at("StockReleased").begin == spans.at("CancellationStarted").end);
    CHECK(spans.at("OrderCancelled").begin == spans.at("NothingToCompensate shipping-service").end);
    CHECK(spans.at("OrderCancelled").status == 0);
}

TEST_CASE("spans: a refund of a charge that nobody saw is linked to nothing") {
    auto slots = kRefusedByCarrier;
    std::erase(slots, Slot::payment_captured);
    const auto spans = spans_of({order_of(slots, Reason::CUSTOMER)});
    CHECK(spans.at("PaymentRefunded").links.empty());
    CHECK(spans.at("ShipmentRefused").status == 2);
    CHECK(spans.at("ShipmentRefused").message.empty());  // it is not what the order ended of
}

TEST_CASE("spans: a client's trace goes on, below its span") {
    const std::string traceparent = "00-" + kClientTrace + "-" + kClientSpan + "-01";
    const auto spans = spans_of({order_of(kForward, {}, traceparent)});
    CHECK(spans.at("order").parent == kClientSpan);
    CHECK(spans.at("order").id == kRoot);
    for (const auto& [name, span] : spans) CHECK(span.trace == kClientTrace);
}

TEST_CASE("spans: ids are each another one, the same whenever they are made, and never zero") {
    std::map<std::string, int> ids;
    ++ids[span_id_of(kId, std::nullopt)];
    for (std::size_t i = 0; i < kSlots; ++i) ++ids[span_id_of(kId, static_cast<Slot>(i))];
    CHECK(ids.size() == kSlots + 1);
    CHECK(span_id_of(kId, Slot::order_placed) == "9a513f6d2b8e4c11");
    CHECK(span_id_of(OrderId{}, std::nullopt) == "8000000000000000");
}

TEST_CASE("spans: clocks that contradict each other leave no span of less than no time") {
    KnownOrder order = order_of(kForward);
    order.timeline.marks[static_cast<std::size_t>(Slot::stock_reserved)]->time = kStart - 1s;
    order.timeline.marks[static_cast<std::size_t>(Slot::order_completed)]->time = kStart - 2s;
    for (const auto& [name, span] : spans_of({order})) {
        CAPTURE(name);
        CHECK(span.begin <= span.end);
    }
}

TEST_CASE("spans: an order is whole when each event is there that its end follows from") {
    const auto whole_without = [](std::vector<Slot> slots, Slot missing) {
        std::erase(slots, missing);
        return is_whole(order_of(slots, Reason::CARRIER_REFUSED).timeline);
    };
    CHECK(is_whole(order_of(kForward).timeline));
    for (const Slot slot : kForward) CHECK_FALSE(whole_without(kForward, slot));
    CHECK(is_whole(order_of(kRefusedByCarrier, Reason::CARRIER_REFUSED).timeline));
    for (const Slot slot : {Slot::order_placed, Slot::cancellation_started, Slot::stock_released,
                            Slot::payment_refunded, Slot::shipping_nothing}) {
        CHECK_FALSE(whole_without(kRefusedByCarrier, slot));
    }
    CHECK(is_whole(order_of(kDeclined, Reason::CARD_DECLINED).timeline));
}

struct FakeCollector final : Collector {
    std::vector<CollectorAnswer> answers;  // the next one first; then all is accepted
    std::vector<std::string> bodies;

    CollectorAnswer post(const std::string& body, std::chrono::milliseconds,
                         const std::stop_token&) override {
        bodies.push_back(body);
        if (answers.empty()) return {};
        CollectorAnswer answer = answers.front();
        answers.erase(answers.begin());
        return answer;
    }
};

struct Lab {
    prometheus::Registry registry;
    TraceMetrics metrics{registry};
    EndedOrders ended{metrics.queue_full};
    FakeCollector collector;
    std::map<OrderId, Timeline> rows;
    bool database_is_away = false;
    Clock::time_point now{};
    TraceExport traces{ended,
                       [this](std::span<const OrderId> ids) {
                           if (database_is_away) throw std::runtime_error("no connection");
                           std::vector<KnownOrder> found;
                           for (const OrderId& id : ids) {
                               if (rows.contains(id)) found.push_back({id, rows.at(id)});
                           }
                           return found;
                       },
                       collector, metrics, "test"};

    void end(const OrderId& id, Timeline timeline) {
        rows[id] = std::move(timeline);
        ended.push(std::vector{id}, now);
    }
    std::chrono::milliseconds step(std::chrono::milliseconds later = 0ms) {
        now += later;
        return traces.step(now, {});
    }
    std::size_t requests() const { return collector.bodies.size(); }
};

CollectorAnswer failed(std::chrono::milliseconds not_before = 0ms) {
    return {Verdict::failed, not_before, "status 503"};
}

TEST_CASE("traces: an order is sent once its other events had time to come") {
    Lab lab;
    lab.end(kId, order_of(kForward).timeline);
    lab.step(4s);
    CHECK(lab.requests() == 0);
    lab.step(1s);
    CHECK(lab.requests() == 1);
    lab.step(60s);
    CHECK(lab.requests() == 1);
    CHECK(lab.metrics.exported.Value() == 1);
}

TEST_CASE("traces: an order of which events are missing waits for them, for a minute at most") {
    Lab lab;
    auto partly = kForward;
    std::erase(partly, Slot::payment_captured);
    const OrderId other = OrderId::parse("019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c77").value();
    lab.end(kId, order_of(partly).timeline);
    lab.end(other, order_of(partly).timeline);
    lab.step(5s);
    CHECK(lab.requests() == 0);
    lab.rows[kId] = order_of(kForward).timeline;
    lab.step(5s);
    REQUIRE(lab.requests() == 1);
    CHECK(lab.collector.bodies[0].find("PaymentCaptured") != std::string::npos);
    for (int i = 0; i < 9; ++i) lab.step(5s);
    CHECK(lab.requests() == 1);
    lab.step(5s);
    REQUIRE(lab.requests() == 2);
    CHECK(lab.collector.bodies[1].find("PaymentCaptured") == std::string::npos);
}

TEST_CASE("traces: who does not record a trace gets none of it") {
    Lab lab;
    lab.end(kId, order_of(kForward, {}, "00-" + kClientTrace + "-" + kClientSpan + "-00").timeline);
    lab.step(5s);
    CHECK(lab.requests() == 0);
    CHECK(lab.metrics.not_sampled.Value() == 1);
}

TEST_CASE("traces: a request that failed is sent again as it was, later and later") {
    Lab lab;
    lab.end(kId, order_of(kForward).timeline);
    lab.collector.answers = {failed(), failed(), failed(7s)};
    const auto first = lab.step(5s);
    CHECK((first >= 500ms && first <= 1s));
    const auto second = lab.step(first);
    CHECK((second >= 1s && second <= 2s));
    CHECK(lab.step(second) == 7s);  // what the collector asked for
    lab.step(7s);
    REQUIRE(lab.requests() == 4);
    CHECK(lab.collector.bodies[3] == lab.collector.bodies[0]);
    CHECK(lab.metrics.exported.Value() == 1);
    CHECK(lab.metrics.requests_failed.Value() == 3);
}

TEST_CASE("traces: after six tries, or a refusal, a request is given up and the next one is made") {
    Lab lab;
    const OrderId other = OrderId::parse("019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c77").value();
    lab.end(kId, order_of(kForward).timeline);
    lab.collector.answers = std::vector(6, failed());
    lab.step(5s);
    for (int i = 0; i < 5; ++i) lab.step(30s);
    CHECK(lab.requests() == 6);
    CHECK(lab.metrics.unavailable.Value() == 1);
    lab.end(other, order_of(kForward).timeline);
    lab.collector.answers = {{Verdict::refused, 0ms, "status 400"}};
    lab.step(5s);
    CHECK(lab.metrics.refused.Value() == 1);
    lab.step(60s);
    CHECK(lab.requests() == 7);
    CHECK(lab.metrics.exported.Value() == 0);
}

TEST_CASE("traces: a database that is away loses nothing") {
    Lab lab;
    lab.end(kId, order_of(kForward).timeline);
    lab.database_is_away = true;
    CHECK_THROWS(lab.step(5s));
    lab.database_is_away = false;
    lab.step(1s);
    CHECK(lab.requests() == 1);
}

TEST_CASE("traces: orders that a restored database does not have, or not their end, are counted") {
    Lab lab;
    const OrderId other = OrderId::parse("019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c77").value();
    auto open = kForward;
    std::erase(open, Slot::order_completed);
    lab.end(kId, order_of(kForward).timeline);
    lab.end(other, order_of(open).timeline);
    lab.rows.erase(kId);
    lab.step(5s);
    lab.step(60s);
    CHECK(lab.requests() == 0);
    CHECK(lab.metrics.gone.Value() == 2);
    CHECK(lab.traces.finish(Clock::now() + 1s) == 0);
}

TEST_CASE("traces: a request that the orderly stop cuts off has not failed, and is sent again") {
    Lab lab;
    lab.end(kId, order_of(kForward).timeline);
    lab.collector.answers = {failed()};
    std::stop_source stop;
    stop.request_stop();
    lab.traces.step(lab.now += 5s, stop.get_token());
    REQUIRE(lab.requests() == 1);
    CHECK(lab.metrics.requests_failed.Value() == 0);
    CHECK(lab.traces.finish(Clock::now() + 1s) == 0);
    CHECK(lab.requests() == 2);
    CHECK(lab.metrics.exported.Value() == 1);
}

TEST_CASE("traces: many orders go out in full requests, one after the other") {
    Lab lab;
    IdSource ids(7);
    for (int i = 0; i < 450; ++i) lab.end(ids.next<OrderId>(kStart), order_of(kForward).timeline);
    CHECK(lab.step(5s) == 0ms);
    CHECK(lab.step() == 0ms);
    CHECK(lab.step() > 0ms);
    CHECK(lab.requests() == 3);
    CHECK(lab.metrics.exported.Value() == 450);
}

TEST_CASE("traces: what does not fit is counted") {
    Lab lab;
    const std::vector<OrderId> many(EndedOrders::kCapacity + 3, kId);
    lab.ended.push(many, lab.now);
    CHECK(lab.metrics.queue_full.Value() == 3);
}

TEST_CASE("traces: at the orderly stop what is whole is sent at once, and the rest is counted") {
    Lab lab;
    const OrderId other = OrderId::parse("019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c77").value();
    auto partly = kForward;
    std::erase(partly, Slot::payment_captured);
    lab.end(kId, order_of(kForward).timeline);
    lab.end(other, order_of(partly).timeline);
    CHECK(lab.traces.finish(Clock::now() + 1s) == 1);
    CHECK(lab.requests() == 1);
    CHECK(lab.metrics.exported.Value() == 1);
    // A collector that is away is not waited for
    lab.end(kId, order_of(kForward).timeline);
    lab.collector.answers = {failed()};
    CHECK(lab.traces.finish(Clock::now() + 1s) == 1);
    CHECK(lab.requests() == 2);
}

TEST_CASE("traces: answers mean what OTLP says") {
    const auto verdict = [](int status, std::string body = {}) {
        http::ClientResult result;
        result.status = status;
        result.body = std::move(body);
        return read_answer(result).verdict;
    };
    CHECK(verdict(200) == Verdict::accepted);
    CHECK(verdict(202, "{}") == Verdict::accepted);
    CHECK(verdict(200, R"({"partialSuccess":{}})") == Verdict::accepted);
    CHECK(verdict(200, R"({"partialSuccess":{"rejectedSpans":"0"}})") == Verdict::accepted);
    CHECK(verdict(200, R"({"partialSuccess":{"rejectedSpans":0}})") == Verdict::accepted);
    CHECK(verdict(200, R"({"partialSuccess":{"rejectedSpans":"3"}})") == Verdict::partial);
    CHECK(verdict(200, R"({"partialSuccess":{"rejectedSpans":3}})") == Verdict::partial);
    CHECK(verdict(200, "[[[") == Verdict::accepted);
    for (const int status : {0, 429, 502, 503, 504}) CHECK(verdict(status) == Verdict::failed);
    for (const int status : {301, 400, 401, 404, 413, 500, 501}) {
        CHECK(verdict(status) == Verdict::refused);
    }
    http::ClientResult busy;
    busy.status = 429;
    busy.headers.add("Retry-After", "12");
    CHECK(read_answer(busy).not_before == 12s);
    http::ClientResult foreign;
    foreign.status = 400;
    foreign.body = "\xff no";
    CHECK(read_answer(foreign).why == "status 400: \uFFFD no");  // it goes into the log
}

}  // namespace
