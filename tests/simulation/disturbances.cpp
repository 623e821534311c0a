// What operators, networks and other processes on the machine do to the shop while faults happen.
#include <utility>
#include <vector>

#include "events/announcements.hpp"
#include "events/codec.hpp"
#include "outbox/relay.hpp"
#include "simulation/simulation.hpp"

namespace orderflow::simulation {

using events::Service;
using std::chrono::milliseconds;
using std::chrono::seconds;

void Simulation::disturb() {
    Process& process = *processes_[world_.random.below(processes_.size())];
    const bool may_crash = world_.faults.crash != 0;
    switch (world_.random.below(14)) {
        case 0:
            if (may_crash) process.kill();
            break;
        case 1:
        case 2:
        case 3: restart_one(); break;
        case 4:
            if (may_crash) process.freeze(milliseconds(world_.random.between(100, 6'000)));
            break;
        case 5: shop_.broker.rebalance(process.service()); break;
        case 6:
            if (world_.random.percent(10)) shop_.broker.rebalance(process.service(), true);
            break;
        case 7: pass(seconds{2}); break;
        case 8:
            if (world_.random.percent(20)) pass(seconds{20});
            break;
        case 9:
            if (world_.random.percent(10)) plant();
            break;
        case 10:
            if (world_.random.percent(10)) republish();
            break;
        case 11:
            if (world_.random.percent(20)) alter_topic();
            break;
        case 12:
            if (world_.random.percent(20)) hold();
            break;
        default: break;
    }
}

// An operator holds a relay, or releases one that is held.
void Simulation::hold() {
    Database& database = *world_.random.one_of(shop_.databases());
    database.hold(!database.is_held());
    world_.note(events::names_of(database.service()).name, " is ",
                database.is_held() ? "held" : "released");
}

void Simulation::restart_one() {
    std::vector<Process*> dead;
    for (const auto& process : processes_) {
        if (!process->up()) dead.push_back(process.get());
    }
    if (!dead.empty()) world_.random.one_of(dead)->start();
}

// Changes a topic. An operator sends its lost records again, from the ledger of the topic's
// producer.
void Simulation::alter_topic() {
    static constexpr Service kProducers[]{Service::order, Service::inventory, Service::payment,
                                          Service::shipping};
    const Service producer = kProducers[world_.random.below(std::size(kProducers))];
    const std::string topic(events::topic_of(producer));
    const auto lost = [&] {
        for (Database* database : shop_.databases()) {
            if (database->service() == producer) database->lower_checkpoint(0);
        }
    };
    const TopicPartition where{topic, static_cast<int>(world_.random.below(kPartitions))};
    switch (world_.random.below(8)) {
        case 0: shop_.broker.make_anew(topic); return lost();
        case 1: shop_.broker.delete_records(where); return lost();
        case 4: return shop_.broker.delete_what_is_read(where);
        case 2:
        case 3:
            for (const Service any : kProducers) {
                const std::string name(events::topic_of(any));
                if (any == producer || world_.random.percent(80)) shop_.broker.add_partitions(name);
            }
            return;
        default: shop_.broker.append_marker(where);
    }
}

// A topic of announcements rejects every record from now on, for ever or until everything heals.
void Simulation::refuse_announcements() {
    std::vector<std::string> topics;
    for (const auto& topic : events::topics()) {
        const bool retry = topic.name.ends_with(".retry");
        if (retry || topic.name == events::kDeadLetterTopic) topics.emplace_back(topic.name);
    }
    const std::string& topic = world_.random.one_of(topics);
    shop_.broker.refuse(topic, world_.random.percent(50));
    world_.note(topic, " refuses everything");
}

// An operator sets a relay's checkpoint back, so that events are sent again.
void Simulation::republish() {
    Database& database = *world_.random.one_of(shop_.databases());
    const auto seq = static_cast<std::size_t>(database.checkpoint());
    database.lower_checkpoint(static_cast<std::int64_t>(world_.random.below(seq + 1)));
    world_.note("republish: ", events::names_of(database.service()).name, " goes back to ",
                database.checkpoint());
}

namespace {

Message planted(const char* why, Service producer, events::EventKind kind, const OrderId& order,
                const EventId& id, std::string value) {
    outbox::LedgerRow row;
    row.event_id = id;
    row.topic = events::topic_of(producer);
    row.key = order.to_string();
    row.type = events::type_name(kind);
    row.data = std::move(value);
    Message message = message_of(row, producer);
    message.headers.emplace_back("planted", why);
    return message;
}

std::string json_of(const events::Event& event) {
    std::string json;
    events::encode(event, json);
    return json;
}

}  // namespace

// Plants a record that should never have been sent.
void Simulation::plant() {
    switch (world_.random.below(3)) {
        case 0: return plant_unreadable();
        case 1: return plant_orphan();
        default: return plant_cancellation();
    }
}

void Simulation::plant_unreadable() {
    static constexpr std::pair<Service, events::EventKind> kKinds[]{
        {Service::order, events::EventKind::OrderPlaced},
        {Service::inventory, events::EventKind::StockReserved},
        {Service::payment, events::EventKind::PaymentCaptured},
        {Service::shipping, events::EventKind::ShipmentScheduled}};
    const auto& accepted = shop_.clients.accepted();
    if (accepted.empty()) return;
    const auto [producer, kind] = kKinds[world_.random.below(std::size(kKinds))];
    const auto nth = static_cast<std::ptrdiff_t>(world_.random.below(accepted.size()));
    const OrderId& order = *std::next(accepted.begin(), nth);
    world_.note("plants an unreadable record of ", order);
    shop_.broker.append(planted("unreadable", producer, kind, order,
                                world_.ids.next<EventId>(world_.now), "{\"orderId\":42"));
}

// Plants an event of an unknown order, without the data that would make the order known.
void Simulation::plant_orphan() {
    const OrderId order = world_.ids.next<OrderId>(world_.now);
    const ShipmentId shipment = world_.ids.next<ShipmentId>(world_.now);
    const std::vector<std::pair<Service, events::Event>> orphans{
        {Service::order, events::OrderCompleted{order, "C", shipment, 1, {}}},
        {Service::inventory, events::StockReleased{order}},
        {Service::payment, events::PaymentDeclined{order, {}}},
        {Service::shipping, events::ShipmentVoided{order, shipment}}};
    const auto& [producer, event] = world_.random.one_of(orphans);
    world_.note("plants an orphan, ", order);
    shop_.planted.insert(order);
    shop_.broker.append(planted("orphan", producer, events::kind_of(event), order,
                                world_.ids.next<EventId>(world_.now), json_of(event)));
}

// Plants the cancellation of an order that is placed only later. Every participant stores a
// tombstone and answers. The order service, for which the order is unknown too, gives these answers
// up.
void Simulation::plant_cancellation() {
    const OrderId order = world_.ids.next<OrderId>(world_.now);
    world_.note("plants a cancellation, ", order);
    shop_.planted.insert(order);
    const events::Event cancelled = events::CancellationStarted{order, events::Reason::CUSTOMER};
    const events::Event placed = events::OrderPlaced{order, shop_.clients.an_order()};
    for (const events::Event& event : {cancelled, placed}) {
        shop_.broker.append(planted("late", Service::order, events::kind_of(event), order,
                                    world_.ids.next<EventId>(world_.now), json_of(event)));
    }
}

}  // namespace orderflow::simulation
