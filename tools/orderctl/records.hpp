#pragma once
// Matches the topics' records with the ledgers' rows. Pure: the reader (facts_topics.cpp) passes
// every record once, those of a partition in their order; unit tests pass their own.
#include "kafka/record.hpp"
#include "orderctl/facts.hpp"

namespace orderflow::orderctl {

// `arrived`: the consumers (bits) whose group has committed an offset after the record. Headers are
// read as the services read them (Record::header: the first of a name). A record without a row that
// no consumer can read has no effect and is not an event, whatever the consumers did with it: it
// counts as foreign.
void take_record(Facts& facts, const kafka::Record& record, std::uint8_t arrived);

// Call it once all records are read: records that retention has deleted count as handled.
void finish_records(Facts& facts);

// Whether retention may have deleted the row's record: the topic keeps no records that are as old,
// or the partition has none left that is as old.
bool is_expired(const Facts& facts, const LedgerEvent& event);

// Returns the digest of what every record of the row must contain: key, type and data.
Digest content_of(std::string_view key, std::string_view type, std::string_view data);

}  // namespace orderflow::orderctl
