#pragma once
// The results of bench-load: one sample per order. They are written as CSV and summed up as JSON
// after the load, on the thread of main.

#include "bench/load_mix.hpp"
#include "bench/load_options.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace orderflow::bench {

enum class LoadError : std::uint8_t { None, Connect, Closed, Broken, Timeout };

struct Sample {
    std::int64_t scheduled_us = 0;  // all times: microseconds since 1970, realtime clock
    std::int64_t sent_us = 0;
    std::int64_t answered_us = 0;  // of an error: when it was noticed
    std::uint16_t status = 0;      // 0 = no answer
    LoadError error = LoadError::None;
    OrderKind kind = OrderKind::Clean;
    std::array<char, 36> order_id{};  // all zero = none in the answer
};

struct LoadResult {
    std::vector<Sample> samples;
    std::int64_t counted_from_us = 0;  // an order counts by its scheduled time
    std::int64_t counted_to_us = 0;
    std::map<int, std::uint64_t> cancellations;  // by status; 0 = no answer
    std::uint64_t never_sent = 0;  // due in the window, but no connection came free in time
    std::uint64_t connections_opened = 0;
    int most_connections = 0;  // largest number of open connections
    double cpu_before_s = 0;   // of this process, used before the load began
};

double process_cpu_s();

void write_csv(const LoadResult& result, const std::string& path);

std::string summary_json(const LoadOptions& options, const LoadResult& result);

}  // namespace orderflow::bench
