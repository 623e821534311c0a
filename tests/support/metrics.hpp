#pragma once
// What a registry counted. Any thread.
#include <string>

#include <prometheus/registry.h>

namespace orderflow::test {

// The value of the only counter of that name; -1 as long as there is none.
inline double counter(prometheus::Registry& registry, const std::string& name) {
    for (const auto& family : registry.Collect()) {
        if (family.name == name) return family.metric.at(0).counter.value;
    }
    return -1;
}

}  // namespace orderflow::test
