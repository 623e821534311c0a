// The envelope: the headers of catalog.json, as a consumer reads them from a record.
#include <array>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "contract/contract.hpp"
#include "kafka/record.hpp"
#include "loops/batch.hpp"
#include "loops/decode.hpp"
#include "outbox/parking.hpp"

namespace orderflow::contract {
namespace {

using events::Service;
using kafka::Record;
using loops::DecodedBatch;

// Texts behind the views of a record.
struct Message {
    std::string topic = "order-events";
    std::string key;
    std::string value = example_of(events::EventKind::OrderPlaced);
    std::vector<std::pair<std::string, std::string>> headers;

    // The examples of catalog.json, which describe the example of OrderPlaced.
    Message() {
        const auto catalog = parsed(read_contract_file("catalog.json"));
        for (const auto& header : catalog["headers"].GetArray()) {
            headers.emplace_back(view(header["name"]), view(header["example"]));
        }
        key = header("ce_subject");
    }

    std::string& header(std::string_view name) {
        for (auto& [key_, value_] : headers) {
            if (key_ == name) return value_;
        }
        throw std::logic_error("no header " + std::string(name));
    }

    void drop(std::string_view name) {
        std::erase_if(headers, [&](const auto& header) { return header.first == name; });
    }

    Record record() const {
        Record record;
        record.topic = topic;
        record.key = key;
        record.value = value;
        for (const auto& [name, text] : headers) record.headers.emplace_back(name, text);
        return record;
    }
};

DecodedBatch decoded(const Message& message, Service self = Service::inventory) {
    return loops::decode_batch(self, {message.record()});
}

// The reason why a message is dead; empty when it is not.
std::string death_of(const Message& message) {
    const std::vector<Record> records{message.record()};
    const auto batch = loops::decode_batch(Service::inventory, records);
    if (batch.dead.empty()) return {};
    CHECK(batch.deliveries.empty());
    CHECK(batch.dead[0].why == outbox::Parking::dead);
    CHECK(batch.dead[0].record == &records[0]);
    return batch.dead[0].error;
}

}  // namespace

TEST_CASE("a record with the headers of the catalog is delivered with what they say") {
    Message message;
    const auto batch = decoded(message);

    REQUIRE(batch.dead.empty());
    REQUIRE(batch.deliveries.size() == 1);
    const auto& delivery = batch.deliveries[0];
    CHECK(delivery.id.to_string() == message.header("ce_id"));
    CHECK(to_rfc3339(delivery.time) == message.header("ce_time"));
    CHECK(delivery.traceparent == message.header("traceparent"));
    CHECK(events::type_name(events::kind_of(delivery.event)) == message.header("ce_type"));
    REQUIRE(delivery.order_id() != nullptr);
    CHECK(delivery.order_id()->to_string() == message.header("ce_subject"));
}

TEST_CASE("a record is delivered without the headers that the catalog calls optional") {
    Message message;
    const auto catalog = parsed(read_contract_file("catalog.json"));
    std::vector<std::string> dropped;
    for (const auto& header : catalog["headers"].GetArray()) {
        if (header["required"].GetBool()) continue;
        dropped.emplace_back(view(header["name"]));
        message.drop(dropped.back());
    }
    const auto batch = decoded(message);

    CHECK(dropped == std::vector<std::string>{"ce_subject", "traceparent"});
    REQUIRE(batch.deliveries.size() == 1);
    CHECK(batch.deliveries[0].traceparent.empty());
    REQUIRE(batch.deliveries[0].order_id() != nullptr);
    CHECK(batch.deliveries[0].order_id()->to_string() == message.key);
}

TEST_CASE("a record without a header that readers need is dead, and keeps its order") {
    for (const auto* name : {"ce_specversion", "ce_id", "ce_type", "ce_time", "content-type"}) {
        CAPTURE(name);
        Message message;
        message.drop(name);

        CHECK(death_of(message).starts_with("envelope: "));
        const auto batch = decoded(message);
        REQUIRE(batch.dead.size() == 1);
        REQUIRE(batch.dead[0].order_id.has_value());
        CHECK(batch.dead[0].order_id->to_string() == message.key);
    }
}

TEST_CASE("a header that cannot be read makes the record dead") {
    constexpr std::array<std::pair<const char*, const char*>, 5> kBroken{{
        {"ce_specversion", "0.3"},
        {"ce_id", "019B7CA9-8D06-7D10-8F27-6B1C9E02D4A5"},
        {"ce_time", "2026-02-30T00:00:00Z"},
        {"ce_time", "2026-01-02T03:04:05+09:00"},
        {"content-type", "application/avro"},
    }};
    for (const auto& [name, value] : kBroken) {
        CAPTURE(name, value);
        Message message;
        message.header(name) = value;
        CHECK(death_of(message).starts_with("envelope: "));
    }
}

TEST_CASE("an unknown major version is dead, an unknown type is counted and skipped") {
    Message later;
    later.header("ce_type") = "OrderPlaced.v2";
    CHECK(death_of(later).starts_with("version: "));

    Message unknown;
    unknown.header("ce_type") = "OrderShredded.v1";
    const auto batch = decoded(unknown);
    CHECK(batch.report.unknown == 1);
    CHECK(batch.dead.empty());
    CHECK(batch.deliveries.empty());
}

TEST_CASE("what the catalog does not list for a service is skipped before it is parsed") {
    Message message;
    message.value = "not JSON";
    message.drop("ce_id");

    const auto batch = decoded(message, Service::payment);
    CHECK(batch.report.skipped == 1);
    CHECK(batch.dead.empty());
}

TEST_CASE("a value that is missing, broken or not of its key is dead") {
    Message empty;
    empty.value.clear();
    CHECK(death_of(empty).starts_with("empty: "));

    Message broken;
    broken.value.pop_back();
    broken.value.pop_back();
    CHECK(death_of(broken).starts_with("json-syntax: "));

    Message faulty;
    faulty.value.replace(faulty.value.find("1500"), 4, "-1");
    CHECK(death_of(faulty).starts_with("validation: "));

    Message elsewhere;
    elsewhere.key.back() = elsewhere.key.back() == '0' ? '1' : '0';
    CHECK(death_of(elsewhere).starts_with("key-mismatch: "));
}

TEST_CASE("a batch holds an event once, however often it was delivered") {
    const Message message;
    const auto batch =
        loops::decode_batch(Service::inventory, {message.record(), message.record()});
    CHECK(batch.deliveries.size() == 1);
    CHECK(batch.report.doubles == 1);
}

}  // namespace orderflow::contract
