#pragma once
// Reads the values of a registry's metrics. Any thread.
#include <string>

#include <prometheus/registry.h>

namespace orderflow::test {

// Returns the value of the only counter of that name; -1 as long as there is none.
inline double counter(prometheus::Registry& registry, const std::string& name) {
    for (const auto& family : registry.Collect()) {
        if (family.name == name) return family.metric.at(0).counter.value;
    }
    return -1;
}

// The same for a gauge.
inline double gauge(prometheus::Registry& registry, const std::string& name) {
    for (const auto& family : registry.Collect()) {
        if (family.name == name) return family.metric.at(0).gauge.value;
    }
    return -1;
}

// Returns the value of the counter or gauge of that name that has a label with this value; -1 as
// above.
inline double labelled(prometheus::Registry& registry, const std::string& name,
                       const std::string& value) {
    for (const auto& family : registry.Collect()) {
        if (family.name != name) continue;
        for (const auto& metric : family.metric) {
            for (const auto& label : metric.label) {
                if (label.value == value) return metric.counter.value + metric.gauge.value;
            }
        }
    }
    return -1;
}

}  // namespace orderflow::test
