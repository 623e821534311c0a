#include <catch2/catch_test_macros.hpp>

#include "core/address.hpp"

namespace orderflow {
namespace {

std::string told(std::string_view text, std::string_view default_port = {}) {
    const Address at = Address::parse(text, default_port);
    return (at.tls ? "tls " : "") + at.host + " " + at.port;
}

}  // namespace

TEST_CASE("address: host and port of an origin") {
    CHECK(told("http://10.0.0.7:3001") == "10.0.0.7 3001");
    CHECK(told("https://pay.example/") == "tls pay.example 443");
    CHECK(told("http://[::1]:3010/livez") == "::1 3010");
    CHECK(told("http://[::1]") == "::1 80");
    CHECK(told("http://shop/a:b") == "shop 80");
}

TEST_CASE("address: host and port of a broker") {
    CHECK(told("kafka-1", "9092") == "kafka-1 9092");
    CHECK(told("kafka-1:9093", "9092") == "kafka-1 9093");
    CHECK(told("[fe80::1]:9093", "9092") == "fe80::1 9093");
    CHECK(told("SASL_SSL://kafka-1:9093", "9092") == "kafka-1 9093");
}

}  // namespace orderflow
