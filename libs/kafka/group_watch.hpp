#pragma once
// Watches how far a service's consumer group is, by a client of its own, for the deadline: which
// orders may be judged by the clock now, and why none may (caught_up.hpp). Shows that in metrics
// and the log. One thread; look() blocks for two seconds at most.
#include <chrono>
#include <memory>
#include <string_view>

#include <prometheus/registry.h>

#include "kafka/consumer.hpp"
#include "kafka/producer.hpp"
#include "kafka/settings.hpp"
#include "kafka/topics.hpp"

namespace orderflow::kafka {

class GroupWatch {
public:
    // `at_least`: how long the group must have been caught up. Throws std::runtime_error if the
    // settings are no client's.
    GroupWatch(const Settings& kafka, events::Service service, std::chrono::milliseconds at_least,
               prometheus::Registry& registry);
    ~GroupWatch();

    // Asks the brokers; to be called about once a second.
    void look();
    // Nothing may be judged.
    bool paused() const;
    // The group has read all that could concern this record key.
    bool may_judge(std::string_view key) const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace orderflow::kafka
