#include "simulation/threads.hpp"

#include <algorithm>
#include <stdexcept>

#include "kafka/delivery.hpp"
#include "kafka/producer.hpp"
#include "kafka/record.hpp"
#include "loops/batch.hpp"
#include "outbox/unit_of_work.hpp"
#include "simulation/mutants.hpp"

namespace orderflow::simulation {
namespace {

constexpr std::chrono::milliseconds kTick{500};  // between two looks at the parked records
constexpr std::chrono::milliseconds kSlowestCheckpoint{200};

}  // namespace

Poison::Key Poison::key_of(events::Service service, const kafka::Record& record) {
    return {service, std::string(record.topic), record.partition, record.offset};
}

bool Poison::has_struck(events::Service service, const kafka::Record& record) const {
    return until_.contains(key_of(service, record));
}

template <class AnyKey>
bool Poison::strikes(std::map<AnyKey, Instant>& until, const AnyKey& key) {
    const auto known = until.find(key);
    if (known != until.end()) return world_.now < known->second;
    if (!world_.random.percent(world_.faults.poison)) return false;
    until[key] = world_.now + std::chrono::milliseconds(world_.random.between(500, 40'000));
    return true;
}

bool Poison::strikes(events::Service service, const kafka::Record& record) {
    return strikes(until_, key_of(service, record));
}

bool Poison::strikes(const OrderId& payment) { return strikes(payments_until_, payment); }

bool WatchedHandler::handle(Instant now, std::span<const kafka::Delivery> batch,
                            outbox::BatchOutput& out) {
    for (const kafka::Delivery& delivery : batch) {
        const auto type = events::type_name(events::kind_of(delivery.event));
        if (const OrderId* id = delivery.order_id()) {
            session_.world().note(process_, " handles ", type, " of ", *id);
        } else {
            session_.world().note(process_, " handles ", type);
        }
        if (poison_.strikes(session_.place().service, *delivery.record)) {
            session_.world().note("  which is poisoned");
            throw std::runtime_error(std::string(kPoisoned));
        }
    }
    if (!handler_->handle(now, batch, out)) return false;
    session_.handled(batch, out);
    return true;
}

ConsumerThread::ConsumerThread(World& world, Broker& broker, Database& database, Poison& poison,
                               const Victim& victim, const std::string& process,
                               const HandlerFactory& make_handler)
    : world_(world),
      process_(process),
      session_(world, database, {&victim, database.service(), Step::consume}),
      work_(mutants::unit_of_work(world.mutant, session_)),
      source_(mutants::record_source(world.mutant, broker.join(session_.place()))),
      watched_(mutants::handler(world.mutant, make_handler(session_)), session_, poison, process_),
      handler_(mutants::batch_handler(world.mutant, watched_)),
      consumer_(database.service(), *source_, *work_, *handler_, {}) {}

bool ConsumerThread::step() {
    if (in_hand_) return handle();
    if (world_.now >= next_tick_) {
        if (retry()) return true;
        next_tick_ = world_.now + kTick;
    }
    session_.set_step(Step::consume);
    in_hand_ = consumer_.poll(std::chrono::milliseconds{0});
    return in_hand_;
}

// Corresponds to one turn of the loop of ConsumerThread::handle() in consumer_loop.cpp.
bool ConsumerThread::handle() {
    session_.set_step(Step::consume);
    try {
        consumer_.handle();
        in_hand_ = false;
    } catch (const std::exception& error) {
        world_.note(process_, " cannot handle its batch: ", error.what());
        if (!source_->hold(std::chrono::milliseconds{0}, {})) {
            consumer_.drop();
            in_hand_ = false;
        }
    }
    return true;
}

bool ConsumerThread::retry() {
    session_.set_step(Step::retry);
    try {
        return loops::retry_due(session_.place().service, *work_, *handler_).has_value();
    } catch (const std::exception& error) {
        world_.note(process_, " cannot retry: ", error.what());
        return true;
    }
}

namespace {

std::vector<std::string> announcement_topics(events::Service service) {
    std::vector<std::string> topics;
    for (const auto& topic : events::topics()) {
        if (topic.producers & events::bit(service)) topics.emplace_back(topic.name);
    }
    std::erase(topics, std::string(events::topic_of(service)));
    return topics;
}

}  // namespace

AnnouncingThread::AnnouncingThread(World& world, Broker& broker, Database& database,
                                   const Victim& victim, const std::string& process)
    : world_(world),
      broker_(broker),
      database_(database),
      place_{&victim, database.service(), Step::relay},
      process_(process),
      session_(world, database, victim, true),
      topics_(announcement_topics(database.service())) {}

bool AnnouncingThread::step() {
    if (!relay_ && !woken_) return false;
    try {
        if (!relay_) {
            if (!session_.lead()) return false;
            woken_ = false;
            relay_.emplace(*this, outbox::AnnouncementRelay::Limits{});
        }
        const bool moved = relay_->step(world_.steady_now());
        if (relay_->done()) {
            relay_.reset();
            session_.release();
        }
        return moved;
    } catch (const std::exception& error) {
        world_.note(process_, ": announcing begins again: ", error.what());
        relay_.reset();
        session_.release();
        woken_ = true;
        return true;
    }
}

bool AnnouncingThread::idle() const {
    return std::ranges::all_of(topics_, [this](const std::string& topic) {
        return broker_.refuses(topic) || database_.announced_all(topic);
    });
}

std::vector<std::string> AnnouncingThread::waiting() {
    return AnnouncementLedger::waiting(session_, topics_);
}

std::unique_ptr<outbox::Ledger> AnnouncingThread::ledger(const std::string& topic) {
    return std::make_unique<AnnouncementLedger>(session_, topic);
}

std::unique_ptr<kafka::Producer> AnnouncingThread::producer(const std::string& topic, bool) {
    if (broker_.refuses(topic) && world_.random.percent(50)) {
        throw outbox::Refused(kafka::Refusal::gone, 0, "gone, and cannot be made again");
    }
    return broker_.make_producer(place_);
}

void AnnouncingThread::refused(const std::string& topic, const outbox::Refused& refused,
                               std::chrono::milliseconds) {
    world_.note(process_, ": ", topic, " refuses ", refused.seq, ": ", refused.what());
}

void AnnouncingThread::skipped(const std::string& topic, const outbox::Relay::Skipped& skipped) {
    world_.note(process_, ": ", topic, " will never take ", skipped.seq);
}

RelayThread::RelayThread(World& world, Broker& broker, Database& database, const Victim& victim,
                         const std::string& process)
    : world_(world),
      broker_(broker),
      database_(database),
      place_{&victim, database.service(), Step::relay},
      process_(process),
      session_(world, database, victim),
      ledger_(mutants::ledger(world.mutant, session_)),
      announcing_(world, broker, database, victim, process) {}

bool RelayThread::step() {
    const bool busy = step_saga();
    return announcing_.step() || busy;
}

bool RelayThread::step_saga() {
    try {
        if (!relay_) return lead();
        const std::int64_t stepped_over = relay_->stepped_over();
        const Instant looked = world_.now;
        const std::size_t produced = relay_->step(world_.steady_now());
        if (relay_->stepped_over() > stepped_over) announcing_.wake();
        if (produced > 0 && database_.is_held_since(looked - kSlowestCheckpoint)) {
            world_.fail("a relay that is held sends nothing", process_);
        }
        if (!ledger_->held()) return produced > 0;
        relay_->finish();
        world_.note(process_, ": relay is held");
    } catch (const outbox::Refused& refused) {
        world_.note(process_, ": relay begins again: ", refused.what());
        one_by_one_until_ = refused.seq;
    } catch (const std::exception& error) {
        world_.note(process_, ": relay begins again: ", error.what());
    }
    begin_again();
    return true;
}

bool RelayThread::lead() {
    if (!ledger_->lead()) return false;
    producer_ = mutants::producer(world_.mutant, broker_.make_producer(place_));
    outbox::Relay::Limits limits;
    limits.read_rows = 1 + world_.random.below(8);
    limits.in_flight = 1 + world_.random.below(20);
    limits.checkpoint_every =
        std::chrono::milliseconds(world_.random.between(0, kSlowestCheckpoint.count()));
    limits.one_by_one_until = one_by_one_until_;
    relay_.emplace(*ledger_, *producer_, limits);
    relay_->start();
    announcing_.wake();
    return true;
}

// Resets the producer first: then its unsent records are gone before another relay can read the
// ledger.
void RelayThread::begin_again() {
    relay_.reset();
    producer_.reset();
    ledger_->release();
}

bool RelayThread::idle() const {
    if (!announcing_.idle()) return false;
    if (!relay_) return true;
    return database_.outbox().empty() || database_.checkpoint() >= database_.outbox().back().seq;
}

}  // namespace orderflow::simulation
