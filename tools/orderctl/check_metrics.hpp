#pragma once
// The metrics of `orderctl check --every` for Prometheus. show() is called on the main thread.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <prometheus/exposer.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "orderctl/check.hpp"

namespace orderflow::orderctl {

// Serves http://ADDRESS:PORT/metrics on its own threads:
//   orderflow_check_violations{invariant}        of the last check that judged this invariant;
//                                                absent before the first such check
//   orderflow_check_last_complete_timestamp_seconds
//                                                start of the last check that could read
//                                                everything; 0 before the first such check
class CheckMetrics {
public:
    // `address`: ADDRESS:PORT, IPv6 in brackets. Throws CannotDo if it is not possible to listen
    // there.
    explicit CheckMetrics(const std::string& address);

    // Call it after each check. `complete`: the check could judge everything.
    void show(const std::vector<Invariant>& invariants, bool complete,
              std::chrono::system_clock::time_point begun);

private:
    std::shared_ptr<prometheus::Registry> registry_;
    prometheus::Family<prometheus::Gauge>& violations_;
    prometheus::Gauge& last_complete_;
    prometheus::Exposer exposer_;
};

}  // namespace orderflow::orderctl
