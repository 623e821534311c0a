#include "loops/announcements_loop.hpp"

#include <spdlog/spdlog.h>

#include "core/backoff.hpp"
#include "core/enums.hpp"
#include "core/pause.hpp"
#include "core/wake_up.hpp"
#include "kafka/producer.hpp"
#include "outbox/announcing.hpp"
#include "loops/relay_topic.hpp"
#include "outbox/postgres_ledger.hpp"
#include "outbox/relay.hpp"

namespace orderflow::loops {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLongSleep{60'000};  // an operator who sends some again gives no signal
constexpr milliseconds kStandby{500};
constexpr milliseconds kIdle{100};
constexpr milliseconds kReports{5};
constexpr milliseconds kPatience{2'000};   // for the topic to exist
constexpr milliseconds kFlush{2'000};      // less than the session may be idle
constexpr milliseconds kLogEvery{10'000};  // for lines that may come with every announcement

class AnnouncementsThread final : public outbox::AnnouncementTopics {
public:
    AnnouncementsThread(std::stop_token stop, const Context& context, WakeUp& announced)
        : stop_(std::move(stop)),
          context_(context),
          announced_(announced),
          metrics_(context.registry),
          connection_(context.database_url) {
        for (const auto& topic : events::topics()) {
            const bool own = topic.name == events::topic_of(context.service);
            if ((topic.producers & events::bit(context.service)) && !own) {
                topics_.emplace_back(topic.name);
            }
        }
    }

    void run() {
        while (!stop_.stop_requested()) {  // the signal for the stop may come during send_all()
            announced_.wait(kLongSleep);
            send_all();
            connection_.reset();
        }
    }

    std::vector<std::string> waiting() override {
        return outbox::topics_with_announcements(connection_, topics_);
    }
    std::unique_ptr<outbox::Ledger> ledger(const std::string& topic) override {
        return std::make_unique<outbox::PostgresLedger>(connection_,
                                                        outbox::announcement_lane(topic));
    }
    std::unique_ptr<kafka::Producer> producer(const std::string& topic, bool alone) override {
        auto made = kafka::make_topic_producer(context_.kafka,
                                               {context_.service, topic, alone, /*gapless=*/false});
        const auto until = steady_clock::now() + kPatience;
        const std::string id = find_topic(*made, stop_, until, [&] {
            waiting();  // keeps the session, and with it the leadership
            return true;
        });
        if (id.empty()) throw outbox::Refused(kafka::Refusal::other, 0, "Kafka does not answer");
        outbox::PostgresLedger ledger(connection_, outbox::announcement_lane(topic));
        meet_topic(ledger, topic, id, false, metrics_);
        return made;
    }
    void refused(const std::string& topic, const outbox::Refused& refused,
                 milliseconds pause) override {
        metrics_.count(topic, refused.why);
        log_refusal(topic, refused, pause);
        outbox::PostgresLedger(connection_, outbox::announcement_lane(topic)).note_refusal(refused);
    }
    void skipped(const std::string& topic, const outbox::Relay::Skipped& skipped) override {
        metrics_.skipped.Add({{"topic", topic}}).Increment();
        outbox::PostgresLedger(connection_, outbox::announcement_lane(topic)).note_skipped(1);
        const auto now = steady_clock::now();
        if (now < next_log_) return;
        next_log_ = now + kLogEvery;
        spdlog::error(
            "relay: topic {} can never accept announcement {}: {} ({}); the relay skipped it, the "
            "record itself is kept (orderctl records list)",
            topic, skipped.seq, skipped.error, orderflow::name_of(skipped.why));
    }

private:
    // Sends until nothing is left, or until a stop.
    void send_all() {
        outbox::PostgresLedger lead(connection_, outbox::announcement_lane(""));
        Backoff backoff;
        while (!stop_.stop_requested()) {
            try {
                if (!lead.lead()) {  // another instance leads
                    pause(stop_, kStandby);
                    continue;
                }
                outbox::AnnouncementRelay relay(*this, {});
                while (!stop_.stop_requested()) {
                    if (relay.step(steady_clock::now())) continue;
                    if (relay.done()) return;
                    announced_.wait(relay.sending() ? kReports : kIdle);
                }
                return relay.finish(kFlush);
            } catch (const std::exception& error) {
                spdlog::warn("relay of announcements: {}", error.what());
                connection_.reset();
                pause(stop_, backoff.next());
            }
        }
    }

    const std::stop_token stop_;
    const Context& context_;
    WakeUp& announced_;
    RelayMetrics metrics_;
    postgres::Connection connection_;
    std::vector<std::string> topics_;
    steady_clock::time_point next_log_{};
};

}  // namespace

void send_announcements(std::stop_token stop, const Context& context, WakeUp& announced) {
    AnnouncementsThread(std::move(stop), context, announced).run();
}

}  // namespace orderflow::loops
