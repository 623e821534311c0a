#include "loops/relay_loop.hpp"

#include <spdlog/spdlog.h>

#include "core/backoff.hpp"
#include "core/pause.hpp"
#include "core/start_steps.hpp"
#include "kafka/producer.hpp"
#include "loops/announcements_loop.hpp"
#include "loops/relay_topic.hpp"
#include "outbox/postgres_ledger.hpp"
#include "outbox/relay.hpp"

namespace orderflow::loops {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Rows of other processes do not signal relay_feed here.
constexpr milliseconds kLookForOthers{20};
constexpr milliseconds kIdle{200};  // nobody else runs, but orderctl may append
constexpr milliseconds kStandby{500};
constexpr milliseconds kHeld{200};
constexpr milliseconds kFlush{2'000};   // less than the session may be idle
constexpr milliseconds kWarmUp{1'000};  // then it continues without
constexpr milliseconds kBacklogEvery{1'000};
constexpr milliseconds kLookEvery{2'000};  // does the topic still exist, and is it the same one
constexpr std::chrono::seconds kAlone{60};

// The destination in analytics, which emits no events.
class Nowhere final : public kafka::Producer {
public:
    bool produce(const kafka::Message&, std::uint64_t) override { return false; }
    std::vector<Report> reports() override { return {}; }
    void flush(milliseconds) override {}
};

class SagaThread {
public:
    // `warming` is done once the next event can leave at once: the leader is known, and if it is
    // this process, its producer is connected and knows its topic.
    SagaThread(std::stop_token stop, const Context& context, WakeUp& announced, StartStep& warming)
        : stop_(std::move(stop)),
          context_(context),
          announced_(announced),
          warming_(warming),
          topic_(events::topic_of(context.service)),
          metrics_(context.registry),
          connection_(context.database_url),
          ledger_(connection_, outbox::saga_lane(context.service), &context.relay_feed) {}

    void run() {
        while (!stop_.stop_requested()) {
            try {
                const bool leads = ledger_.lead();
                metrics_.held.Set(ledger_.held() ? 1 : 0);
                if (leads) {
                    lead();
                    if (ledger_.held()) {
                        spdlog::warn("relay: held by an operator: nothing is sent (orderctl lag)");
                        ledger_.release();  // none of our events is on its way any more
                    }
                } else if (ledger_.held()) {
                    warming_.done();
                    show_backlog(ledger_.checkpoint());  // no process leads: all show it
                    pause(stop_, kHeld);
                } else {
                    show_no_backlog();
                    warming_.done();
                    context_.relay_feed.wait(kStandby);
                }
            } catch (const outbox::Refused& refused) {
                begin_again(on_refusal(refused));
            } catch (const std::exception& error) {
                const auto pause = backoff_.next();
                spdlog::warn("relay: {}; restarting from the checkpoint", error.what());
                begin_again(pause);
            }
        }
        ledger_.release();
    }

private:
    void begin_again(milliseconds how_long) {
        metrics_.restarts.Increment();
        ledger_.release();  // first: another instance may succeed
        pause(stop_, how_long);
    }

    milliseconds on_refusal(const outbox::Refused& refused) {
        metrics_.count(topic_, refused.why);
        // A topic that does not exist refuses no particular event: when it exists again, the events
        // (perhaps the whole outbox) are sent as usual.
        one_by_one_until_ = refused.why == kafka::Refusal::gone ? 0 : refused.seq;
        milliseconds how_long{0};
        if (kafka::is_about_the_event(refused.why) && !alone()) {
            alone_until_ = steady_clock::now() + kAlone;
        } else {
            how_long = refused.why == kafka::Refusal::gone ? backoff_.next() : refusals_.next();
        }
        log_refusal(topic_, refused, how_long);
        note(refused);
        return how_long;
    }

    // For orderctl lag.
    void note(const outbox::Refused& refused) {
        try {
            ledger_.note_refusal(refused);
        } catch (const std::exception& error) {
            spdlog::warn("relay: {}", error.what());
        }
    }

    // Returns whether to send one event per batch: a batch may have been too large although none of
    // its events was.
    bool alone() const { return steady_clock::now() < alone_until_; }

    // Leads until it must stop, the lane is held, or another producer is needed.
    void lead() {
        struct KeepRows {
            outbox::RelayFeed& feed;
            ~KeepRows() { feed.keep_rows(false); }
        } const keep{context_.relay_feed};
        context_.relay_feed.keep_rows(true);
        announced_.signal();  // for announcements that the previous leader may have left
        std::unique_ptr<kafka::TopicProducer> kafka;
        if (!topic_.empty()) {
            kafka = kafka::make_topic_producer(
                context_.kafka, {context_.service, topic_, alone(), /*gapless=*/true});
            if (!open(*kafka)) return;
        }
        Nowhere nowhere;
        kafka::Producer& producer = kafka ? static_cast<kafka::Producer&>(*kafka) : nowhere;
        outbox::Relay relay(ledger_, producer, {.one_by_one_until = one_by_one_until_});
        relay.start();
        const bool was_alone = alone();
        const std::int64_t begun = relay.confirmed();
        bool is_warm = false;
        while (!stop_.stop_requested() && !ledger_.held() && was_alone == alone()) {
            if (kafka) look(*kafka);
            round(relay);
            if (const auto overdue = relay.take_overdue(steady_clock::now())) {
                metrics_.count(topic_, overdue->why);
                spdlog::error("relay: {}: event {} is {}", topic_, overdue->seq, overdue->what());
                note(*overdue);
            }
            if (!is_warm && (!kafka || kafka->has_id())) {
                is_warm = true;
                warming_.done();
            }
            if (relay.confirmed() > std::max(begun, one_by_one_until_)) {
                backoff_.reset();
                refusals_.reset();
            }
        }
        relay.step(steady_clock::now());
        producer.flush(kFlush);
        relay.finish();
    }

    // False: it must stop, or the lane is held.
    bool open(kafka::TopicProducer& kafka) {
        const auto alive = [&] {
            show_backlog(ledger_.checkpoint());  // throws if it is not the leader any more
            return !ledger_.held();
        };
        topic_id_ = find_topic(kafka, stop_, steady_clock::time_point::max(), alive);
        if (topic_id_.empty()) return false;
        meet_topic(ledger_, topic_, topic_id_, true, metrics_);
        kafka.warm_up(kWarmUp);
        next_look_ = steady_clock::now() + kLookEvery;
        return true;
    }

    // A producer gets no notice that its topic was recreated.
    void look(kafka::TopicProducer& kafka) {
        if (const auto state = kafka.answer(milliseconds{0})) {
            if (!state->refusal && state->id != topic_id_) {
                throw outbox::Refused(kafka::Refusal::gone, 0, "the topic was recreated");
            }
            if (state->refusal == kafka::Refusal::gone ||
                state->refusal == kafka::Refusal::not_authorised) {
                throw outbox::Refused(*state->refusal, 0, state->error);
            }
        }
        const auto now = steady_clock::now();
        if (now < next_look_) return;
        kafka.ask();
        next_look_ = now + kLookEvery;
    }

    // The leader shows it.
    void show_no_backlog() {
        metrics_.lag_rows.Set(0);
        metrics_.lag_seconds.Set(0);
    }

    void show_backlog(std::int64_t sent) {
        const auto now = steady_clock::now();
        if (now < next_backlog_) return;
        next_backlog_ = now + kBacklogEvery;
        const auto backlog = ledger_.backlog(sent);
        others_ = backlog.others;
        metrics_.lag_rows.Set(static_cast<double>(backlog.rows));
        metrics_.lag_seconds.Set(backlog.age_s);
    }

    void round(outbox::Relay& relay) {
        const std::int64_t head = relay.head();
        const std::int64_t stepped_over = relay.stepped_over();
        const std::size_t produced = relay.step(steady_clock::now());
        metrics_.relayed.Increment(static_cast<double>(produced));
        metrics_.read_seq.Set(static_cast<double>(relay.head()));
        metrics_.confirmed_seq.Set(static_cast<double>(relay.confirmed()));
        show_backlog(relay.confirmed());
        if (relay.stepped_over() > stepped_over) announced_.signal();
        const bool more = relay.behind() || context_.relay_feed.holds_rows();
        if (relay.head() != head && more) return;
        context_.relay_feed.wait(others_ || more ? kLookForOthers : kIdle);
    }

    const std::stop_token stop_;
    const Context& context_;
    WakeUp& announced_;
    StartStep& warming_;
    const std::string topic_;
    RelayMetrics metrics_;
    postgres::Connection connection_;
    outbox::PostgresLedger ledger_;
    std::string topic_id_;
    steady_clock::time_point next_look_{};
    steady_clock::time_point next_backlog_{};
    Backoff backoff_;
    Backoff refusals_{milliseconds{1'000}, milliseconds{30'000}};
    std::int64_t one_by_one_until_ = 0;
    steady_clock::time_point alone_until_{};
    bool others_ = true;  // other processes of the service run, as far as is known
};

}  // namespace

RelayLoop::RelayLoop(const Context& context)
    : relay_feed_(context.relay_feed),
      announcements_([this, context](std::stop_token stop) {
          if (context.await_all(stop)) send_announcements(stop, context, announced_);
      }),
      saga_([this, context](std::stop_token stop) {
          StartStep warming(context.start_steps, "relay");
          if (!context.await_all(stop)) return;
          warming.because("it is not connected yet");
          SagaThread(stop, context, announced_, warming).run();
      }) {}

void RelayLoop::request_stop() {
    saga_.request_stop();
    announcements_.request_stop();
    relay_feed_.signal();
    announced_.signal();
}

void RelayLoop::stop() {
    request_stop();
    if (saga_.joinable()) saga_.join();
    if (announcements_.joinable()) announcements_.join();
}

}  // namespace orderflow::loops
