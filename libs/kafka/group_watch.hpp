#pragma once
// Watches a service's consumer group, with a client of its own, for the deadline: which orders the
// deadline may judge by the clock now, and why it may judge none (caught_up.hpp). Writes this to
// metrics and the log. One thread; look() blocks for two seconds at most.
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
    // `at_least`: how long the group must have been caught up. Throws std::runtime_error if no
    // client can be created with the settings.
    GroupWatch(const Settings& kafka, events::Service service, std::chrono::milliseconds at_least,
               prometheus::Registry& registry);
    ~GroupWatch();

    // Queries the brokers; call it about once a second.
    void look();
    // Returns whether no order may be judged.
    bool paused() const;
    // Returns whether the group has read every record that could concern this record key.
    bool may_judge(std::string_view key) const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace orderflow::kafka
