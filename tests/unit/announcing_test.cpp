// The lanes of announcements over topics in memory: a topic that refuses holds up no other.

#include <map>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "kafka/producer.hpp"
#include "outbox/announcing.hpp"
#include "outbox/relay.hpp"
#include "support/fakes.hpp"

namespace orderflow::outbox {
namespace {

using namespace std::chrono_literals;
using Seqs = std::vector<std::int64_t>;

// What it holds, and what it refuses.
struct Topic {
    test::MemoryLedger ledger;
    std::function<std::optional<kafka::Refusal>(std::int64_t seq, bool alone)> refuses =
        [](std::int64_t, bool) { return std::nullopt; };
    std::optional<kafka::Refusal> refuses_all;
    Seqs log;
    std::vector<std::chrono::milliseconds> pauses;
    Seqs skipped;
    int opened = 0;
    int open = 0;
    std::size_t most_in_flight = 0;
};

class TopicProducerOf final : public kafka::Producer {
public:
    TopicProducerOf(Topic& topic, bool alone) : topic_(topic), alone_(alone) { ++topic_.open; }
    ~TopicProducerOf() override { --topic_.open; }
    bool produce(const kafka::Message& row, std::uint64_t token) override {
        const auto seq = static_cast<const LedgerRow&>(row).seq;  // a relay's are no others
        const auto why = topic_.refuses(seq, alone_);
        if (!why) topic_.log.push_back(seq);
        reports_.push_back({token, !why, why.value_or(kafka::Refusal::other), "no"});
        topic_.most_in_flight = std::max(topic_.most_in_flight, reports_.size());
        return true;
    }
    std::vector<Report> reports() override { return std::exchange(reports_, {}); }
    void flush(std::chrono::milliseconds) override {}

private:
    Topic& topic_;
    const bool alone_;
    std::vector<Report> reports_;
};

class LedgerOf final : public Ledger {
public:
    explicit LedgerOf(test::MemoryLedger& inner) : inner_(inner) {}
    bool lead() override { return inner_.lead(); }
    std::int64_t checkpoint() override { return inner_.checkpoint(); }
    std::string topic_id() override { return inner_.topic_id(); }
    void set_topic_id(const std::string& id, std::int64_t seq) override {
        inner_.set_topic_id(id, seq);
    }
    std::vector<LedgerRow> read(std::int64_t after, std::size_t limit) override {
        return inner_.read(after, limit);
    }
    void move_checkpoint(std::int64_t from, std::int64_t to) override {
        inner_.move_checkpoint(from, to);
    }
    void release() noexcept override {}

private:
    test::MemoryLedger& inner_;
};

class Topics final : public AnnouncementTopics {
public:
    std::vector<std::string> waiting() override {
        std::vector<std::string> names;
        for (const auto& [name, topic] : topics) {
            const auto& rows = topic.ledger.rows;
            if (!rows.empty() && rows.back().seq > topic.ledger.saved) names.push_back(name);
        }
        return names;
    }
    std::unique_ptr<Ledger> ledger(const std::string& name) override {
        return std::make_unique<LedgerOf>(topics[name].ledger);
    }
    std::unique_ptr<kafka::Producer> producer(const std::string& name, bool alone) override {
        Topic& topic = topics[name];
        ++topic.opened;
        if (topic.refuses_all) throw Refused(*topic.refuses_all, 0, "no");
        return std::make_unique<TopicProducerOf>(topic, alone);
    }
    void refused(const std::string& name, const Refused&,
                 std::chrono::milliseconds pause) override {
        topics[name].pauses.push_back(pause);
    }
    void skipped(const std::string& name, const Relay::Skipped& skipped) override {
        topics[name].skipped.push_back(skipped.seq);
    }

    void append(const std::string& name, int events) {
        for (int i = 0; i < events; ++i) {
            topics[name].ledger.append(++seq_, test::new_order_id());
        }
    }
    Seqs all_of(const std::string& name) {
        Seqs seqs;
        for (const auto& row : topics[name].ledger.rows) seqs.push_back(row.seq);
        return seqs;
    }

