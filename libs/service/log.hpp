#pragma once
// Logging: JSON lines on standard error, through spdlog's default logger. Set up once in `main`.
#include <string>
#include <string_view>

namespace orderflow::service {

void init_log(std::string_view service, const std::string& level);

}  // namespace orderflow::service
