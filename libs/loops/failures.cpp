#include "loops/failures.hpp"

#include <exception>

#include <spdlog/spdlog.h>

namespace orderflow::loops {

void report_failure(const char* where, postgres::Connection& connection) {
    try {
        throw;
    } catch (const postgres::DatabaseError& error) {
        spdlog::warn("{}: {} (SQLSTATE {})", where, error.what(), error.sqlstate());
    } catch (const std::exception& error) {
        spdlog::error("{}: {}", where, error.what());
    }
    connection.reset();
}

prometheus::Counter& failure_counter(prometheus::Registry& registry, const char* loop,
                                     const std::string& subscription) {
    prometheus::Labels labels{{"loop", loop}};
    if (!subscription.empty()) labels.emplace("subscription", subscription);
    return prometheus::BuildCounter()
        .Name("orderflow_loop_failures_total")
        .Help("Batches of work rolled back by a failure, by loop")
        .Register(registry)
        .Add(labels);
}

}  // namespace orderflow::loops
