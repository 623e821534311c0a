#pragma once
// The threads that every service has, as steps: the consumer with the due parked records, and the
// relay. They follow loops/consumer_loop.cpp, relay_loop.cpp and announcements_loop.cpp, where the
// same code runs on real clocks and clients. The simulation runs them all on one thread.
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "kafka/delivery.hpp"
#include "kafka/producer.hpp"
#include "kafka/record.hpp"
#include "loops/batch.hpp"
#include "outbox/announcing.hpp"
#include "outbox/relay.hpp"
#include "outbox/unit_of_work.hpp"
#include "simulation/broker.hpp"
#include "simulation/database.hpp"

namespace orderflow::simulation {

// Records that a service cannot handle for a while, for no reason of their own; and payments whose
// results cannot be saved for a while.
class Poison {
public:
    explicit Poison(World& world) : world_(world) {}
    bool strikes(events::Service service, const kafka::Record& record);
    bool strikes(const OrderId& payment);
    bool has_struck(events::Service service, const kafka::Record& record) const;

private:
    using Key = std::tuple<events::Service, std::string, int, std::int64_t>;
    static Key key_of(events::Service service, const kafka::Record& record);

    template <class AnyKey>
    bool strikes(std::map<AnyKey, Instant>& until, const AnyKey& key);

    World& world_;
    std::map<Key, Instant> until_;
    std::map<OrderId, Instant> payments_until_;
};

inline constexpr std::string_view kPoisoned = "poisoned";

// Sits between the batch and the service's handler: throws for poisoned records, and reports to the
// invariants which records were handled.
class WatchedHandler final : public loops::BatchHandler {
public:
    WatchedHandler(std::unique_ptr<loops::BatchHandler> handler, Session& session, Poison& poison,
                   const std::string& process)
        : handler_(std::move(handler)), session_(session), poison_(poison), process_(process) {}

    bool handle(Instant now, std::span<const kafka::Delivery> batch,
                outbox::BatchOutput& out) override;
    void committed() override { handler_->committed(); }

private:
    const std::unique_ptr<loops::BatchHandler> handler_;
    Session& session_;
    Poison& poison_;
    const std::string& process_;
};

using HandlerFactory = std::function<std::unique_ptr<loops::BatchHandler>(Session&)>;

class ConsumerThread {
public:
    ConsumerThread(World& world, Broker& broker, Database& database, Poison& poison,
                   const Victim& victim, const std::string& process,
                   const HandlerFactory& make_handler);

    bool step();
    bool idle() const { return !in_hand_; }

private:
    bool handle();
    bool retry();

    World& world_;
    const std::string process_;
    Session session_;
    const std::unique_ptr<outbox::UnitOfWork> work_;
    const std::unique_ptr<kafka::RecordSource> source_;
    WatchedHandler watched_;
    const std::unique_ptr<loops::BatchHandler> handler_;
    loops::ConsumerStep consumer_;
    bool in_hand_ = false;
    Instant next_tick_{};
};

// Corresponds to AnnouncementsThread in announcements_loop.cpp.
class AnnouncingThread final : public outbox::AnnouncementTopics {
public:
    AnnouncingThread(World& world, Broker& broker, Database& database, const Victim& victim,
                     const std::string& process);

    void wake() { woken_ = true; }
    bool step();
    // Whether every announcement is sent that its topic accepts.
    bool idle() const;

    std::vector<std::string> waiting() override;
    std::unique_ptr<outbox::Ledger> ledger(const std::string& topic) override;
    std::unique_ptr<kafka::Producer> producer(const std::string& topic, bool alone) override;
    void refused(const std::string& topic, const outbox::Refused& refused,
                 std::chrono::milliseconds pause) override;
    void skipped(const std::string& topic, const outbox::Relay::Skipped& skipped) override;

private:
    World& world_;
    Broker& broker_;
    Database& database_;
    const Place place_;
    const std::string process_;
    LedgerSession session_;
    const std::vector<std::string> topics_;
    std::optional<outbox::AnnouncementRelay> relay_;
    bool woken_ = false;
};

class RelayThread {
public:
    RelayThread(World& world, Broker& broker, Database& database, const Victim& victim,
                const std::string& process);

    bool step();
    // Whether it does not lead, or every row of the outbox is confirmed and the checkpoint is past
    // it.
    bool idle() const;

private:
    bool step_saga();
    bool lead();
    void begin_again();

    World& world_;
    Broker& broker_;
    Database& database_;
    const Place place_;
    const std::string process_;
    LedgerSession session_;
    const std::unique_ptr<outbox::Ledger> ledger_;
    std::unique_ptr<kafka::Producer> producer_;
    std::optional<outbox::Relay> relay_;
    AnnouncingThread announcing_;
    std::int64_t one_by_one_until_ = 0;
};

}  // namespace orderflow::simulation
