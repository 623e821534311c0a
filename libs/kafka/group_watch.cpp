#include "kafka/group_watch.hpp"

#include <algorithm>

#include <prometheus/gauge.h>
#include <spdlog/spdlog.h>

#include "kafka/asking_client.hpp"
#include "kafka/caught_up.hpp"
#include "kafka/group_positions.hpp"

namespace orderflow::kafka {
namespace {

constexpr std::chrono::milliseconds kAskBrokers{2'000};

std::vector<std::string> strings(const std::vector<std::string_view>& views) {
    return {views.begin(), views.end()};
}

}  // namespace

class GroupWatch::Impl {
public:
    Impl(const Settings& kafka, events::Service service, std::chrono::milliseconds at_least,
         prometheus::Registry& registry)
        : group_(kafka.group_id),
          topics_(strings(events::saga_topics())),
          client_(make_asking_client(kafka)),
          caught_up_(topics_, strings(events::topics_consumed_by(service)), at_least,
                     events::kPartitions),
          paused_(prometheus::BuildGauge()
                      .Name("orderflow_deadline_paused")
                      .Help("1 while the deadline judges no order, by reason")
                      .Register(registry)),
          partitions_(prometheus::BuildGauge()
                          .Name("orderflow_topic_partitions")
                          .Help("Partitions of the saga's topics, in Kafka and in the catalog; 0: "
                                "the topic does not exist")
                          .Register(registry)) {
        show_pause();  // nothing is known yet
    }

    void look() {
        try {
            const auto seen = read_group(client_.get(), group_, topics_, kAskBrokers);
            caught_up_.seen(seen, CaughtUp::Clock::now());
            show_partitions(seen.topics);
        } catch (const NoAnswer& error) {
            spdlog::debug("deadline: {}", error.what());  // show_pause() reports it
        }
        show_pause();
    }

    bool may_judge(std::string_view key) const {
        return caught_up_.may_judge(key, CaughtUp::Clock::now());
    }
    bool paused() const { return pause_.has_value(); }

private:
    void show_pause() {
        const auto before = pause_;
        pause_ = caught_up_.paused(CaughtUp::Clock::now());
        for (const auto why :
             {CaughtUp::Pause::unknown, CaughtUp::Pause::differ, CaughtUp::Pause::unassigned}) {
            paused_.Add({{"why", std::string(name_of(why))}}).Set(pause_ == why ? 1 : 0);
        }
        if (pause_ == before) return;
        if (pause_) {
            spdlog::warn("deadline: paused, {} (orderctl lag)", name_of(*pause_));
        } else {
            spdlog::info("deadline: resumed");
        }
    }

    void show_partitions(const TopicLayouts& layouts) {
        for (const auto& topic : events::topics()) {
            const std::string name(topic.name);
            if (std::ranges::find(topics_, name) == topics_.end()) continue;
            const auto found = layouts.find(name);
            const int there = found == layouts.end() ? 0 : found->second.partitions;
            partitions_.Add({{"topic", name}, {"of", "kafka"}}).Set(there);
            partitions_.Add({{"topic", name}, {"of", "catalog"}}).Set(topic.partitions);
        }
    }

    const std::string group_;
    const std::vector<std::string> topics_;
    const ClientHandle client_;
    CaughtUp caught_up_;
    std::optional<CaughtUp::Pause> pause_ = CaughtUp::Pause::unknown;
    prometheus::Family<prometheus::Gauge>& paused_;
    prometheus::Family<prometheus::Gauge>& partitions_;
};

GroupWatch::GroupWatch(const Settings& kafka, events::Service service,
                       std::chrono::milliseconds at_least, prometheus::Registry& registry)
    : impl_(std::make_unique<Impl>(kafka, service, at_least, registry)) {}
GroupWatch::~GroupWatch() = default;
void GroupWatch::look() { impl_->look(); }
bool GroupWatch::paused() const { return impl_->paused(); }
bool GroupWatch::may_judge(std::string_view key) const { return impl_->may_judge(key); }

}  // namespace orderflow::kafka
