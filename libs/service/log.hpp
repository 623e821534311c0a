#pragma once
// Logging: JSON lines on standard error, through spdlog's default logger. Set up once in `main`. No
// line blocks who writes it: one that the reader of standard error does not take is lost and
// counted.
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace orderflow::service {

// Each line names the service and the environment it runs in; an empty one is left out. Also keeps
// a closed pipe from ending the process (core/line_writer.hpp).
void init_log(std::string_view service, const std::string& level,
              std::string_view environment = {});

// Waits until all lines are written, at most for so long. An error of level critical does so by
// itself.
void flush_log(std::chrono::milliseconds at_most);

// Lines that nobody will read.
std::uint64_t lost_log_lines();

}  // namespace orderflow::service
