#include "simulation/threads.hpp"

#include <stdexcept>

#include "simulation/mutants.hpp"

namespace orderflow::simulation {
namespace {

constexpr std::chrono::milliseconds kTick{500};  // between two looks at the parked records

}  // namespace

Poison::Key Poison::key_of(events::Service service, const messaging::Record& record) {
    return {service, std::string(record.topic), record.partition, record.offset};
}

bool Poison::has_struck(events::Service service, const messaging::Record& record) const {
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

bool Poison::strikes(events::Service service, const messaging::Record& record) {
    return strikes(until_, key_of(service, record));
}

bool Poison::strikes(const OrderId& payment) { return strikes(payments_until_, payment); }

bool WatchedHandler::handle(Instant now, std::span<const messaging::Delivery> batch,
                            messaging::BatchOutput& out) {
    for (const messaging::Delivery& delivery : batch) {
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

// As ConsumerThread::handle() in loops.cpp, one turn of its loop.
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
        return messaging::retry_due(session_.place().service, *work_, *handler_).has_value();
    } catch (const std::exception& error) {
        world_.note(process_, " cannot retry: ", error.what());
        return true;
    }
}

RelayThread::RelayThread(World& world, Broker& broker, Database& database, const Victim& victim,
                         const std::string& process)
    : world_(world),
      broker_(broker),
      database_(database),
      place_{&victim, database.service(), Step::relay},
      process_(process),
      session_(world, database, victim),
      ledger_(mutants::ledger(world.mutant, session_)) {}

bool RelayThread::step() {
    try {
        if (!relay_) return lead();
        return relay_->step(world_.steady_now()) > 0;
    } catch (const std::exception& error) {
        world_.note(process_, ": relay begins again: ", error.what());
        begin_again();
        return true;
    }
}

bool RelayThread::lead() {
    if (!ledger_->lead()) return false;
    producer_ = mutants::producer(world_.mutant, broker_.make_producer(place_));
    messaging::Relay::Limits limits;
    limits.read_rows = 1 + world_.random.below(8);
    limits.in_flight = 1 + world_.random.below(20);
    limits.checkpoint_every = std::chrono::milliseconds(world_.random.between(0, 200));
    relay_.emplace(*ledger_, *producer_, limits);
    relay_->start();
    return true;
}

// The producer first: what it has not sent is gone before another relay can read it.
void RelayThread::begin_again() {
    relay_.reset();
    producer_.reset();
    ledger_->release();
}

bool RelayThread::idle() const {
    if (!relay_) return true;
    return database_.outbox().empty() ||
           database_.checkpoint() >= database_.outbox().back().seq;
}

}  // namespace orderflow::simulation
