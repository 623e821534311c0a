// Inventory's rules against a table written by hand, its batch handler against a store in memory.
#include <catch2/catch_test_macros.hpp>

#include "core/enums.hpp"
#include "inventory/inventory_handler.hpp"
#include "kafka/delivery.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/memory_inventory.hpp"
#include "support/rules_table.hpp"

namespace orderflow::inventory {
namespace {

using events::Event;
using events::StockRejection;
using kafka::Delivery;
using outbox::BatchOutput;
using MemoryStore = test::MemoryInventory;

const Instant kThen{std::chrono::seconds{1'700'000'000}};
const Instant kNow = kThen + std::chrono::seconds{1};
const Currency kUsd{{'U', 'S', 'D'}};

OrderId order_id(std::uint8_t n) {
    OrderId id;
    id.bytes[15] = n;
    return id;
}
const OrderId kOrder = order_id(1);

events::Order order_of(std::vector<events::OrderLine> lines) {
    events::Order order;
    order.customer_id = "CUST-001";
    for (const auto& line : lines) order.total += line.price * line.quantity;
    order.items = std::move(lines);
    order.payment.token = "tok_ok";
    return order;
}

events::OrderPlaced placed(const OrderId& id = kOrder, std::int64_t quantity = 2) {
    return {id, order_of({{"LAPTOP", "Laptop", 1500, quantity}})};
}
events::CancellationStarted cancellation(const OrderId& id = kOrder) {
    return {id, events::Reason::CUSTOMER};
}
events::OrderCompleted completed(const OrderId& id = kOrder) {
    return {id, "CUST-001", {}, 3000, {}};
}

// Ten laptops free, two reserved; five mice free.
Stock stocked() {
    Stock stock;
    stock.loaded("LAPTOP", {"Laptop", {1500, {}}, 10, 2, 0});
    stock.loaded("MOUSE", {"Mouse", {100, {}}, 5, 0, 0});
    return stock;
}

Reservation in(State state) {
    Reservation row;
    row.state = state;
    row.updated_at = kThen;
    const bool reserved_once = state != State::REJECTED && state != State::CANCELLED;
    if (reserved_once) {
        row.reserved_at = kThen;
        row.items = {{"LAPTOP", 2}};
    }
    if (state == State::REJECTED) row.reason = StockRejection::OUT_OF_STOCK;
    return row;
}

std::vector<std::string> types_of(const std::vector<Event>& events) {
    std::vector<std::string> types;
    for (const Event& event : events) {
        types.emplace_back(events::type_name(events::kind_of(event)));
    }
    return types;
}

events::StockRejected refusal_of(const Decision& decision) {
    REQUIRE(decision.events.size() == 1);
    return std::get<events::StockRejected>(decision.events.front());
}

// In brackets what happens to the pieces of the product: free, reserved, sold.
const char* const kTable = R"(
    reserve = RESERVED+StockReserved[-2,2,0]
    reject  = REJECTED+StockRejected
    release = RELEASED+StockReleased[2,-2,0]
    bury    = CANCELLED+NothingToCompensate
    sell    = SOLD[0,-2,2]
                         none    RESERVED REJECTED RELEASED CANCELLED SOLD
    OrderPlaced          reserve -        -        -        -         -
    OrderPlaced/unknown  reject  -        -        -        -         -
    OrderPlaced/price    reject  -        -        -        -         -
    OrderPlaced/too-many reject  -        -        -        -         -
    CancellationStarted  bury    release  bury     -        -         -
    OrderCompleted       orphan  sell     -        -        -         -
    OrderCancelled       -       -        -        -        -         -
    StockReserved        -       -        -        -        -         -
    StockRejected        -       -        -        -        -         -
    StockReleased        -       -        -        -        -         -
    StockAdjusted        -       -        -        -        -         -
    PaymentCaptured      -       -        -        -        -         -
    PaymentDeclined      -       -        -        -        -         -
    PaymentRefunded      -       -        -        -        -         -
    NothingToCompensate  -       -        -        -        -         -
    ShipmentScheduled    -       -        -        -        -         -
    ShipmentRefused      -       -        -        -        -         -
    ShipmentVoided       -       -        -        -        -         -
)";

Event event(const std::string& label) {
    if (label == "OrderPlaced") return placed();
    if (label == "OrderPlaced/too-many") return placed(kOrder, 11);
    if (label == "OrderPlaced/unknown") {
        return events::OrderPlaced{kOrder, order_of({{"TABLE", "Table", 1500, 2}})};
    }
    if (label == "OrderPlaced/price") {
        return events::OrderPlaced{kOrder, order_of({{"LAPTOP", "Laptop", 1499, 2}})};
    }
    test::Story story;
    story.id = kOrder;
    return test::any_event(story, label);
}

std::string cell_of(const Decision& decision) {
    if (decision.orphan) return "orphan";
    std::string cell =
        test::cell_of(decision.next ? &decision.next->state : nullptr, decision.events);
    for (const Move& move : decision.moves) {
        CHECK(move.product_id == "LAPTOP");
        cell += "[" + std::to_string(move.free) + "," + std::to_string(move.reserved) + "," +
                std::to_string(move.sold) + "]";
    }
    return cell;
}

TEST_CASE("every state has an answer to every event, and none a second time", "[inventory]") {
    const test::RulesTable table(kTable);
    CHECK(test::names_in(table.states) == test::none_and_all<State>());
    CHECK(test::names_in(table.events) == test::all_event_names());
    for (const auto& label : table.events) {
        for (const auto& state : table.states) {
            CAPTURE(state, label);
            const auto given =
                state == "none" ? std::nullopt : std::optional(in(enum_of<State>(state)));
            const Event when = event(label);

            const Decision decision = decide(given ? &*given : nullptr, when, stocked(), kNow);

            CHECK(cell_of(decision) == table.cell(label, state));
            CHECK_FALSE((decision.orphan && decision.next));
            if (!decision.next) continue;
            CHECK(decision.next->updated_at == kNow);
            CHECK(cell_of(decide(&*decision.next, when, stocked(), kNow)) == "-");
        }
    }
}

TEST_CASE("a reservation keeps what release and sale need and passes the order on", "[inventory]") {
    const auto event = events::OrderPlaced{kOrder, order_of({{"MOUSE", "Mouse", 100, 1},
                                                             {"LAPTOP", "Laptop", 1500, 1},
                                                             {"MOUSE", "Mouse", 100, 2}})};

    const Decision decision = decide(nullptr, event, stocked(), kNow);

    CHECK(decision.next->items == std::vector<Item>{{"LAPTOP", 1}, {"MOUSE", 3}});
    CHECK(decision.next->reserved_at == kNow);
    CHECK(std::get<events::StockReserved>(decision.events.at(0)).order == event.order);
}

TEST_CASE("an order that cannot be served is rejected and leaves a row", "[inventory]") {
    const auto reject = [](events::Order order) {
        const Decision decision =
            decide(nullptr, events::OrderPlaced{kOrder, std::move(order)}, stocked(), kNow);
        REQUIRE(decision.next);
        CHECK(decision.next->state == State::REJECTED);
        CHECK(decision.next->items.empty());
        CHECK(decision.moves.empty());
        const auto event = refusal_of(decision);
        CHECK(decision.next->reason == event.reason);
        return std::pair(event.reason, event.product_id);
    };
    const events::OrderLine unknown{"TABLE", "Table", 1, 1};
    const events::OrderLine cheap{"LAPTOP", "Laptop", 1499, 1};
    const events::OrderLine many{"MOUSE", "Mouse", 100, 6};

    SECTION("unknown products come first") {
        CHECK(reject(order_of({many, cheap, unknown})) ==
              std::pair(StockRejection::UNKNOWN_PRODUCT, std::string("TABLE")));
    }
    SECTION("wrong prices come before missing pieces") {
        CHECK(reject(order_of({many, cheap})) ==
              std::pair(StockRejection::PRICE_MISMATCH, std::string("LAPTOP")));
    }
    SECTION("another currency is another price") {
        events::Order order = order_of({{"LAPTOP", "Laptop", 1500, 1}});
        order.currency = kUsd;
        CHECK(reject(order) == std::pair(StockRejection::PRICE_MISMATCH, std::string("LAPTOP")));
    }
    SECTION("lines of the same product are added up") {
        const events::OrderLine three{"MOUSE", "Mouse", 100, 3};
        CHECK(reject(order_of({three, three})) ==
              std::pair(StockRejection::OUT_OF_STOCK, std::string("MOUSE")));
    }
}

TEST_CASE("the last piece can be reserved", "[inventory]") {
    CHECK(decide(nullptr, placed(kOrder, 10), stocked(), kNow).next->state == State::RESERVED);
    CHECK(decide(nullptr, placed(kOrder, 11), stocked(), kNow).next->state == State::REJECTED);
}

TEST_CASE("a counter below zero is refused by the stock", "[inventory]") {
    Stock stock = stocked();
    CHECK_THROWS_AS(stock.apply({"TABLE", 1, 0, 0}), std::logic_error);
    stock.apply({"LAPTOP", 0, -3, 3});
    CHECK_THROWS_AS(stock.changes(), std::logic_error);
}

MemoryStore shop(std::int64_t laptops) {
    MemoryStore store;
    store.products.emplace("LAPTOP", Product{"Laptop", {1500, {}}, laptops, 0, 0});
    return store;
}

BatchOutput handle(MemoryStore& store, const std::vector<Event>& events) {
    std::vector<Delivery> batch;
    for (const Event& event : events) {
        Delivery delivery;
        delivery.event = event;
        delivery.traceparent = "trace";
        batch.push_back(std::move(delivery));
    }
    BatchOutput out;
    auto lent = std::make_unique<MemoryStore>(store);  // the handler owns its store
    const MemoryStore& used = *lent;
    InventoryHandler handler(std::move(lent));
    REQUIRE(handler.handle(kNow, batch, out));
    store = used;
    return out;
}

std::vector<std::string> types_of(const BatchOutput& out) {
    std::vector<Event> events;
    for (const auto& event : out.events) events.push_back(event.data);
    return types_of(events);
}

TEST_CASE("a batch folds the stock from order to order", "[inventory]") {
    MemoryStore store = shop(5);

    const auto out = handle(store, {placed(order_id(1), 3), placed(order_id(2), 3),
                                    cancellation(order_id(1)), placed(order_id(3), 3)});

    CHECK(types_of(out) == std::vector<std::string>{"StockReserved.v1", "StockRejected.v1",
                                                    "StockReleased.v1", "StockReserved.v1"});
    CHECK(out.events.front().traceparent == "trace");
    CHECK(store.products.at("LAPTOP") == Product{"Laptop", {1500, {}}, 2, 3, 0});
    CHECK(store.reservations.at(order_id(1)).first.state == State::RELEASED);
}

TEST_CASE("a batch handled again changes and emits nothing", "[inventory]") {
    MemoryStore store = shop(5);
    const std::vector<std::vector<Event>> batches{
        {placed(order_id(1)), placed(order_id(2)), cancellation(order_id(3))},
        {completed(order_id(1)), cancellation(order_id(2)), placed(order_id(3))}};
    for (const auto& batch : batches) {
        handle(store, batch);
        const auto reservations = store.reservations;
        const auto products = store.products;

        const auto out = handle(store, batch);

        CHECK(out.events.empty());
        CHECK(store.reservations == reservations);
        CHECK(store.products == products);
    }
    CHECK(store.products.at("LAPTOP") == Product{"Laptop", {1500, {}}, 3, 0, 2});
    CHECK(store.reservations.at(order_id(1)).second == 2);
}

TEST_CASE("only products that a batch touches are locked", "[inventory]") {
    MemoryStore store = shop(5);
    handle(store, {placed(order_id(1)), placed(order_id(2))});
    CHECK(store.locked == 1);
    handle(store, {placed(order_id(1)), cancellation(order_id(9))});
    CHECK(store.locked == 1);  // a reservation that is open may be released or sold
    handle(store, {completed(order_id(1))});
    handle(store, {completed(order_id(1)), placed(order_id(1)), cancellation(order_id(9))});
    CHECK(store.locked == 0);
}

}  // namespace
}  // namespace orderflow::inventory
