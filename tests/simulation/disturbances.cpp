// What operators, networks and other processes on the machine do to a shop while faults strike.
#include "simulation/simulation.hpp"

namespace orderflow::simulation {
namespace {

using events::Service;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Service kProducers[]{Service::order, Service::payment, Service::inventory,
                               Service::shipping};

}  // namespace

void Simulation::disturb() {
    Process& process = *processes_[world_.random.below(processes_.size())];
    const bool calm = world_.faults.crash == 0;
    switch (world_.random.below(12)) {
        case 0:
            if (!calm) process.kill();
            break;
        case 1:
        case 2:
        case 3: restart_one(); break;
        case 4:
            if (!calm) process.freeze(milliseconds(world_.random.between(100, 6'000)));
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
        default: break;
    }
}

void Simulation::restart_one() {
    std::vector<Process*> dead;
    for (const auto& process : processes_) {
        if (!process->up()) dead.push_back(process.get());
    }
    if (!dead.empty()) world_.random.one_of(dead)->start();
}

// An operator sets a relay's checkpoint back, so that events are sent again.
void Simulation::republish() {
    Database& database = *world_.random.one_of(shop_.databases());
    const auto seq = static_cast<std::size_t>(database.checkpoint());
    database.lower_checkpoint(static_cast<std::int64_t>(world_.random.below(seq + 1)));
    world_.note("republish: ", events::names_of(database.service()).name, " goes back to ",
                database.checkpoint());
}

// A record that nobody should have sent: unreadable, or of an order that nobody knows.
void Simulation::plant() {
    const Service producer = kProducers[world_.random.below(std::size(kProducers))];
    Message message;
    const auto& accepted = shop_.clients.accepted();
    const bool unreadable = world_.random.percent(50);
    const OrderId order = unreadable && !accepted.empty()
                              ? *accepted.begin()
                              : world_.ids.next<OrderId>(world_.now);
    const bool from_orders = producer == Service::order;
    const std::string shipment = world_.ids.next<ShipmentId>(world_.now).to_string();
    message.topic = events::topic_of(producer);
    message.key = order.to_string();
    message.headers = message_of({}, producer).headers;
    message.headers[1].second = world_.ids.next<EventId>(world_.now).to_string();
    message.headers[2].second = from_orders                      ? "OrderCompleted.v1"
                                : producer == Service::shipping  ? "ShipmentVoided.v1"
                                : producer == Service::inventory ? "StockReleased.v1"
                                                                 : "PaymentDeclined.v1";
    message.headers[4].second = message.key;
    message.headers.emplace_back("planted", "yes");
    message.value = unreadable ? "{\"orderId\":42"
                               : "{\"orderId\":\"" + message.key + "\",\"customerId\":\"C\"," +
                                     "\"shipmentId\":\"" + shipment +
                                     "\",\"total\":1,\"currency\":\"KRW\"," +
                                     "\"reason\":\"CARD_DECLINED\"}";
    world_.note("plants ", message.headers[2].second, " of ", message.key);
    shop_.broker.append(std::move(message));
}

}  // namespace orderflow::simulation
