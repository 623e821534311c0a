#include "simulation/world.hpp"

#include "core/enums.hpp"
#include "postgres/error.hpp"

namespace orderflow::simulation {

Faults Faults::draw(Random& random) {
    const auto one_of = [&](std::initializer_list<int> values) {
        return values.begin()[random.below(values.size())];
    };
    Faults faults;
    faults.crash = one_of({0, 5, 20, 60});
    faults.disconnect = one_of({0, 20, 60, 200});
    faults.interrupt = one_of({0, 300, 800, 1'500});
    faults.lose_offsets = one_of({0, 10, 50});
    faults.unfair_rebalance = one_of({0, 50});
    faults.poison = one_of({0, 1, 3, 6});
    faults.broker = one_of({0, 5, 20, 40});
    faults.gateway = one_of({0, 15, 40, 70});
    faults.refusing = one_of({0, 100});
    return faults;
}

namespace {

// The error of a session that lost its connection: no state, a shutdown, too many clients, or a
// connection failure.
postgres::DatabaseError lost_connection(Random& random) {
    static const std::vector<std::string> kStates{"", "57P01", "53300", "08006"};
    return {"connection lost", random.one_of(kStates), true};
}

}  // namespace

void World::reach(const Place& place, Effect effect) { reach(place, effect, 0); }

void World::reach_database(const Place& place, Effect effect) {
    reach(place, effect, faults.disconnect);
}

void World::reach(const Place& place, Effect effect, int disconnect) {
    const Point point{place.service, place.step, effect};
    Points::Count& count = points.at(point);
    ++count.reached;
    if (faults.crash + disconnect + faults.interrupt == 0) return;
    int roll = static_cast<int>(random.below(10'000));
    if ((roll -= faults.crash) < 0) {
        ++count.crashed;
        note("crash at ", simulation::to_string(point));
        throw Crash{};
    }
    if ((roll -= disconnect) < 0) {
        ++count.disconnected;
        note("connection lost at ", simulation::to_string(point));
        throw lost_connection(random);
    }
    if ((roll -= faults.interrupt) < 0) {
        ++count.interrupted;
        note("others run at ", simulation::to_string(point));
        interleave(place);
    }
    if (place.victim->doomed()) throw Crash{};
}

}  // namespace orderflow::simulation
