// What becomes of polled records before any transaction: deliveries, dead records, and what is left
// out.

#include <catch2/catch_test_macros.hpp>

#include "kafka/producer.hpp"
#include "loops/batch.hpp"
#include "loops/decode.hpp"
#include "support/builders.hpp"

namespace orderflow::loops {
namespace {

using events::Service;
using test::Message;
using test::message_of;
using test::Story;

std::string death_of(const Message& message) {
    const auto records = test::records_of(std::vector{message});
    const auto batch = decode_batch(Service::order, records);
    return batch.dead.empty() ? "alive" : batch.dead[0].error;
}

}  // namespace

TEST_CASE("decode: records keep their order, each event stands once, the rest is counted") {
    const Story a;
    const Story b;
    const Message first = message_of(a.captured());
    const Message second = message_of(b.scheduled());
    Message unknown = message_of(a.captured());
    unknown.header("ce_type") = "PaymentPondered.v1";
    Message broken = message_of(b.refunded());
    broken.value = "{}";
    const auto records = test::records_of(
        {first, first, second, unknown, message_of(a.placed()), broken, second, first});

    const DecodedBatch batch = decode_batch(Service::order, records);

    REQUIRE(batch.deliveries.size() == 2);
    CHECK(batch.deliveries[0].event == events::Event{a.captured()});
    CHECK(batch.deliveries[0].record == &records[0]);
    CHECK(batch.deliveries[1].event == events::Event{b.scheduled()});
    REQUIRE(batch.dead.size() == 1);
    CHECK(batch.dead[0].record == &records[5]);
    CHECK(batch.dead[0].order_id == b.id);
    CHECK(batch.report.records == 8);
    CHECK(batch.report.deliveries == 2);
    CHECK(batch.report.doubles == 3);
    CHECK(batch.report.unknown == 1);
    CHECK(batch.report.skipped == 1);  // its own OrderPlaced
    CHECK(batch.report.dead == 1);
}

TEST_CASE("decode: records that the service skips can wait, and events that it names") {
    using enum events::EventKind;
    const Story story;
    const std::vector kinds{StockReserved};
    Message unknown = message_of(story.captured());
    unknown.header("ce_type") = "PaymentPondered.v1";
    const auto records = test::records_of({message_of(story.placed()), message_of(story.reserved()),
                                           message_of(story.captured()), unknown});

    CHECK(can_wait(Service::order, kinds, records[0]));
    CHECK(can_wait(Service::order, kinds, records[1]));
    CHECK_FALSE(can_wait(Service::order, kinds, records[2]));
    CHECK_FALSE(can_wait(Service::order, kinds, records[3]));
    CHECK_FALSE(can_wait(Service::inventory, kinds, records[0]));
}

TEST_CASE("decode: the same event with another id is delivered again") {
    const Story story;
    const auto records =
        test::records_of(std::vector<events::Event>{story.captured(), story.captured()});
    CHECK(decode_batch(Service::order, records).deliveries.size() == 2);
}

TEST_CASE("decode: a dead record does not use up its event id") {
    Message broken = message_of(Story{}.captured());
    Message whole = broken;
    broken.value = "{";
    const auto records = test::records_of({broken, whole});
    CHECK(decode_batch(Service::order, records).deliveries.size() == 1);
}

TEST_CASE("decode: each fault of a record has its own reason") {
    const Message good = message_of(Story{}.captured());
    CHECK(death_of(good) == "alive");

    Message other_key = good;
    other_key.key = test::new_order_id().to_string();
    CHECK(death_of(other_key).starts_with("key-mismatch: "));

    Message no_key = good;
    no_key.key.clear();
    CHECK(death_of(no_key).starts_with("key-mismatch: "));

    Message version = good;
    version.header("ce_type") = "PaymentCaptured.v2";
    CHECK(death_of(version).starts_with("version: "));

    Message twice = good;
    twice.value.insert(1, R"("amount":1,)");
    CHECK(death_of(twice).starts_with("json-duplicate-key: "));

    Message fraction = good;
    fraction.value.replace(fraction.value.find("\"amount\":1500"), 13, "\"amount\":15.5");
    CHECK(death_of(fraction) != "alive");
}

TEST_CASE("decode: headers are taken up to 64 and 8 KiB, and one more is a dead record") {
    const Message good = message_of(Story{}.captured());
    std::size_t bytes = 0;
    for (const auto& [name, value] : good.headers) bytes += name.size() + value.size();

    Message many = good;
    while (many.headers.size() < 64) many.headers.emplace_back("x", "");
    CHECK(death_of(many) == "alive");
    many.headers.emplace_back("x", "");
    CHECK(death_of(many).starts_with("envelope: "));

    Message large = good;
    large.headers.emplace_back("x", std::string(8 * 1024 - bytes - 1, 'y'));
    CHECK(death_of(large) == "alive");
    large.headers.back().second += 'y';
    CHECK(death_of(large).starts_with("envelope: "));
}

TEST_CASE("decode: a traceparent that is none is dropped, its event is not") {
    const auto records = test::records_of(
        std::vector{message_of(Story{}.captured(), test::new_id<EventId>(), "00-\",\"x\":\"")});
    const auto batch = decode_batch(Service::order, records);
    REQUIRE(batch.deliveries.size() == 1);
    CHECK(batch.deliveries[0].traceparent.empty());
}

TEST_CASE("decode: a traceparent of a later version is carried on in version 00") {
    const std::string trace = "-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-";
    const auto records = test::records_of(std::vector{
        message_of(Story{}.captured(), test::new_id<EventId>(), "01" + trace + "09-more")});
    const auto batch = decode_batch(Service::order, records);
    REQUIRE(batch.deliveries.size() == 1);
    CHECK(batch.deliveries[0].traceparent == "00" + trace + "01");
}

TEST_CASE("decode: an event whose amounts contradict each other is dead") {
    const Story story;
    CHECK(death_of(message_of(story.captured())) == "alive");
    auto other_amount = story.captured();
    other_amount.amount += 1;
    auto other_currency = story.captured();
    other_currency.currency = *Currency::parse("EUR");
    auto other_total = story.captured();
    other_total.order.total = other_total.amount += 1;
    auto reserved = story.reserved();
    reserved.order.total = 0;
    for (const events::Event& event : {events::Event{other_amount}, events::Event{other_currency},
                                       events::Event{other_total}, events::Event{reserved}}) {
        CHECK(death_of(message_of(event)) == "business: the amounts contradict each other");
    }
}

}  // namespace orderflow::loops
