#pragma once
// The SQL of the counters: what a batch adds to them, inside the batch's transaction, and what the
// dashboard reads. On the caller's thread; failures of the database are DatabaseError.
#include <cstdint>
#include <vector>

#include "analytics/timeline/figures.hpp"
#include "postgres/connection.hpp"

namespace orderflow::analytics {

// See TimelineStore::add().
void add_tally(postgres::Connection& connection, const Tally& tally);

// The last `count` minutes, the running one last; none is left out.
std::vector<MinuteFigures> read_minutes(postgres::Connection& connection, std::int32_t count);
Figures read_figures(postgres::Connection& connection);

}  // namespace orderflow::analytics
