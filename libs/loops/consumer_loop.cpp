#include "loops/consumer_loop.hpp"

#include <utility>

#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <spdlog/spdlog.h>

#include "core/backoff.hpp"
#include "core/pause.hpp"
#include "kafka/consumer.hpp"
#include "kafka/record.hpp"
#include "kafka/settings.hpp"
#include "loops/consumer_metrics.hpp"
#include "loops/batch.hpp"
#include "loops/decode.hpp"
#include "loops/failures.hpp"
#include "outbox/parked_table.hpp"
#include "outbox/postgres_unit_of_work.hpp"

namespace orderflow::loops {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kIdlePoll{500};
constexpr milliseconds kTick{1'000};  // between two checks of the parked records
constexpr int kRetriesAtOnce = 100;
constexpr milliseconds kCountEvery{5'000};    // the parked records, of which there may be many
constexpr milliseconds kHealthyLife{30'000};  // a client that lived this long had no false start

// The objects that a ConsumerLoop's thread uses besides the client.
class ConsumerThread {
public:
    ConsumerThread(std::stop_token stop, const Context& context, const Subscription& subscription,
                   StartStep& joining)
        : stop_(std::move(stop)),
          context_(context),
          subscription_(subscription),
          kafka_(settings_of(context, subscription)),
          topics_(topics_of(subscription, context.service)),
          joining_(joining),
          metrics_(context.registry, subscription.name),
          lags_(context.registry, kafka_.group_id),
          connection_(context.database_url),
          work_(connection_, context.service, context.relay_feed, subscription.topics),
          handler_(subscription.make_handler(connection_)) {}

    // The life of one client. Throws when the client is broken.
    void run() {
        kafka::Consumer source(
            kafka_, topics_, subscription_.fetch.value_or(kafka::FetchSettings{}),
            [this](const kafka::Record& record) {
                return can_wait(context_.service, subscription_.can_wait, record);
            });
        ConsumerStep consumer(context_.service, source, work_, *handler_,
                              subscription_.gather.value_or(GatherLimits{}));
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
    // Repeats until everything is committed. A failure rolls back, holds the partitions and tries
    // again, without a time limit, until the partitions are revoked or the process stops. Then the
    // batch is delivered again, here or elsewhere.
    void handle(ConsumerStep& consumer, kafka::RecordSource& source) {
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
            metrics_.show(outbox::ParkedTable(connection_).count());
            next_count_ = steady_clock::now() + kCountEvery;
        } catch (const std::exception&) {
            metrics_.failures.Increment();
            report_failure("parked records", connection_);
        }
    }

    static kafka::Settings settings_of(const Context& context, const Subscription& subscription) {
        kafka::Settings settings = context.kafka;
        if (!subscription.group.empty()) settings.group_id = subscription.group;
        for (const auto& [name, value] : subscription.properties) {
            settings.properties.consumer[name] = value;
        }
        return settings;
    }

    const std::stop_token stop_;
    const Context& context_;
    const Subscription& subscription_;
    const kafka::Settings kafka_;
    const std::vector<std::string> topics_;
    StartStep& joining_;
    ConsumerMetrics metrics_;
    LagMetrics lags_;
    postgres::Connection connection_;
    outbox::PostgresUnitOfWork work_;
    const std::unique_ptr<BatchHandler> handler_;
    std::uint64_t answers_ = 0;  // number of the brokers' answers, as of the last tick
    steady_clock::time_point next_tick_{};
    steady_clock::time_point next_count_{};
};

void consume(const std::stop_token& stop, const Context& context,
             const Subscription& subscription) {
    StartStep joining(context.start_steps, "consumer");
    if (!context.await_all(stop)) return;
    joining.because("the group of subscription " + subscription.name +
                    " has not assigned it partitions yet");
    ConsumerThread thread(stop, context, subscription, joining);
    Backoff restarts;
    while (!stop.stop_requested()) {
        const auto begun = steady_clock::now();
        try {
            thread.run();
        } catch (const std::exception& error) {  // a fatal error of the client: create a new one
            spdlog::error("consumer {}: {}", subscription.name, error.what());
            thread.broken();
            if (steady_clock::now() - begun > kHealthyLife) restarts.reset();
            pause(stop, restarts.next());
        }
    }
}

}  // namespace

ConsumerLoop::ConsumerLoop(const Context& context, Subscription subscription)
    : thread_([context, subscription = std::move(subscription)](const std::stop_token& stop) {
          consume(stop, context, subscription);
      }) {}

void ConsumerLoop::stop() {
    request_stop();
    if (thread_.joinable()) thread_.join();
}

}  // namespace orderflow::loops
