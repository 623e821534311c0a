#pragma once
// Logging: JSON lines on standard error, through spdlog's default logger. Set up once in `main`. No
// line blocks the thread that logs it: a line that the reader of standard error does not accept is
// lost and counted. Any thread.
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace orderflow::service {

// Each line has the name of the service and of its environment; an empty environment is left out.
// Also prevents that a closed pipe ends the process (core/line_writer.hpp).
void init_log(std::string_view service, const std::string& level,
              std::string_view environment = {});

// Waits until all lines are written, at most for this time. A line of level critical waits by
// itself.
void flush_log(std::chrono::milliseconds at_most);

// Number of lost lines.
std::uint64_t lost_log_lines();

}  // namespace orderflow::service
