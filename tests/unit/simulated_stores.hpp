#pragma once
// The simulator's stores for unit tests: on the database of one service, without faults. One
// thread.
#include <memory>

#include "simulation/stores.hpp"
#include "support/store_contract.hpp"

namespace orderflow::test {

// A process that nothing happens to.
class SafeProcess final : public simulation::Victim {
public:
    bool doomed() const override { return false; }
    bool frozen() const override { return false; }
};

// The tables of one service. `Tables` is, for example, simulation::OrderDatabase.
template <class Tables>
struct SimulatedDatabase {
    simulation::Place place(simulation::Step step) const {
        return {&process, tables.service(), step};
    }

    simulation::Points points;  // how often each statement was run
    simulation::World world{1, simulation::Mutant::none, false, points};
    Tables tables{world};
    SafeProcess process;
};

// A connection. `step` is one of those that points.cpp lists with the statements of the test.
template <class Port, class Store, class Tables>
class SimulatedSession final : public StoreSession<Port> {
public:
    SimulatedSession(SimulatedDatabase<Tables>& database, simulation::Step step)
        : session_(database.world, database.tables, database.place(step)),
          store_(session_, database.tables) {}

    outbox::UnitOfWork& work() override { return session_; }
    Port& store() override { return store_; }

private:
    simulation::Session session_;
    Store store_;
};

// Implements `Base`, a StoreUnderTest.
template <class Base, class Store, class Tables, simulation::Step step>
class SimulatedStores : public Base {
public:
    using Port = typename Base::Port;

    std::unique_ptr<StoreSession<Port>> connect() override { return connect_at(step); }
    std::unique_ptr<StoreSession<Port>> connect_at(simulation::Step other_step) {
        return std::make_unique<SimulatedSession<Port, Store, Tables>>(database, other_step);
    }

    SimulatedDatabase<Tables> database;
};

}  // namespace orderflow::test