    std::map<std::string, Topic> topics;

private:
    std::int64_t seq_ = 0;
};

// Rounds, 10 ms apart.
struct Lab {
    Topics topics;
    AnnouncementRelay relay{topics, {}};
    AnnouncementRelay::Clock::time_point now{1h};

    void run(std::chrono::milliseconds time) {
        for (const auto end = now + time; now < end; now += 10ms) relay.step(now);
    }
};

}  // namespace

TEST_CASE("announcements: lanes are opened for what waits, and closed when idle") {
    Lab lab;
    lab.topics.append("a", 3);
    lab.topics.append("b", 0);
    lab.run(2s);
    CHECK(lab.topics.topics["a"].log == lab.topics.all_of("a"));
    CHECK(lab.topics.topics["a"].open == 1);
    CHECK(lab.topics.topics["b"].opened == 0);
    CHECK_FALSE(lab.relay.done());

    lab.run(12s);
    CHECK(lab.relay.done());
    CHECK(lab.topics.topics["a"].open == 0);
    CHECK(lab.topics.topics["a"].ledger.saved == 3);
    lab.topics.append("a", 1);
    lab.run(2s);
    CHECK(lab.topics.topics["a"].log == lab.topics.all_of("a"));
}

TEST_CASE("announcements: a topic that refuses everything holds up no other") {
    const auto why =
        GENERATE(kafka::Refusal::gone, kafka::Refusal::not_authorised, kafka::Refusal::other,
                 kafka::Refusal::invalid, kafka::Refusal::too_large);
    const bool at_once = GENERATE(true, false);  // when it is looked at, or by its reports
    Lab lab;
    Topic& refusing = lab.topics.topics["a"];
    if (at_once) {
        refusing.refuses_all = why;
    } else {
        refusing.refuses = [why](std::int64_t, bool) { return why; };
    }
    lab.topics.append("a", 5'500);
    lab.topics.append("b", 5'500);
    lab.run(60s);

    CHECK(lab.topics.topics["b"].log == lab.topics.all_of("b"));
    CHECK(refusing.log.empty());
    if (at_once || !kafka::is_about_the_event(why)) {
        CHECK(refusing.pauses.size() < 20);  // its backoff grows
        CHECK(refusing.pauses.back() > 5s);
        CHECK(refusing.skipped.empty());
    }

    refusing.refuses_all.reset();
    refusing.refuses = [](std::int64_t, bool) { return std::nullopt; };
    lab.run(120s);
    Seqs sent = refusing.skipped;
    sent.insert(sent.end(), refusing.log.begin(), refusing.log.end());
    CHECK(sent == lab.topics.all_of("a"));
}

TEST_CASE("announcements: a batch that is too large is taken apart, and nothing is lost by it") {
    Lab lab;
    Topic& topic = lab.topics.topics["a"];
    topic.refuses = [](std::int64_t, bool alone) {
        return alone ? std::nullopt : std::optional(kafka::Refusal::too_large);
    };
    lab.topics.append("a", 30);
    lab.run(10s);
    CHECK(topic.log == lab.topics.all_of("a"));
    CHECK(topic.skipped.empty());
    CHECK(topic.pauses == std::vector{0ms});
}

TEST_CASE("announcements: one that its topic refuses for itself is passed over, no other is") {
    Lab lab;
    Topic& topic = lab.topics.topics["a"];
    topic.refuses = [](std::int64_t seq, bool) {
        return seq % 10 == 4 ? std::optional(kafka::Refusal::too_large) : std::nullopt;
    };
    lab.topics.append("a", 30);
    lab.run(20s);
    CHECK(topic.skipped == Seqs{4, 14, 24});
    Seqs expected = lab.topics.all_of("a");
    std::erase_if(expected, [](auto seq) { return seq % 10 == 4; });
    std::ranges::sort(topic.log);
    CHECK(std::ranges::includes(topic.log, expected));
    CHECK(topic.ledger.saved == 30);
}

TEST_CASE("announcements: a lost ledger is the caller's to mend") {
    Lab lab;
    lab.topics.append("a", 3);
    lab.topics.topics["a"].ledger.lost = true;
    CHECK_THROWS(lab.run(1s));
}

}  // namespace orderflow::outbox
