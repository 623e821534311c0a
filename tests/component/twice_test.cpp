// Every service, on PostgreSQL: however often and in whatever batches its records come, its rows
// and the events it appends are those of each record coming once.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "component/subjects.hpp"
#include "kafka/record.hpp"
#include "loops/decode.hpp"

namespace orderflow::test {
namespace {

using kafka::Record;
using Batches = std::vector<std::vector<Record>>;

// A fresh database after these batches.
std::string state_after(const Subject& subject, const Batches& batches) {
    TestDatabase database(subject.service, subject.migrations);
    if (!subject.prepare_sql.empty()) database.query(subject.prepare_sql);
    postgres::Connection connection(database.url());
    for (const auto& records : batches) run_one_batch(subject, connection, records);
    return database.snapshot(false);
}

std::vector<Record> adjacent_doubles(const std::vector<Record>& records) {
    std::vector<Record> doubled;
    for (const Record& record : records) doubled.insert(doubled.end(), 2, record);
    return doubled;
}

std::vector<Record> doubles_apart(const std::vector<Record>& records) {
    std::vector<Record> doubled = records;
    doubled.insert(doubled.end(), records.begin(), records.end());
    return doubled;
}

Batches one_by_one(const std::vector<Record>& records, std::size_t times) {
    Batches batches;
    for (const Record& record : records) batches.insert(batches.end(), times, {record});
    return batches;
}

}  // namespace

TEST_CASE("twice: records that come doubled, apart, again and one by one change nothing more") {
    const Subject& subject = subjects().at(GENERATE(range<std::size_t>(0, 5)));
    CAPTURE(subject.name);
    const auto list = subject.events();
    const auto records = records_of(list);
    REQUIRE(loops::decode_batch(subject.service, records).deliveries.size() == list.size());

    const std::string once = state_after(subject, {records});

    CHECK(state_after(subject, {adjacent_doubles(records)}) == once);
    CHECK(state_after(subject, {doubles_apart(records)}) == once);
    CHECK(state_after(subject, {records, records}) == once);
    CHECK(state_after(subject, one_by_one(records, 1)) == once);
    CHECK(state_after(subject, one_by_one(records, 2)) == once);
}

TEST_CASE("twice: a batch that comes again leaves every byte as it was") {
    const Subject& subject = subjects().at(GENERATE(range<std::size_t>(0, 5)));
    CAPTURE(subject.name);
    const auto list = subject.events();
    const auto records = records_of(list);
    TestDatabase database(subject.service, subject.migrations);
    if (!subject.prepare_sql.empty()) database.query(subject.prepare_sql);
    postgres::Connection connection(database.url());
    run_one_batch(subject, connection, records);
    const std::string before = database.snapshot(true);

    run_one_batch(subject, connection, records);
    CHECK(database.snapshot(true) == before);
    for (const Record& record : records) run_one_batch(subject, connection, {record});
    CHECK(database.snapshot(true) == before);
}

TEST_CASE("twice: events that come again under new ids are recognised by the aggregate") {
    const Subject& subject = subjects().at(GENERATE(range<std::size_t>(0, 5)));
    CAPTURE(subject.name);
    auto list = subject.events();
    // An orphan is parked once for each record of it: no aggregate knows it.
    std::erase_if(list, [](const auto& event) { return name_of(event) == "ShipmentVoided"; });
    TestDatabase database(subject.service, subject.migrations);
    if (!subject.prepare_sql.empty()) database.query(subject.prepare_sql);
    postgres::Connection connection(database.url());
    run_one_batch(subject, connection, records_of(list));
    const std::string before = database.snapshot(true);

    run_one_batch(subject, connection, records_of(list));
    CHECK(database.snapshot(true) == before);
}

}  // namespace orderflow::test
