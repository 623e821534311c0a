#pragma once
// What `orderctl check --every` tells Prometheus.

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

// Serves http://ADDRESS:PORT/metrics on threads of its own:
//   orderflow_check_violations{invariant}        of the last check that judged this invariant; none
//                                                until there is one
//   orderflow_check_last_complete_timestamp_seconds
//                                                when the last check began that could read
//                                                everything; 0 until there is one
class CheckMetrics {
public:
    // `address`: ADDRESS:PORT, IPv6 in brackets. Throws CannotDo if nobody can listen there.
    explicit CheckMetrics(const std::string& address);

    // After each check. `complete`: it could judge what there is to judge.
    void show(const std::vector<Invariant>& invariants, bool complete,
              std::chrono::system_clock::time_point begun);

private:
    std::shared_ptr<prometheus::Registry> registry_;
    prometheus::Family<prometheus::Gauge>& violations_;
    prometheus::Gauge& last_complete_;
    prometheus::Exposer exposer_;
};

}  // namespace orderflow::orderctl
