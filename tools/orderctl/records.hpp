#pragma once
// The topics' records against the ledgers' rows. Pure: the reader (facts_topics.cpp) brings every
// record once, those of a partition in their order; unit tests bring their own.
#include "kafka/record.hpp"
#include "orderctl/facts.hpp"

namespace orderflow::orderctl {

// `arrived`: the consumers (bits) whose group has committed an offset behind the record. Headers
// are read as the services read them (Record::header: the first of a name). A record without a row
// that no consumer can read has no effect and is no event, whatever became of it there: foreign.
void take_record(Facts& facts, const kafka::Record& record, std::uint8_t arrived);

// Once all are read: what retention has taken counts as handled.
void finish_records(Facts& facts);

// The row's record may be gone: the topic keeps none as old, or none of its partition as old.
bool is_expired(const Facts& facts, const LedgerEvent& event);

// All that a record of the row must have: key, type and data.
Digest content_of(std::string_view key, std::string_view type, std::string_view data);

}  // namespace orderflow::orderctl
