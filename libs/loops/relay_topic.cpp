#include "loops/relay_topic.hpp"

#include <spdlog/spdlog.h>

#include "core/enums.hpp"
#include "core/pause.hpp"
#include "outbox/relay.hpp"

namespace orderflow::loops {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kAnswer{200};
constexpr milliseconds kGone{1'000};     // a new topic may take a moment to be known by all brokers
constexpr milliseconds kRetryPause{50};  // before the next request for a topic that is not found

prometheus::Family<prometheus::Counter>& counter(prometheus::Registry& registry, const char* name,
                                                 const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Gauge& gauge(prometheus::Registry& registry, const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

RelayMetrics::RelayMetrics(prometheus::Registry& registry)
    : relayed(
          counter(registry, "orderflow_relay_events_total",
                  "Events that the saga's lane of the relay produced to Kafka, repeats included")
              .Add({})),
      restarts(counter(registry, "orderflow_relay_restarts_total",
                       "Restarts of the relay after it lost its ledger or its producer")
                   .Add({})),
      refusals(
          counter(registry, "orderflow_relay_refusals_total", "Refusals by a topic, by reason")),
      skipped(counter(
          registry, "orderflow_relay_skipped_total",
          "Announcements that the relay skipped because their topic can never accept them")),
      remade(counter(registry, "orderflow_relay_topics_remade_total",
                     "Times the relay found its topic recreated under the same name")),
      seq(prometheus::BuildGauge()
              .Name("orderflow_relay_seq")
              .Help("Ledger position of this relay: rows read, and rows confirmed by Kafka")
              .Register(registry)),
      read_seq(seq.Add({{"position", "read"}})),
      confirmed_seq(seq.Add({{"position", "confirmed"}})),
      lag_rows(gauge(registry, "orderflow_relay_lag_rows",
                     "Outbox rows that Kafka has not confirmed; 0 in a process that does not "
                     "relay")),
      lag_seconds(gauge(registry, "orderflow_relay_lag_seconds",
                        "Age of the oldest outbox row that Kafka has not confirmed, seconds")),
      held(gauge(registry, "orderflow_relay_held",
                 "1 while an operator holds the relay: nothing is sent")) {}

void RelayMetrics::count(const std::string& topic, kafka::Refusal why) {
    refusals.Add({{"topic", topic}, {"why", std::string(orderflow::name_of(why))}}).Increment();
}

void log_refusal(const std::string& topic, const outbox::Refused& refused, milliseconds pause) {
    const std::string what = refused.seq > 0 ? "event " + std::to_string(refused.seq) : "events";
    spdlog::error("relay: {} refuses {}: {} ({}); next try in {} ms", topic, what, refused.what(),
                  orderflow::name_of(refused.why), pause.count());
}

std::string find_topic(kafka::TopicProducer& producer, const std::stop_token& stop,
                       steady_clock::time_point until, const std::function<bool()>& alive) {
    auto give_up = steady_clock::now() + kGone;
    while (!stop.stop_requested() && alive() && steady_clock::now() < until) {
        producer.ask();
        const auto state = producer.answer(kAnswer);
        if (!state) continue;
        if (!state->refusal) return state->id;
        if (*state->refusal == kafka::Refusal::not_authorised) {
            throw outbox::Refused(*state->refusal, 0, state->error);
        }
        if (*state->refusal != kafka::Refusal::gone) {
            give_up = steady_clock::now() + kGone;
        } else if (steady_clock::now() > give_up) {
            throw outbox::Refused(kafka::Refusal::gone, 0,
                                  state->error + " (orderctl topics apply creates it)");
        }
        pause(stop, kRetryPause);
    }
    return {};
}

void meet_topic(outbox::PostgresLedger& ledger, const std::string& topic, const std::string& id,
                bool send_again, RelayMetrics& metrics) {
    const std::int64_t checkpoint = ledger.checkpoint();
    if (outbox::Relay::meet_topic(ledger, id, send_again)) {
        metrics.remade.Add({{"topic", topic}}).Increment();
        spdlog::error(
            "relay: topic {} was recreated, its new id is {}: the records of the old topic are "
            "gone{}",
            topic, id,
            send_again ? "; the relay sends the outbox again up to " + std::to_string(checkpoint)
                       : "");
    }
    ledger.topic_is_there();
}

}  // namespace orderflow::loops
