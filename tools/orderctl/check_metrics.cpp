#include "orderctl/check_metrics.hpp"

#include <exception>

#include "orderctl/connect.hpp"

namespace orderflow::orderctl {
namespace {

prometheus::Exposer listen(const std::string& address) {
    try {
        return prometheus::Exposer(address);
    } catch (const std::exception& error) {
        throw CannotDo("--metrics " + address + ": " + error.what());
    }
}

}  // namespace

CheckMetrics::CheckMetrics(const std::string& address)
    : registry_(std::make_shared<prometheus::Registry>()),
      violations_(prometheus::BuildGauge()
                      .Name("orderflow_check_violations")
                      .Help("Violations of each invariant that the last check found")
                      .Register(*registry_)),
      last_complete_(prometheus::BuildGauge()
                         .Name("orderflow_check_last_complete_timestamp_seconds")
                         .Help("Time at which the last complete check began")
                         .Register(*registry_)
                         .Add({})),
      exposer_(listen(address)) {
    exposer_.RegisterCollectable(registry_);
}

void CheckMetrics::show(const std::vector<Invariant>& invariants, bool complete,
                        std::chrono::system_clock::time_point begun) {
    for (const Invariant& invariant : invariants) {
        if (invariant.verdict == Verdict::not_judged) continue;
        violations_.Add({{"invariant", std::string(invariant.id)}})
            .Set(static_cast<double>(invariant.violations));
    }
    const std::chrono::duration<double> seconds = begun.time_since_epoch();
    if (complete) last_complete_.Set(seconds.count());
}

}  // namespace orderflow::orderctl
