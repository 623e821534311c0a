#pragma once
// The lanes of what is only told: announcements of parked records, for people and their tools. Each
// topic has its own progress, producer and backoff, so one that refuses holds up neither the others
// nor the saga. A lane is opened when something is to be sent and closed when it is idle. Ports:
// the topics (Kafka and PostgreSQL); the simulator brings its own. Runs on one thread.
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/backoff.hpp"
#include "kafka/producer.hpp"
#include "outbox/relay.hpp"

namespace orderflow::outbox {

// Where announcements go. Calls throw Refused when it is the topic's fault, and anything else when
// the database or the client is broken: then AnnouncementRelay is to be made anew.
class AnnouncementTopics {
public:
    virtual ~AnnouncementTopics() = default;
    // Topics with announcements above their checkpoints.
    virtual std::vector<std::string> waiting() = 0;
    virtual std::unique_ptr<Ledger> ledger(const std::string& topic) = 0;
    // Makes the topic if it is missing. `alone`: one event per batch.
    virtual std::unique_ptr<kafka::Producer> producer(const std::string& topic, bool alone) = 0;
    // What is to be logged and counted; tried again after `pause`.
    virtual void refused(const std::string& topic, const Refused& refused,
                         std::chrono::milliseconds pause) = 0;
    virtual void skipped(const std::string& topic, const Relay::Skipped& skipped) = 0;
};

class AnnouncementRelay {
public:
    using Clock = std::chrono::steady_clock;
    struct Limits {
        Relay::Limits relay{.read_rows = 20, .in_flight = 100};  // of up to 256 KiB each
        std::chrono::milliseconds look_every{1'000};
        std::chrono::milliseconds idle_for{10'000};  // then a lane is closed
    };

    AnnouncementRelay(AnnouncementTopics& topics, Limits limits)
        : topics_(topics), limits_(limits) {}

    // One round of every lane. False: nothing moved.
    bool step(Clock::time_point now);

    // Nothing is left to be sent, as far as it has looked, and every lane is closed.
    bool done() const { return looked_ && lanes_.empty(); }

    bool sending() const;  // something is produced and not yet reported

    // Takes the last reports; for an orderly stop.
    void finish(std::chrono::milliseconds at_most);

private:
    struct Lane {
        std::unique_ptr<Ledger> ledger;
        std::unique_ptr<kafka::Producer> producer;
        std::optional<Relay> relay;  // none: refused, and waits for its next try
        Backoff backoff{std::chrono::milliseconds{200}, std::chrono::milliseconds{30'000}};
        Clock::time_point next_try{};
        Clock::time_point busy_at{};
        std::int64_t refused_seq = 0;
        bool alone = false;
    };
    void look(Clock::time_point now);
    bool step(const std::string& topic, Lane& lane, Clock::time_point now);
    void open(const std::string& topic, Lane& lane);
    void tell_skipped(const std::string& topic, Lane& lane);
    static void close(Lane& lane);

    AnnouncementTopics& topics_;
    const Limits limits_;
    std::map<std::string, Lane> lanes_;
    Clock::time_point next_look_{};
    bool looked_ = false;
};

}  // namespace orderflow::outbox
