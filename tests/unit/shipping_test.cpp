// Shipping's rules as a hand-written table, and a batch folded over them with the simulator's
// store.
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "core/enums.hpp"
#include "kafka/delivery.hpp"
#include "outbox/unit_of_work.hpp"
#include "shipping/shipping_handler.hpp"
#include "support/rules_table.hpp"
#include "unit/simulated_stores.hpp"

namespace {

using namespace orderflow;
using namespace orderflow::shipping;
using events::Event;
using events::Participant;
using events::ShipmentRejection;

const Instant kScheduled{std::chrono::seconds{1'000}};
const Instant kNow{std::chrono::seconds{2'000}};
const OrderId kOrder = *OrderId::parse("019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10");
const ShipmentId kOld = *ShipmentId::parse("019b7ca9-8d2c-71ab-b3c4-5d9e0f7a6812");
const ShipmentId kNew = *ShipmentId::parse("019b7ca9-9999-7abc-8123-456789abcdef");
const Settings kSettings{parse_countries("KR,US").value()};

// An order of 1500 won to `country`; empty: it is picked up at the shop.
events::PaymentCaptured captured(const std::string& country, bool with_storage = false,
                                 const OrderId& id = kOrder) {
    events::Order order;
    order.customer_id = "CUST-001";
    order.total = 1500;
    order.items = {{"ITEM-001", "Laptop", 1500, 1}};
    order.payment.token = "tok_ok";
    if (!country.empty()) {
        order.shipment = {"Kim Min-ji", {"110 Sejong-daero", "Seoul", "04524", country}};
    }
    order.warehouse_storage = with_storage;
    return {id, "ch_1", 1500, Currency{}, order};
}

events::CancellationStarted cancelled(const OrderId& id = kOrder) {
    return {id, events::Reason::CUSTOMER};
}

// The rows an order may have. `label` is a state's name; "SCHEDULED/stored": with a slot.
std::optional<Shipment> row(const std::string& label) {
    if (label == "none") return std::nullopt;
    Shipment shipment;
    shipment.state = enum_of<State>(label.substr(0, label.find('/')));
    if (shipment.state == State::REFUSED) shipment.reason = ShipmentRejection::CARRIER_REFUSED;
    if (shipment.state == State::SCHEDULED || shipment.state == State::VOIDED) {
        shipment.shipment_id = kOld;
        shipment.tracking_number = tracking_number(kOld);
        shipment.storage_booked = label == "SCHEDULED/stored";
        shipment.scheduled_at = kScheduled;
        if (shipment.state == State::VOIDED) shipment.voided_at = kScheduled;
    }
    return shipment;
}

// In brackets how many slots of the storage are booked.
const char* const kTable = R"(
    ship   = SCHEDULED+ShipmentScheduled
    store  = SCHEDULED+ShipmentScheduled[1]
    refuse = REFUSED+ShipmentRefused
    void   = VOIDED+ShipmentVoided
    free   = VOIDED+ShipmentVoided[-1]
    bury   = CANCELLED+NothingToCompensate
                                   none   SCHEDULED SCHEDULED/stored REFUSED VOIDED CANCELLED
    PaymentCaptured                ship   -         -                -       -      -
    PaymentCaptured/pick-up        ship   -         -                -       -      -
    PaymentCaptured/stored         store  -         -                -       -      -
    PaymentCaptured/stored,pick-up store  -         -                -       -      -
    PaymentCaptured/stored,full    refuse -         -                -       -      -
    PaymentCaptured/stored,shrunk  refuse -         -                -       -      -
    PaymentCaptured/abroad         refuse -         -                -       -      -
    PaymentCaptured/abroad,stored  refuse -         -                -       -      -
    CancellationStarted            bury   void      free             bury    -      -
    OrderPlaced                    -      -         -                -       -      -
    OrderCompleted                 -      -         -                -       -      -
    OrderCancelled                 -      -         -                -       -      -
    StockReserved                  -      -         -                -       -      -
    StockRejected                  -      -         -                -       -      -
    StockReleased                  -      -         -                -       -      -
    StockAdjusted                  -      -         -                -       -      -
    PaymentDeclined                -      -         -                -       -      -
    PaymentRefunded                -      -         -                -       -      -
    NothingToCompensate            -      -         -                -       -      -
    ShipmentScheduled              -      -         -                -       -      -
    ShipmentRefused                -      -         -                -       -      -
    ShipmentVoided                 -      -         -                -       -      -
)";

bool has(const std::string& label, const char* what) {
    return label.find(what) != std::string::npos;
}

Event event(const std::string& label) {
    if (label.starts_with("PaymentCaptured")) {
        return captured(has(label, "pick-up")  ? ""
                        : has(label, "abroad") ? "CN"
                                               : "KR",
                        has(label, "stored"));
    }
    test::Story story;
    story.id = kOrder;
    return test::any_event(story, label);
}

std::string emitted(const std::vector<Event>& list) {
    std::string names;
    for (const Event& e : list) {
        if (!names.empty()) names += ' ';
        names += events::type_name(events::kind_of(e));
    }
    return names;
}

std::string cell_of(const Decision& decision) {
    std::string cell =
        test::cell_of(decision.next ? &decision.next->state : nullptr, decision.events);
    if (decision.storage_change) cell += "[" + std::to_string(decision.storage_change) + "]";
    return cell;
}

}  // namespace

TEST_CASE("shipping rules: every state answers every event, and none a second time") {
    const test::RulesTable table(kTable);
    CHECK(test::names_in(table.states) == test::none_and_all<State>());
    CHECK(test::names_in(table.events) == test::all_event_names());
    for (const auto& label : table.events) {
        for (const auto& state : table.states) {
            CAPTURE(state, label);
            const auto given = row(state);
            const Shipment* shipment = given ? &*given : nullptr;
            const Event when = event(label);
            Storage storage{10, 9};
            if (has(label, "full")) storage = {10, 10};
            if (has(label, "shrunk")) storage = {5, 9};  // the capacity was lowered
            // The storage row is there only if the rules say that they need it.
            const Storage* locked = needs_storage(shipment, when) ? &storage : nullptr;

            const Decision decision = decide(shipment, when, locked, kSettings, kNew, kNow);

            CHECK(cell_of(decision) == table.cell(label, state));
            if (!decision.next) continue;
            CHECK(cell_of(decide(&*decision.next, when, nullptr, kSettings, kNew, kNow)) == "-");
        }
    }
}

TEST_CASE("shipping rules: a paid order is scheduled with the data of the order") {
    const auto when = captured("KR", true);
    const Storage room{10, 9};

    const Decision decision = decide(nullptr, when, &room, kSettings, kNew, kNow);

    const Shipment expected{State::SCHEDULED,   {}, kNew, "OF8123456789ABCDEF", true, kNow, {},
                            when.order.shipment};
    CHECK(decision.next == expected);
    REQUIRE(decision.events.size() == 1);
    CHECK(std::get<events::ShipmentScheduled>(decision.events[0]) ==
          events::ShipmentScheduled{kOrder, kNew, "OF8123456789ABCDEF", 1500, Currency{}, true});
}

TEST_CASE("shipping rules: a refusal has its reason, and the country comes before the storage") {
    const Storage full{10, 10};
    const auto reason_of = [&](const events::PaymentCaptured& when) {
        const Decision decision = decide(nullptr, when, &full, kSettings, kNew, kNow);
        REQUIRE(decision.events.size() == 1);
        const auto& refused = std::get<events::ShipmentRefused>(decision.events[0]);
        CHECK(refused.order_id == kOrder);
        CHECK(decision.next->reason == refused.reason);
        CHECK_FALSE(decision.next->shipment_id);
        CHECK_FALSE(decision.next->storage_booked);
        return refused.reason;
    };
    CHECK(reason_of(captured("KR", true)) == ShipmentRejection::STORAGE_FULL);
    CHECK(reason_of(captured("CN")) == ShipmentRejection::CARRIER_REFUSED);
    CHECK(reason_of(captured("CN", true)) == ShipmentRejection::CARRIER_REFUSED);
}

TEST_CASE("shipping rules: a voided shipment keeps its number and gives back its slot") {
    const auto given = row("SCHEDULED/stored");
    const Storage full{10, 10};

    const Decision decision = decide(&*given, cancelled(), &full, kSettings, kNew, kNow);

    Shipment expected = *given;
    expected.state = State::VOIDED;
    expected.storage_booked = false;
    expected.voided_at = kNow;
    CHECK(decision.next == expected);
    REQUIRE(decision.events.size() == 1);
    CHECK(std::get<events::ShipmentVoided>(decision.events[0]) ==
          events::ShipmentVoided{kOrder, kOld});
}

TEST_CASE("shipping rules: nothing to compensate is answered in shipping's name") {
    const auto given = row(GENERATE(as<std::string>{}, "none", "REFUSED"));

    const Decision decision =
        decide(given ? &*given : nullptr, cancelled(), nullptr, kSettings, kNew, kNow);

    REQUIRE(decision.events.size() == 1);
    CHECK(std::get<events::NothingToCompensate>(decision.events[0]) ==
          events::NothingToCompensate{kOrder, Participant::shipping, {}});
    if (given) CHECK(decision.next->reason == given->reason);
}

TEST_CASE("shipping rules: deciding on storage without its row is a defect, not a refusal") {
    CHECK_THROWS_AS(decide(nullptr, captured("KR", true), nullptr, kSettings, kNew, kNow),
                    std::logic_error);
}

TEST_CASE("shipping settings: countries are two capital letters, comma separated") {
    CHECK(parse_countries("US,KR,US").value() == std::vector<std::string>{"KR", "US"});
    CHECK(parse_countries("KR").value() == std::vector<std::string>{"KR"});
    for (const char* bad : {"", "kr", "KOR", "K", "KR,", ",KR", "KR, US", "KR;US", "K1"}) {
        CAPTURE(bad);
        CHECK(parse_countries(bad).has_error());
    }
}

namespace {

// Shipping's tables, those of the simulator.
struct Warehouse {
    explicit Warehouse(Storage storage) { database.tables.storage = storage; }

    const Shipment& at(const OrderId& id) const {
        return database.tables.shipments.rows().at(id).row;
    }
    std::int64_t version(const OrderId& id) const {
        return database.tables.shipments.rows().at(id).version;
    }
    std::int64_t used() const { return database.tables.storage.used; }
    // How often the storage was locked.
    std::uint64_t locks() {
        return database.points
            .at({events::Service::shipping, simulation::Step::consume, simulation::Effect::lock})
            .reached;
    }

    test::SimulatedDatabase<simulation::ShippingDatabase> database;
};

OrderId order_id(std::uint8_t n) {
    OrderId id = kOrder;
    id.bytes[15] = n;
    return id;
}

// Hands `list` to a service in one batch; what it emits.
std::vector<Event> handle(Warehouse& warehouse, const std::vector<Event>& list) {
    auto& database = warehouse.database;
    simulation::Session session(database.world, database.tables,
                                database.place(simulation::Step::consume));
    ShippingHandler handler(std::make_unique<simulation::ShippingStore>(session, database.tables),
                            kSettings, IdSource(7));
    std::vector<kafka::Delivery> batch;
    for (const Event& e : list) batch.emplace_back().event = e;
    outbox::BatchOutput out;
    session.begin();
    REQUIRE(handler.handle(kNow, batch, out));
    session.commit({});
    std::vector<Event> result;
    for (auto& outgoing : out.events) result.push_back(std::move(outgoing.data));
    return result;
}

}  // namespace

TEST_CASE("shipping batch: the last free slot goes to one order of the batch") {
    Warehouse warehouse({3, 2});

    const auto out =
        handle(warehouse, {captured("KR", true, order_id(1)), captured("KR", true, order_id(2)),
                           captured("KR", false, order_id(3))});

    CHECK(emitted(out) == "ShipmentScheduled.v1 ShipmentRefused.v1 ShipmentScheduled.v1");
    CHECK(warehouse.at(order_id(2)).reason == ShipmentRejection::STORAGE_FULL);
    CHECK(warehouse.used() == 3);
    CHECK(warehouse.locks() == 1);
    CHECK(warehouse.at(order_id(1)).shipment_id != warehouse.at(order_id(3)).shipment_id);
}

TEST_CASE("shipping batch: a slot freed in a batch is booked again in the same batch") {
    Warehouse warehouse({1, 0});
    handle(warehouse, {captured("KR", true, order_id(1))});

    const auto out = handle(warehouse, {cancelled(order_id(1)), captured("KR", true, order_id(2))});

    CHECK(emitted(out) == "ShipmentVoided.v1 ShipmentScheduled.v1");
    CHECK(warehouse.used() == 1);
}

TEST_CASE("shipping batch: scheduled and cancelled in one batch leaves one row and no slot") {
    Warehouse warehouse({1, 0});

    const auto out = handle(warehouse, {captured("KR", true), cancelled()});

    CHECK(emitted(out) == "ShipmentScheduled.v1 ShipmentVoided.v1");
    CHECK(warehouse.at(kOrder).state == State::VOIDED);
    CHECK(warehouse.version(kOrder) == 1);
    CHECK(warehouse.used() == 0);
}

TEST_CASE("shipping batch: a cancellation that overtakes the payment wins") {
    Warehouse warehouse({1, 0});

    const auto out = handle(warehouse, {cancelled(), captured("KR", true)});

    CHECK(emitted(out) == "NothingToCompensate.v1");
    CHECK(warehouse.at(kOrder).state == State::CANCELLED);
    CHECK(warehouse.used() == 0);
}

TEST_CASE("shipping batch: the same batch again changes and emits nothing") {
    Warehouse warehouse({10, 0});
    const std::vector<Event> batch{
        captured("KR", true, order_id(1)), captured("CN", false, order_id(2)),
        captured("KR", true, order_id(3)), cancelled(order_id(3)), cancelled(order_id(4))};
    handle(warehouse, batch);

    CHECK(handle(warehouse, batch).empty());
    for (std::uint8_t n = 1; n <= 4; ++n) CHECK(warehouse.version(order_id(n)) == 1);
    CHECK(warehouse.used() == 1);
}

TEST_CASE("shipping batch: only an order that books or frees a slot locks the storage") {
    Warehouse warehouse({1, 0});

    handle(warehouse,
           {captured("KR", false, order_id(1)), cancelled(order_id(1)), cancelled(order_id(2))});
    CHECK(warehouse.locks() == 0);

    handle(warehouse, {captured("KR", true, order_id(3))});
    CHECK(warehouse.locks() == 1);

    handle(warehouse, {captured("KR", true, order_id(3))});  // a repeat
    CHECK(warehouse.locks() == 1);

    handle(warehouse, {cancelled(order_id(3))});
    CHECK(warehouse.locks() == 2);
    CHECK(warehouse.used() == 0);
}
