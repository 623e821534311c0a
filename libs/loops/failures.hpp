#pragma once
// The common reaction of every loop to a failure: log it, count it, drop the connection. On the
// loop's thread.
#include <string>

#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include "postgres/connection.hpp"

namespace orderflow::loops {

// Logs the current exception and drops the connection: the next attempt gets a new one.
void report_failure(const char* where, postgres::Connection& connection);

// Counts failures of one kind of loop. `subscription`: of a consumer loop; otherwise empty, and the
// metric does not have this label.
prometheus::Counter& failure_counter(prometheus::Registry& registry, const char* loop,
                                     const std::string& subscription = {});

}  // namespace orderflow::loops
