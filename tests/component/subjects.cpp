#include "component/subjects.hpp"

#include <stdexcept>

#include "analytics/timeline/timeline_handler.hpp"
#include "inventory/inventory_handler.hpp"
#include "kafka/record.hpp"
#include "loops/batch.hpp"
#include "loops/decode.hpp"
#include "outbox/postgres_unit_of_work.hpp"
#include "order/saga/saga_handler.hpp"
#include "outbox/relay_feed.hpp"
#include "payment/payment_handler.hpp"
#include "shipping/shipping_handler.hpp"

namespace orderflow {
namespace order {
extern const postgres::Migrations kMigrations;
}
namespace payment {
extern const postgres::Migrations kMigrations;
}
namespace inventory {
extern const postgres::Migrations kMigrations;
}
namespace shipping {
extern const postgres::Migrations kMigrations;
}
namespace analytics {
extern const postgres::Migrations kMigrations;
}

namespace test {
namespace {

using events::Event;
using events::Participant;
using events::Service;

// Orders that end in each way, as the order service hears of them.
std::vector<Event> told_to_order() {
    const Story done, refused, declined, unanswered, late, orphan;
    const auto inventory = [](const Story& s) { return s.nothing(Participant::inventory); };
    const auto payment = [](const Story& s) { return s.nothing(Participant::payment); };
    const auto shipping = [](const Story& s) { return s.nothing(Participant::shipping); };
    return {done.reserved(),       refused.reserved(),  done.captured(),      declined.reserved(),
            done.scheduled(),      declined.declined(), refused.captured(),   refused.refused(),
            orphan.voided(),       declined.released(), payment(declined),    shipping(declined),
            shipping(refused),     refused.refunded(),  refused.released(),   unanswered.reserved(),
            unanswered.declined(), payment(unanswered), shipping(unanswered), late.captured(),
            late.reserved(),       done.released(),     inventory(done)};
}

std::vector<Event> told_to_payment() {
    const Story open, cancelled, tombstone;
    return {open.reserved(), cancelled.reserved(), tombstone.cancellation(),
            cancelled.cancellation(), tombstone.reserved()};
}

std::vector<Event> told_to_inventory() {
    Story done, cancelled, open, too_many, unknown, mispriced, tombstone;
    done.order.items = {{"A", "Laptop", 1500, 3}, {"B", "Lamp", 700, 1}};
    done.order.total = 5200;
    for (Story* story : {&cancelled, &open, &too_many, &unknown, &mispriced, &tombstone}) {
        story->order.items = {{"A", "Laptop", 1500, 2}};
        story->order.total = 3000;
    }
    too_many.order.items[0].quantity = 100;
    too_many.order.total = 150'000;
    unknown.order.items[0].product_id = "NONE";
    mispriced.order.items[0].price = 1;
    mispriced.order.total = 2;
    return {done.placed(),
            cancelled.placed(),
            open.placed(),
            too_many.placed(),
            unknown.placed(),
            mispriced.placed(),
            tombstone.cancellation(),
            cancelled.cancellation(),
            too_many.cancellation(),
            tombstone.placed(),
            done.completed(),
            done.cancellation()};
}

std::vector<Event> told_to_shipping() {
    Story stored, freed, plain, abroad, tombstone, no_room;
    for (Story* story : {&stored, &freed, &no_room}) story->order.warehouse_storage = true;
    abroad.order.shipment->address.country = "AQ";
    return {stored.captured(),     freed.captured(),      plain.captured(),
            abroad.captured(),     no_room.captured(),    tombstone.cancellation(),
            freed.cancellation(),  abroad.cancellation(), tombstone.captured(),
            no_room.cancellation()};
}

std::vector<Event> told_to_analytics() {
    const Story done, cancelled;
    events::StockAdjusted adjusted{"A", "Laptop", 1500, {}, 10};
    return {adjusted,
            done.placed(),
            cancelled.placed(),
            done.reserved(),
            done.captured(),
            cancelled.rejected(),
            done.scheduled(),
            cancelled.cancellation(events::Reason::OUT_OF_STOCK),
            done.completed(),
            cancelled.nothing(Participant::inventory),
            cancelled.nothing(Participant::payment),
            cancelled.nothing(Participant::shipping),
            cancelled.cancelled(events::Reason::OUT_OF_STOCK)};
}

constexpr char kCatalogue[] =
    "INSERT INTO products (product_id, free, reserved, sold, updated_at, price, currency, name)"
    " VALUES ('A', 50, 0, 0, now(), 1500, 'KRW', 'Laptop'),"
    " ('B', 10, 0, 0, now(), 700, 'KRW', 'Lamp')";

// Nobody makes the calls that become due.
std::unique_ptr<loops::BatchHandler> payment_handler(postgres::Connection& connection) {
    static prometheus::Registry registry;
    static payment::PaymentMetrics metrics(registry);
    const payment::PaymentHandler::Submit submit = [](const std::vector<payment::Call>&) {};
    return std::make_unique<payment::PaymentHandler>(payment::make_payment_store(connection),
                                                     submit, metrics);
}

std::unique_ptr<loops::BatchHandler> shipping_handler(postgres::Connection& connection) {
    const shipping::Settings settings{shipping::parse_countries("KR,US").value()};
    return std::make_unique<shipping::ShippingHandler>(shipping::make_shipping_store(connection),
                                                       settings);
}

}  // namespace

const std::vector<Subject>& subjects() {
    static const std::vector<Subject> all{
        {"order", Service::order, order::kMigrations, "",
         [](postgres::Connection& c) {
             return std::make_unique<order::SagaHandler>(order::make_saga_store(c));
         },
         told_to_order},
        {"payment", Service::payment, payment::kMigrations, "", payment_handler, told_to_payment},
        {"inventory", Service::inventory, inventory::kMigrations, kCatalogue,
         [](postgres::Connection& c) {
             return std::make_unique<inventory::InventoryHandler>(
                 inventory::make_inventory_store(c));
         },
         told_to_inventory},
        {"shipping", Service::shipping, shipping::kMigrations,
         "INSERT INTO storage (capacity) VALUES (2)", shipping_handler, told_to_shipping},
        {"analytics", Service::analytics, analytics::kMigrations, "",
         [](postgres::Connection& c) {
             return std::make_unique<analytics::TimelineHandler>(analytics::make_timeline_store(c));
         },
         told_to_analytics}};
    return all;
}

const Subject& subject(Service service) {
    for (const Subject& candidate : subjects()) {
        if (candidate.service == service) return candidate;
    }
    throw std::logic_error("no such subject");
}

loops::BatchReport run_one_batch(const Subject& subject, postgres::Connection& connection,
                                 const std::vector<kafka::Record>& records) {
    outbox::RelayFeed relay_feed;
    outbox::PostgresUnitOfWork work(connection, subject.service, relay_feed);
    const auto handler = subject.make_handler(connection);
    return loops::run_batch(work, *handler, loops::decode_batch(subject.service, records));
}

}  // namespace test
}  // namespace orderflow
