// What the page /kafka shows of a record: which offsets, and nothing that is about a person.
#include <algorithm>
#include <cstdint>
#include <chrono>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <catch2/catch_test_macros.hpp>

#include "analytics/kafka_page/kafka_documents.hpp"
#include "analytics/kafka_page/kafka_worker.hpp"
#include "core/unavailable.hpp"
#include "events/announcements.hpp"
#include "events/catalog.hpp"
#include "events/codec.hpp"
#include "events/personal.hpp"
#include "kafka/positions.hpp"
#include "kafka/reader.hpp"
#include "kafka/record.hpp"
#include "kafka/settings.hpp"
#include "kafka/topic_layout.hpp"

namespace {

using namespace orderflow;
using events::EventKind;
using kafka::newest_below;
using kafka::OffsetWindow;

const OrderId kId = OrderId::parse("019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10").value();

std::string json_of(const events::Event& event) {
    std::string text;
    events::encode(event, text);
    return text;
}

events::Order an_order() {
    events::Order order;
    order.customer_id = "CUST-Kim";
    order.total = 1'500;
    order.items = {{"ITEM-001", "Laptop", 1'500, 1}};
    order.payment.token = "tok_secret";
    const events::Address address{"110 Sejong-daero", "Seoul", "04524", "KR"};
    order.shipment = events::Destination{"Kim Min-ji", address};
    order.placed_at = parse_rfc3339("2026-01-02T03:04:05.000000Z").value();
    return order;
}

// One record's answer.
std::string shown(const kafka::Record& record) {
    kafka::LatestRecords latest;
    latest.records = {{record, std::nullopt}};
    return analytics::records_json(record.topic, 0, latest);
}

bool holds(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("kafka page: the newest records are those below the end, or below an offset") {
    constexpr std::int64_t kNoLimit = INT64_MAX;
    CHECK(newest_below(kNoLimit, 20, 0, 100) == OffsetWindow{80, 100});
    CHECK(newest_below(80, 20, 0, 100) == OffsetWindow{60, 80});
    CHECK(newest_below(kNoLimit, 20, 95, 100) == OffsetWindow{95, 100});  // the others are gone
    CHECK(newest_below(90, 20, 95, 100) == OffsetWindow{95, 95});         // all that is asked for
    CHECK(newest_below(kNoLimit, 20, 0, 0) == OffsetWindow{0, 0});
    CHECK(newest_below(0, 1, 0, 100) == OffsetWindow{0, 0});
    CHECK(newest_below(kNoLimit, 100, INT64_MAX - 5, INT64_MAX) ==
          OffsetWindow{INT64_MAX - 5, INT64_MAX});
}

TEST_CASE("kafka page: of an order's event all is shown but what is about the customer") {
    for (const events::Event& event :
         {events::Event{events::OrderPlaced{kId, an_order()}},
          events::Event{events::StockReserved{kId, an_order()}},
          events::Event{events::PaymentCaptured{kId, "ch-1", 1'500, {}, an_order()}}}) {
        const auto kind = events::kind_of(event);
        const std::string type(events::type_name(kind));
        CAPTURE(type);
        const auto producer = std::ranges::find(events::catalog(), kind, &events::CatalogRow::kind);
        const auto text =
            events::without_persons(events::topic_of(producer->producer), type, json_of(event));
        REQUIRE(text);
        for (const char* personal : {"Kim", "tok_secret", "Sejong", "Seoul", "04524"}) {
            CAPTURE(personal);
            CHECK_FALSE(holds(*text, personal));
        }
        CHECK(holds(*text, R"("customerId":"•••")"));
        CHECK(holds(*text, R"("token":"•••")"));
        CHECK(holds(*text, R"("country":"KR")"));
        CHECK(holds(*text, R"("total":1500)"));
        CHECK(holds(*text, R"("name":"Laptop")"));
        CHECK(holds(*text, kId.to_string()));
    }
}

TEST_CASE("kafka page: a member that no list names is personal, and unknown ones are left out") {
    CHECK(events::is_personal("telephone"));
    const auto text = events::without_persons(
        "order-events", "CancellationStarted.v1",
        R"({"orderId":"019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10","reason":"CUSTOMER","note":"Kim"})");
    REQUIRE(text);
    CHECK(*text == R"({"orderId":"019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10","reason":"CUSTOMER"})");
}

TEST_CASE("kafka page: of very many headers the first are shown, the others counted") {
    kafka::Record record;
    record.topic = "order-events";
    record.headers.assign(events::kMaxHeaderFields, {"n", ""});
    CHECK_FALSE(holds(shown(record), "moreHeaders"));
    record.headers.resize(100'000);
    const std::string text = shown(record);
    CHECK(text.size() < 10'000);
    CHECK(holds(text, R"("moreHeaders":99936)"));
}

TEST_CASE("kafka page: what is no event of its topic is not shown") {
    const std::string placed = json_of(events::OrderPlaced{kId, an_order()});
    CHECK_FALSE(events::without_persons("payment-events", "OrderPlaced.v1", placed));
    CHECK_FALSE(events::without_persons("order-events", "OrderPlaced.v2", placed));
    CHECK_FALSE(events::without_persons("order-events", "StockReserved.v1", placed));
    CHECK_FALSE(events::without_persons("order-events", "", placed));
    CHECK_FALSE(events::without_persons("order-events", "OrderPlaced.v1", "Kim Min-ji"));
    CHECK_FALSE(events::without_persons("order-events", "OrderPlaced.v1", R"({"orderId":"Kim"})"));
    CHECK_FALSE(events::without_persons("order-events", "RecordDied.v1", placed));
}

TEST_CASE("kafka page: an announcement shows where a record lies, and nothing of what it holds") {
    events::RecordDied died;
    died.original_message.topic = "order-events";
    died.original_message.partition = 3;
    died.original_message.offset = 17;
    died.original_message.key = "kim@example.com";
    died.original_message.headers = {{"ce_source", "Kim Min-ji"}};
    died.original_message.value = R"({"recipient":"Kim"})";
    died.error = "Failing row contains (Kim)";
    died.service = "order-service";
    std::string value;
    events::encode(died, value);
    const auto text = events::without_persons("dead-letter-queue", "RecordDied.v1", value);
    REQUIRE(text);
    CHECK_FALSE(holds(*text, "Kim"));
    CHECK_FALSE(holds(*text, "kim@"));
    CHECK(holds(*text, R"("topic":"order-events","partition":3,"offset":17)"));
    CHECK(holds(*text, R"("name":"ce_source","value":"•••")"));
    CHECK_FALSE(events::without_persons("order-events.retry", "RecordDied.v1", value));
}

TEST_CASE("kafka page: keys and headers are shown where the catalog says what they are") {
    kafka::Record record;
    record.topic = "order-events";
    const std::string id = kId.to_string();
    record.key = id;
    record.value = R"({"orderId":"019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10","reason":"CUSTOMER"})";
    record.headers = {{"ce_type", "CancellationStarted.v1"},
                      {"ce_subject", id},
                      {"traceparent", "00-1-2-01"},
                      {"x-customer", "Kim"}};
    const std::string event = shown(record);
    CHECK(holds(event, R"("key":")" + id));
    CHECK(holds(event, R"({"name":"ce_subject","value":")" + id));
    CHECK(holds(event, R"({"name":"traceparent","value":"00-1-2-01"})"));
    CHECK(holds(event, R"({"name":"x-customer","value":"•••"})"));
    CHECK(holds(event, R"("value":{"orderId")"));

    record.headers[0].second = "OrderPlaced.v1";  // which this value is not
    const std::string other = shown(record);
    CHECK(holds(other, R"("key":")" + id));
    CHECK(holds(other, R"({"name":"traceparent","value":"•••"})"));
    CHECK(holds(other, R"({"name":"ce_type","value":"•••"})"));

    record.key = "kim@example.com";
    record.value = "\xff Kim";
    record.headers = {{"ce_type", "StockAdjusted.v1"}, {"ce_subject", "kim@example.com"}};
    const std::string foreign = shown(record);
    CHECK_FALSE(holds(foreign, "im"));
    CHECK(holds(foreign, R"("key":"•••")"));
    CHECK(holds(foreign, R"("bytes":5})"));

    record.topic = "inventory-events";
    record.key = "ITEM-001";
    const std::string adjusted = json_of(events::StockAdjusted{"ITEM-001", "Laptop", 1, {}, 0});
    record.value = adjusted;
    CHECK(holds(shown(record), R"("key":"ITEM-001")"));
    CHECK(holds(shown(record), R"({"name":"ce_subject","value":"•••"})"));
    record.key = "kim@example.com";
    CHECK_FALSE(holds(shown(record), "kim@"));
    record.key = {};
    CHECK_FALSE(holds(shown(record), R"("key":)"));
}

namespace {

kafka::PartitionPosition at(std::int32_t partition, std::int64_t end) {
    kafka::PartitionPosition position;
    position.topic = "order-events";
    position.partition = partition;
    position.end = position.readable_end = end;
    return position;
}

std::string shown(const kafka::GroupPositions& positions) {
    const analytics::ServiceGroup group{
        events::Service::shipping, "shipping-service", positions, {}};
    return analytics::groups_json(std::vector{group});
}

}  // namespace

TEST_CASE("kafka page: partitions of which nothing is known are named beside the group's lag") {
    kafka::GroupPositions positions;
    positions.partitions = {at(0, 3), at(1, 4)};
    CHECK(holds(shown(positions), R"("lag":7)"));
    CHECK_FALSE(holds(shown(positions), "trouble"));
    positions.partitions.pop_back();
    positions.unknown = {"order-events/1: no answer"};
    CHECK(holds(shown(positions), R"("lag":3)"));
    CHECK(holds(shown(positions), R"("trouble":"not counted: order-events/1: no answer")"));
    positions.unknown.push_back("order-events/2: no answer");
    CHECK(holds(shown(positions), R"(order-events/1: no answer, and 1 more")"));
}

TEST_CASE("kafka page: nobody is idle while it is settled who reads what") {
    kafka::GroupPositions positions;
    positions.members = {{"a", "shipping-service", "/10.0.0.1", {{"order-events", 0}}},
                         {"b", "shipping-service", "/10.0.0.2", {}}};
    CHECK(positions.idle_members() == 1);
    CHECK(holds(shown(positions), R"("idle":1)"));
    positions.rebalancing = true;
    CHECK(positions.idle_members() == std::nullopt);
    CHECK_FALSE(holds(shown(positions), "idle"));
}

TEST_CASE("kafka page: a partition that cannot be read is not an empty one") {
    kafka::TopicDescription topic;
    topic.partitions = {{.partition = 0, .leader = 1, .has_ends = true},
                        {.partition = 1, .leader = -1},
                        {.partition = 2, .leader = 1}};
    CHECK(kafka::readable_partition(topic, 0) == &topic.partitions[0]);
    CHECK_THROWS_AS(kafka::readable_partition(topic, 1), Unavailable);
    CHECK_THROWS_AS(kafka::readable_partition(topic, 2), Unavailable);
    CHECK(kafka::readable_partition(topic, 3) == nullptr);
}

TEST_CASE("kafka page: a stop waits for no Kafka that is frozen") {
    using namespace std::chrono_literals;
    namespace asio = boost::asio;
    asio::io_context io;
    const asio::ip::tcp::acceptor frozen(io, {asio::ip::address_v4::loopback(), 0});
    kafka::Settings settings;
    settings.brokers = "127.0.0.1:" + std::to_string(frozen.local_endpoint().port());
    analytics::KafkaWorker worker(settings);
    int answers = 0;
    const auto answered = [&](std::exception_ptr failure, const std::string&) {
        ++answers;
        REQUIRE(failure);
        CHECK_THROWS_AS(std::rethrow_exception(failure), Unavailable);
    };
    const analytics::KafkaWorker::Task ask = [](kafka::Reader& reader,
                                                std::chrono::milliseconds at_most) {
        return analytics::topics_json(reader.topics({"order-events"}, at_most));
    };
    for (int i = 0; i < 3; ++i) asio::co_spawn(io, worker.run(ask), answered);
    io.run_for(200ms);
    CHECK(answers == 0);
    const auto begin = std::chrono::steady_clock::now();
    worker.request_stop();
    asio::co_spawn(io, worker.run(ask), answered);
    io.run();
    CHECK(answers == 4);
    CHECK(std::chrono::steady_clock::now() - begin < 1s);
    worker.stop();
    CHECK(std::chrono::steady_clock::now() - begin < 3'500ms);  // unlike the four of a question
}
