#include "loops/ticker.hpp"

#include <utility>

#include "core/pause.hpp"
#include "loops/failures.hpp"

namespace orderflow::loops {

Ticker::Ticker(const Context& context, const char* name, std::chrono::milliseconds period,
               MakeStep make_step)
    : thread_(
          [context, name, period, make_step = std::move(make_step)](const std::stop_token& stop) {
              if (!context.await_database(stop)) return;
              auto& failures = failure_counter(context.registry, name);
              postgres::Connection connection(context.database_url);
              Step step;
              while (!stop.stop_requested()) {
                  std::optional<std::chrono::milliseconds> rest;
                  try {
                      if (!step) step = make_step(connection);
                      rest = step();
                  } catch (const std::exception&) {
                      failures.Increment();
                      report_failure(name, connection);
                  }
                  pause(stop, rest.value_or(period));
              }
          }) {}

void Ticker::stop() {
    request_stop();
    if (thread_.joinable()) thread_.join();
}

}  // namespace orderflow::loops
