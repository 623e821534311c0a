#include "messaging/loops.hpp"

#include <map>
#include <set>
#include <utility>

#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <spdlog/spdlog.h>

#include "core/pause.hpp"
#include "messaging/consumer.hpp"

namespace orderflow::messaging {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kIdlePoll{500};
constexpr milliseconds kTick{1'000};  // between two looks at the parked records
constexpr int kRetriesAtOnce = 100;
constexpr milliseconds kCountEvery{5'000};    // the parked records, of which there may be many
constexpr milliseconds kHealthyLife{30'000};  // a client that lived so long was no false start

struct ConsumerMetrics {
    explicit ConsumerMetrics(prometheus::Registry& registry)
        : records(family(registry).Add({{"outcome", "handled"}})),
          skipped(family(registry).Add({{"outcome", "skipped"}})),
          unknown(family(registry).Add({{"outcome", "unknown_type"}})),
          doubles(family(registry).Add({{"outcome", "double"}})),
          dead(family(registry).Add({{"outcome", "dead"}})),
          parked(family(registry).Add({{"outcome", "parked"}})),
          retries_done(retries(registry).Add({{"outcome", "done"}})),
          retries_failed(retries(registry).Add({{"outcome", "failed"}})),
          retries_died(retries(registry).Add({{"outcome", "died"}})),
          died(counter(registry, "orderflow_records_died_total",
                       "Records that wait for an operator: unreadable, or failed too often")),
          alive_now(parked_now(registry).Add({{"state", "alive"}})),
          dead_now(parked_now(registry).Add({{"state", "dead"}})),
          seconds(histogram(registry, "orderflow_batch_seconds",
                            "From taking up a batch of records to its commit, seconds",
                            {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5})),
          sizes(histogram(registry, "orderflow_batch_records", "Records handled in a batch",
                          {1, 2, 5, 10, 20, 50, 100, 200, 500, 1'000, 5'000})),
          batches(counter(registry, "orderflow_batches_total", "Batches committed")),
          lost_races(counter(registry, "orderflow_lost_races_total",
                             "Compare-and-set attempts that were lost and repeated")),
          failures(failure_counter(registry, "consumer")),
          emitted(counter(registry, "orderflow_events_emitted_total",
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
    void show(const ParkedTable::Count& parked_records) {
        alive_now.Set(static_cast<double>(parked_records.alive));
        dead_now.Set(static_cast<double>(parked_records.dead));
    }

    static prometheus::Family<prometheus::Counter>& family(prometheus::Registry& registry) {
        return prometheus::BuildCounter()
            .Name("orderflow_records_total")
            .Help("Records polled, by what became of them")
            .Register(registry);
    }
    static prometheus::Family<prometheus::Counter>& retries(prometheus::Registry& registry) {
        return prometheus::BuildCounter()
            .Name("orderflow_parked_retries_total")
            .Help("Parked records tried again, by what became of them")
            .Register(registry);
    }
    static prometheus::Family<prometheus::Gauge>& parked_now(prometheus::Registry& registry) {
        return prometheus::BuildGauge()
            .Name("orderflow_parked_records")
            .Help("Rows of the service's table of parked records; dead ones wait for an operator")
            .Register(registry);
    }
    static prometheus::Histogram& histogram(prometheus::Registry& registry, const char* name,
                                            const char* help,
                                            const prometheus::Histogram::BucketBoundaries& bounds) {
        return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({},
                                                                                         bounds);
    }
    static prometheus::Counter& counter(prometheus::Registry& registry, const char* name,
                                        const char* help) {
        return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
    }

    prometheus::Counter &records, &skipped, &unknown, &doubles, &dead, &parked, &retries_done,
        &retries_failed, &retries_died, &died;
    prometheus::Gauge &alive_now, &dead_now;
    prometheus::Histogram &seconds, &sizes;
    prometheus::Counter &batches, &lost_races, &failures, &emitted;
};

// What a member knows of its own partitions. One that it no longer has shows 0: another member,
// here or in another process, shows what it is.
class LagMetrics {
public:
    LagMetrics(prometheus::Registry& registry, std::string group)
        : group_(std::move(group)),
          lag_(gauge(registry, "orderflow_consumer_lag",
                     "Records of a partition that its group has not processed; 0 in a process that "
                     "does not have the partition")),
          end_(gauge(registry, "orderflow_consumer_end_offset",
                     "Where a partition ends; 0 in a process that does not have it")) {}
    ~LagMetrics() { show({}); }
    LagMetrics(const LagMetrics&) = delete;
    LagMetrics& operator=(const LagMetrics&) = delete;

    void show(const std::vector<KafkaConsumer::Lag>& lags) {
        std::set<Place> gone;
        for (const auto& [place, gauges] : gauges_) gone.insert(place);
        for (const auto& [topic, partition, end, lag] : lags) {
            set({topic, partition}, end, lag);
            gone.erase({topic, partition});
        }
        for (const Place& place : gone) set(place, 0, 0);
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
    // The registry is asked once for each partition: it checks and hashes all labels.
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
};

std::vector<std::string> consumed_topics(events::Service service) {
    const auto names = events::topics_consumed_by(service);
    return {names.begin(), names.end()};
}

// What a ConsumerLoop's thread works with besides the client.
class ConsumerThread {
public:
    ConsumerThread(std::stop_token stop, const LoopContext& context,
                   const HandlerFactory& make_handler, GatherLimits limits, FetchSettings fetch,
                   StartStep& joining)
        : stop_(stop),
          context_(context),
          joining_(joining),
          limits_(limits),
          fetch_(fetch),
          metrics_(context.registry),
          lags_(context.registry, context.kafka.group_id),
          connection_(context.database_url),
          work_(connection_, context.service, context.bell),
          handler_(make_handler(connection_)) {}

    // One client's life. Throws when it is broken.
    void run() {
        KafkaConsumer source(context_.kafka, consumed_topics(context_.service), fetch_,
                             [this](std::span<const Record> records) { fetched(records); });
        Consumer consumer(context_.service, source, work_, *handler_, limits_);
        while (!stop_.stop_requested()) {
            if (consumer.poll(kIdlePoll)) handle(consumer, source);
            if (source.joined()) joining_.done();
            if (steady_clock::now() < next_tick_) continue;
            next_tick_ = steady_clock::now() + kTick;
            if (context_.kafka_pulse && source.answers() != answers_) context_.kafka_pulse->beat();
            answers_ = source.answers();
            lags_.show(source.lags());
            retry_parked();
        }
        source.close();
    }

    void broken() { metrics_.failures.Increment(); }

private:
    void fetched(std::span<const Record> records) const {
        if (spdlog::should_log(spdlog::level::debug)) {
            std::size_t bytes = 0;
            for (const Record& record : records) bytes += record.key.size() + record.value.size();
            spdlog::debug("kafka: fetched {} records, {} bytes", records.size(), bytes);
        }
        if (context_.on_fetch) context_.on_fetch(records);
    }

    // Until all is committed: a failure rolls back, holds the partitions and does it again, for as
    // long as it takes, or until the partitions are taken away or the process stops; then the
    // batch comes again, here or elsewhere.
    void handle(Consumer& consumer, RecordSource& source) {
        Backoff backoff;
        while (!stop_.stop_requested()) {
            try {
                const auto begun = steady_clock::now();
                const BatchReport report = consumer.handle();
                return metrics_.count(report, steady_clock::now() - begun);
            } catch (const std::exception&) {
                broken();
                report_failure("consumer", connection_);
                if (!source.hold(backoff.next(), stop_)) return consumer.drop();
            }
        }
    }

    void retry_parked() {
        try {
            for (int i = 0; i < kRetriesAtOnce && !stop_.stop_requested(); ++i) {
                const auto retry = retry_due(context_.service, work_, *handler_);
                if (!retry) break;
                metrics_.count(*retry);
            }
            if (steady_clock::now() < next_count_) return;
            metrics_.show(ParkedTable(connection_).count());
            next_count_ = steady_clock::now() + kCountEvery;
        } catch (const std::exception&) {
            metrics_.failures.Increment();
            report_failure("parked records", connection_);
        }
    }

    const std::stop_token stop_;
    const LoopContext& context_;
    StartStep& joining_;
    const GatherLimits limits_;
    const FetchSettings fetch_;
    ConsumerMetrics metrics_;
    LagMetrics lags_;
    postgres::Connection connection_;
    PostgresUnitOfWork work_;
    const std::unique_ptr<BatchHandler> handler_;
    std::uint64_t answers_ = 0;  // of the brokers, as of the last tick
    steady_clock::time_point next_tick_{};
    steady_clock::time_point next_count_{};
};

}  // namespace

void report_failure(const char* where, postgres::Connection& connection) {
    try {
        throw;
    } catch (const postgres::DatabaseError& error) {
        spdlog::warn("{}: {} (SQLSTATE {})", where, error.what(), error.sqlstate());
    } catch (const std::exception& error) {
        spdlog::error("{}: {}", where, error.what());
    }
    connection.reset();
}

prometheus::Counter& failure_counter(prometheus::Registry& registry, const char* loop) {
    return prometheus::BuildCounter()
        .Name("orderflow_loop_failures_total")
        .Help("Batches of work rolled back by a failure, by loop")
        .Register(registry)
        .Add({{"loop", loop}});
}

ConsumerLoop::ConsumerLoop(const LoopContext& context, HandlerFactory make_handler,
                           GatherLimits limits, FetchSettings fetch)
    : thread_([this, context, make_handler = std::move(make_handler), limits,
               fetch](std::stop_token stop) { run(stop, context, make_handler, limits, fetch); }) {}

void ConsumerLoop::request_stop() { thread_.request_stop(); }

void ConsumerLoop::join() {
    if (thread_.joinable()) thread_.join();
}

void ConsumerLoop::run(std::stop_token stop, LoopContext context, HandlerFactory make_handler,
                       GatherLimits limits, FetchSettings fetch) {
    StartStep joining(context.start_steps, "consumer");
    if (!context.await_all(stop)) return;
    joining.because("its group has not given it partitions yet");
    ConsumerThread thread(stop, context, make_handler, limits, fetch, joining);
    Backoff restarts;
    while (!stop.stop_requested()) {
        const auto begun = steady_clock::now();
        try {
            thread.run();
        } catch (const std::exception& error) {  // a fatal error of the client: make a new one
            spdlog::error("consumer: {}", error.what());
            thread.broken();
            if (steady_clock::now() - begun > kHealthyLife) restarts.reset();
            pause(stop, restarts.next());
        }
    }
}

}  // namespace orderflow::messaging
