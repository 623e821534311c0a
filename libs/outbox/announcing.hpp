#pragma once
// The lanes of announcements: reports of parked records, for people and their tools. Each topic has
// its own progress, producer and backoff, so a topic that refuses delays neither the others nor the
// saga. A lane is opened when there is something to send, and closed when it is idle.
// `AnnouncementTopics` is a port: Kafka and PostgreSQL in production, the simulator's own in tests.
// Runs on one thread.
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

// The destinations of announcements. A call throws Refused if the topic is the cause. It throws
// another exception if the database or the client is broken: then AnnouncementRelay must be
// recreated.
class AnnouncementTopics {
public:
    virtual ~AnnouncementTopics() = default;
    // Topics with announcements above their checkpoints.
    virtual std::vector<std::string> waiting() = 0;
    virtual std::unique_ptr<Ledger> ledger(const std::string& topic) = 0;
    // Creates the producer, and waits for the topic. `alone`: one event per batch.
    virtual std::unique_ptr<kafka::Producer> producer(const std::string& topic, bool alone) = 0;
    // Logs and counts a refusal; the lane tries again after `pause`.
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

    // One round of every lane. False: no lane made progress.
    bool step(Clock::time_point now);

    // Returns whether nothing is left to send, as of the last look, and every lane is closed.
    bool done() const { return looked_ && lanes_.empty(); }

    bool sending() const;  // produced and not yet reported

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
