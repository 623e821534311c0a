#include "simulation/simulation.hpp"

#include <algorithm>
#include <map>

#include "core/enums.hpp"
#include "outbox/relay.hpp"

namespace orderflow::simulation {
namespace {

using events::Service;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kProcessesPerService = 2;
constexpr int kDeepest = 2;         // how deep steps may run inside a step
constexpr int kPassesAtOnce = 200;  // over all loops, until none finds anything to do
// The time in which a healed run must come to rest. Records of one order that cannot be handled are
// given up one after the other, each after 1 + 4 + 16 + 60 + 120 s.
constexpr seconds kPatience{600};
constexpr seconds kUntilGivenUp{201};
constexpr seconds kShortRounds{40};  // after healing: rounds of 1 s; afterwards, of 10 s
constexpr Service kServices[]{Service::order, Service::payment, Service::inventory,
                              Service::shipping, Service::analytics};

using MakeMemory = std::unique_ptr<Memory> (*)(Shop&, const Victim&, const std::string&);

MakeMemory memory_of(Service service) {
    switch (service) {
        case Service::order: return order_memory;
        case Service::payment: return payment_memory;
        case Service::inventory: return inventory_memory;
        case Service::shipping: return shipping_memory;
        case Service::analytics: return analytics_memory;
    }
    throw std::logic_error("no such service");
}

std::string process_name(Service service, std::size_t number) {
    const std::string_view name = events::names_of(service).name;
    return std::string(name.substr(0, name.find('-'))) + "-" + std::to_string(number);
}

}  // namespace

Simulation::Simulation(std::uint64_t seed, Mutant mutant, bool recording, Points& points)
    : world_(seed, mutant, recording, points), shop_(world_), invariants_(shop_) {
    for (const Service service : kServices) {
        const auto build = [this, service](const Victim& victim, const std::string& name) {
            return memory_of(service)(shop_, victim, name);
        };
        for (std::size_t i = 1; i <= kProcessesPerService; ++i) {
            processes_.push_back(
                std::make_unique<Process>(world_, service, process_name(service, i), build));
            processes_.back()->start();
        }
    }
    world_.interleave = [this](const Place& place) { interleave(place); };
}

Outcome Simulation::run() {
    Outcome outcome;
    try {
        strike();
        heal();
        come_to_rest();
        deliver_everything_again();
    } catch (const Violation& violation) {
        outcome.violation = violation;
        if (violation.order) outcome.history = invariants_.history(*violation.order);
    }
    outcome.hash = world_.trace.hash();
    outcome.steps = steps_;
    outcome.orders = shop_.orders.orders.rows().size();
    outcome.completed = static_cast<std::size_t>(std::ranges::count_if(
        shop_.orders.orders.rows(),
        [](const auto& row) { return row.second.row.state == order::State::COMPLETED; }));
    return outcome;
}

void Simulation::strike() {
    world_.faults = Faults::draw(world_.random);
    if (world_.random.percent(world_.faults.refusing)) refuse_announcements();
    const auto steps = static_cast<std::size_t>(world_.random.between(1'000, 6'000));
    while (steps_ < steps) step();
}

void Simulation::pass(milliseconds at_most) {
    world_.now += std::chrono::microseconds(
        world_.random.between(0, std::chrono::microseconds(at_most).count()));
}

void Simulation::step() {
    ++steps_;
    pass(depth_ == 0 ? milliseconds{20} : milliseconds{5});
    switch (world_.random.below(12)) {
        case 0:
        case 1: shop_.wire.arrive(); break;
        case 2:
        case 3: shop_.broker.transport(); break;
        case 4:
            if (depth_ == 0) disturb();
            break;
        default: step_of_process();
    }
}

// Runs one step of a loop that has something to do, starting at a random loop of a random process.
void Simulation::step_of_process() {
    Process& process = *processes_[world_.random.below(processes_.size())];
    const std::size_t first = world_.random.below(std::max<std::size_t>(process.loops(), 1));
    for (std::size_t i = 0; i < process.loops(); ++i) {
        if (process.run((first + i) % process.loops())) return;
    }
}

// While a step of `place` is between two of its effects, other steps run: mostly steps that
// interfere with it.
void Simulation::interleave(const Place& place) {
    if (depth_ == kDeepest) return;
    ++depth_;
    world_.trace.indent(1);
    const std::size_t steps = world_.random.percent(10) ? 20 : 1 + world_.random.below(4);
    if (world_.random.percent(30)) shop_.broker.rebalance(place.service);
    for (std::size_t i = 0; i < steps; ++i) {
        if (world_.random.percent(60)) {
            ++steps_;
            step_near(place);
        } else {
            step();
        }
    }
    world_.trace.indent(-1);
    --depth_;
}

// A loop of the same service polls, and then handles the records that it got.
void Simulation::step_near(const Place& place) {
    std::vector<Process*> near;
    for (const auto& process : processes_) {
        if (process->up() && process->service() == place.service) near.push_back(process.get());
    }
    if (near.empty()) return;
    Process& process = *world_.random.one_of(near);
    const std::size_t loop = world_.random.percent(60) ? 0 : world_.random.below(process.loops());
    for (int i = 0; i < 2; ++i) {
        if (loop < process.loops()) process.run(loop);
    }
    if (place.service == Service::payment) shop_.wire.arrive();
}

void Simulation::heal() {
    world_.note("everything heals");
    world_.faults = {};
    shop_.broker.heal();
    for (Database* database : shop_.databases()) database->hold(false);
    shop_.clients.stop();
    shop_.merchandiser.stop();
    for (const auto& process : processes_) {
        process->thaw();
        if (!process->up()) process->start();
    }
    for (const Service service : kServices) shop_.broker.rebalance(service);
}

bool Simulation::run_all() {
    bool busy = false;
    for (const auto& process : processes_) {
        for (std::size_t i = 0; i < process->loops(); ++i) busy = process->run(i) || busy;
    }
    while (shop_.broker.transport()) busy = true;
    while (shop_.wire.arrive()) busy = true;
    ++steps_;
    return busy;
}

seconds Simulation::patience() {
    std::size_t most = 0;  // parked records of one order
    for (const Database* database : shop_.databases()) {
        std::map<OrderId, std::size_t> parked;
        for (const auto& [id, row] : database->parked()) {
            if (row.order_id) most = std::max(most, ++parked[*row.order_id]);
        }
    }
    return kPatience + most * kUntilGivenUp;
}

void Simulation::come_to_rest() {
    const Instant healed = world_.now;
    while (world_.now < healed + patience()) {
        for (int i = 0; i < kPassesAtOnce && run_all(); ++i) {}
        if (at_rest()) return invariants_.check_at_rest();
        invariants_.check_patience(healed);
        world_.now += world_.now < healed + kShortRounds ? seconds{1} : seconds{10};
    }
    std::optional<OrderId> open;
    for (const auto& [id, stored] : shop_.orders.orders.rows()) {
        if (!open && !stored.row.finished_at) open = id;
    }
    world_.fail("everything comes to rest", unfinished(), open);
}

bool Simulation::at_rest() {
    const bool orders_final = std::ranges::all_of(shop_.orders.orders.rows(), [](const auto& row) {
        return row.second.row.finished_at.has_value();
    });
    const bool nothing_open = std::ranges::none_of(
        shop_.payments.payments.rows(),
        [](const auto& row) { return payment::is_open(row.second.row.state); });
    const auto is_drained = [](const Database& database) {
        const bool relayed =
            database.outbox().empty() || database.checkpoint() == database.outbox().back().seq;
        return relayed && std::ranges::all_of(database.parked(),
                                              [](const auto& row) { return row.second.dead(); });
    };
    return orders_final && nothing_open && shop_.wire.idle() &&
           std::ranges::all_of(shop_.databases(),
                               [&](const Database* database) { return is_drained(*database); }) &&
           std::ranges::all_of(processes_, [](const auto& process) { return process->idle(); }) &&
           std::ranges::all_of(kServices,
                               [&](Service service) { return shop_.broker.consumed_all(service); });
}

std::string Simulation::unfinished() {
    std::string text;
    for (const auto& [id, stored] : shop_.orders.orders.rows()) {
        if (stored.row.finished_at) continue;
        text += " order " + world_.trace.name_of(id) + " is " +
                std::string(name_of(stored.row.state)) + ";";
    }
    for (const auto& [id, stored] : shop_.payments.payments.rows()) {
        if (!payment::is_open(stored.row.state)) continue;
        text += " payment " + world_.trace.name_of(id) + " is " +
                std::string(name_of(stored.row.state)) + ";";
    }
    for (Database* database : shop_.databases()) {
        const std::string name(events::names_of(database->service()).name);
        if (!database->outbox().empty() &&
            database->checkpoint() != database->outbox().back().seq) {
            text += " the outbox of " + name + " is not sent;";
        }
        for (const auto& [id, row] : database->parked()) {
            if (!row.dead()) text += " a record of " + name + " is parked: " + row.error + ";";
        }
        if (!shop_.broker.consumed_all(database->service())) {
            text += " " + name + " has not consumed all;";
        }
    }
    if (!shop_.wire.idle()) text += " calls are under way;";
    return text;
}

// Counts events, without the announcements of parked records.
std::size_t Simulation::events_so_far() {
    std::size_t count = 0;
    for (Database* database : shop_.databases()) {
        count += static_cast<std::size_t>(std::ranges::count(
            database->outbox(), events::topic_of(database->service()), &outbox::LedgerRow::topic));
    }
    return count;
}

void Simulation::deliver_everything_again() {
    const std::size_t before = events_so_far();
    for (const Service service : kServices) shop_.broker.rebalance(service, true);
    come_to_rest();
    if (events_so_far() != before) {
        world_.fail("what is delivered again changes nothing", "there are new events");
    }
}

}  // namespace orderflow::simulation
