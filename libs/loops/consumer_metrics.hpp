#pragma once
// The metrics of a consumer loop. Inside libs/loops only; on the loop's thread.
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <spdlog/spdlog.h>

#include "loops/batch.hpp"
#include "loops/failures.hpp"
#include "kafka/consumer.hpp"
#include "outbox/parked_table.hpp"

namespace orderflow::loops {

struct ConsumerMetrics {
    // `name`: of the subscription.
    ConsumerMetrics(prometheus::Registry& registry, const std::string& name)
        : records(polled(registry, name, "handled")),
          skipped(polled(registry, name, "skipped")),
          unknown(polled(registry, name, "unknown_type")),
          doubles(polled(registry, name, "double")),
          dead(polled(registry, name, "dead")),
          parked(polled(registry, name, "parked")),
          retries_done(retries(registry, name, "done")),
          retries_failed(retries(registry, name, "failed")),
          retries_died(retries(registry, name, "died")),
          died(counter(registry, name, "orderflow_records_died_total",
                       "Records that wait for an operator: unreadable, or failed too often")),
          alive_now(parked_now(registry).Add({{"state", "alive"}})),
          dead_now(parked_now(registry).Add({{"state", "dead"}})),
          seconds(histogram(registry, name, "orderflow_batch_seconds",
                            "Time from the start of a batch of records to its commit, seconds",
                            {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5})),
          sizes(histogram(registry, name, "orderflow_batch_records", "Records handled in a batch",
                          {1, 2, 5, 10, 20, 50, 100, 200, 500, 1'000, 5'000})),
          batches(counter(registry, name, "orderflow_batches_total", "Batches committed")),
          lost_races(counter(registry, name, "orderflow_lost_races_total",
                             "Lost compare-and-set attempts, which were repeated")),
          failures(failure_counter(registry, "consumer", name)),
          emitted(counter(registry, name, "orderflow_events_emitted_total",
                          "Events appended to the outbox by consumed batches")) {}

    void count(const BatchReport& report, std::chrono::duration<double> took) {
        spdlog::debug(
            "batch: {} records handled, {} skipped, {} doubles, {} parked, {} dead, {} "
            "events in {:.1f} ms",
            report.deliveries, report.skipped, report.doubles, report.parked, report.dead,
            report.emitted, took.count() * 1'000);
        seconds.Observe(took.count());
        sizes.Observe(static_cast<double>(report.deliveries));
        records.Increment(static_cast<double>(report.deliveries));
        skipped.Increment(static_cast<double>(report.skipped));
        unknown.Increment(static_cast<double>(report.unknown));
        doubles.Increment(static_cast<double>(report.doubles));
        dead.Increment(static_cast<double>(report.dead));
        died.Increment(static_cast<double>(report.dead));
        parked.Increment(static_cast<double>(report.parked));
        lost_races.Increment(static_cast<double>(report.lost_races));
        emitted.Increment(static_cast<double>(report.emitted));
        batches.Increment();
    }

    void count(Retry retry) {
        switch (retry) {
            case Retry::done: return retries_done.Increment();
            case Retry::failed: return retries_failed.Increment();
            case Retry::died: died.Increment(); return retries_died.Increment();
            case Retry::overtaken: return;
        }
    }
    void show(const outbox::ParkedTable::Count& parked_records) {
        alive_now.Set(static_cast<double>(parked_records.alive));
        dead_now.Set(static_cast<double>(parked_records.dead));
    }

    static prometheus::Labels labels(const std::string& name, const char* outcome) {
        return {{"subscription", name}, {"outcome", outcome}};
    }
    static prometheus::Counter& polled(prometheus::Registry& registry, const std::string& name,
                                       const char* outcome) {
        return prometheus::BuildCounter()
            .Name("orderflow_records_total")
            .Help("Records polled, by outcome")
            .Register(registry)
            .Add(labels(name, outcome));
    }
    static prometheus::Counter& retries(prometheus::Registry& registry, const std::string& name,
                                        const char* outcome) {
        return prometheus::BuildCounter()
            .Name("orderflow_parked_retries_total")
            .Help("Retries of parked records, by outcome")
            .Register(registry)
            .Add(labels(name, outcome));
    }
    static prometheus::Family<prometheus::Gauge>& parked_now(prometheus::Registry& registry) {
        return prometheus::BuildGauge()
            .Name("orderflow_parked_records")
            .Help(
                "Rows of the service's table of parked records; dead records wait for an operator")
            .Register(registry);
    }
    static prometheus::Histogram& histogram(prometheus::Registry& registry,
                                            const std::string& subscription, const char* name,
                                            const char* help,
                                            const prometheus::Histogram::BucketBoundaries& bounds) {
        return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add(
            {{"subscription", subscription}}, bounds);
    }
    static prometheus::Counter& counter(prometheus::Registry& registry,
                                        const std::string& subscription, const char* name,
                                        const char* help) {
        return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add(
            {{"subscription", subscription}});
    }

    prometheus::Counter &records, &skipped, &unknown, &doubles, &dead, &parked, &retries_done,
        &retries_failed, &retries_died, &died;
    prometheus::Gauge &alive_now, &dead_now;
    prometheus::Histogram &seconds, &sizes;
    prometheus::Counter &batches, &lost_races, &failures, &emitted;
};

// A member's data about its own partitions. A partition that it no longer has shows 0: another
// member, here or in another process, shows the real value.
class LagMetrics {
public:
    LagMetrics(prometheus::Registry& registry, std::string group)
        : group_(std::move(group)),
          lag_(gauge(registry, "orderflow_consumer_lag",
                     "Records of a partition that its group has not processed; 0 in a process that "
                     "does not have the partition")),
          end_(gauge(
              registry, "orderflow_consumer_end_offset",
              "End offset of a partition; 0 in a process that does not have the partition")) {}
    ~LagMetrics() { show({}); }
    LagMetrics(const LagMetrics&) = delete;
    LagMetrics& operator=(const LagMetrics&) = delete;

    void show(const std::vector<kafka::Consumer::Lag>& lags) {
        std::set<Place> lost = std::exchange(shown_, {});
        for (const auto& [topic, partition, end, lag] : lags) {
            set({topic, partition}, end, lag);
            shown_.insert({topic, partition});
            lost.erase({topic, partition});
        }
        // Only once: another loop of this process may have the partition now.
        for (const Place& place : lost) set(place, 0, 0);
    }

private:
    using Place = std::pair<std::string, std::int32_t>;
    struct Gauges {
        prometheus::Gauge& lag;
        prometheus::Gauge& end;
    };

    static prometheus::Family<prometheus::Gauge>& gauge(prometheus::Registry& registry,
                                                        const char* name, const char* help) {
        return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
    }
    // Requests the gauges of a partition from the registry only once, because the registry checks
    // and hashes all labels.
    const Gauges& of(const Place& place) {
        const auto known = gauges_.find(place);
        if (known != gauges_.end()) return known->second;
        const prometheus::Labels labels{
            {"group", group_}, {"topic", place.first}, {"partition", std::to_string(place.second)}};
        return gauges_.emplace(place, Gauges{lag_.Add(labels), end_.Add(labels)}).first->second;
    }
    void set(const Place& place, std::int64_t end, std::int64_t lag) {
        const Gauges& gauges = of(place);
        gauges.lag.Set(static_cast<double>(lag));
        gauges.end.Set(static_cast<double>(end));
    }

    const std::string group_;
    prometheus::Family<prometheus::Gauge>&lag_, &end_;
    std::map<Place, Gauges> gauges_;  // of all that the member ever had
    std::set<Place> shown_;           // the last time
};

}  // namespace orderflow::loops
