// The catalogue: a product's counters are written once, name and price under conditions, and pieces
// come and go by adjustments that are made once each.
#include <algorithm>

#include <catch2/catch_test_macros.hpp>

#include "inventory/inventory_api.hpp"
#include "inventory/inventory_handler.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/builders.hpp"
#include "support/commands.hpp"
#include "support/memory_inventory.hpp"

namespace orderflow::inventory {
namespace {

using outbox::Fate;

const Instant kNow{std::chrono::seconds{1'700'000'000}};
const Currency kUsd{{'U', 'S', 'D'}};
const Offer kNew{"Laptop", {1500, {}}, 10};
const Offer kOffer{"Laptop", {1400, kUsd}, std::nullopt};
const Product kLaptop{"Laptop", {1500, {}}, 6, 2, 7};
const Conditions kNone;

Tags tags(std::vector<std::string> list) { return {false, std::move(list)}; }
const Tags kAny{true, {}};

Verdict put(const Product* known, const Offer& offer, const Conditions& conditions) {
    const auto decision = put_product("LAPTOP", known, offer, conditions);
    const bool done = decision.verdict == Verdict::CREATED || decision.verdict == Verdict::CHANGED;
    CHECK((done || (!decision.next && !decision.event)));
    return decision.verdict;
}

events::StockAdjusted event_of(const CatalogueDecision& decision) {
    REQUIRE(decision.event);
    return std::get<events::StockAdjusted>(*decision.event);
}

TEST_CASE("a product that is not known is created with its stock", "[products]") {
    const auto decision = put_product("LAPTOP", nullptr, kNew, kNone);
    CHECK(decision.verdict == Verdict::CREATED);
    CHECK(*decision.next == Product{"Laptop", {1500, {}}, 10, 0, 0});
    CHECK(event_of(decision) == events::StockAdjusted{"LAPTOP", "Laptop", 1500, {}, 10});
    CHECK(put(nullptr, kNew, {{}, kAny}) == Verdict::CREATED);  // If-None-Match: *
    CHECK(put(nullptr, kNew, {{}, tags({"x"})}) == Verdict::CREATED);
    CHECK(put(nullptr, kOffer, kNone) == Verdict::STOCK_MISSING);
    CHECK(put(nullptr, kNew, {kAny, {}}) == Verdict::CONDITION_FAILED);  // If-Match: it is gone
    CHECK(put(nullptr, kNew, {tags({"x"}), {}}) == Verdict::CONDITION_FAILED);
}

TEST_CASE("the counters of a known product are set by no PUT", "[products]") {
    const Tags current = tags({offer_tag(kLaptop)});
    CHECK(put(&kLaptop, kNew, kNone) == Verdict::CONDITION_MISSING);  // a create, sent twice
    CHECK(put(&kLaptop, kNew, {{}, kAny}) == Verdict::CONDITION_FAILED);
    CHECK(put(&kLaptop, kNew, {current, {}}) == Verdict::STOCK_GIVEN);
    CHECK(put(&kLaptop, kNew, {kAny, {}}) == Verdict::STOCK_GIVEN);
    Offer same_stock = kNew;
    same_stock.stock = kLaptop.free;
    CHECK(put(&kLaptop, same_stock, {current, {}}) == Verdict::STOCK_GIVEN);
}

TEST_CASE("name and price change only if the client knows what it changes", "[products]") {
    const Tags current = tags({"x", offer_tag(kLaptop)});
    const auto decision = put_product("LAPTOP", &kLaptop, kOffer, {current, {}});
    CHECK(decision.verdict == Verdict::CHANGED);
    CHECK(*decision.next == Product{"Laptop", {1400, kUsd}, 6, 2, 7, 2});
    CHECK(event_of(decision) == events::StockAdjusted{"LAPTOP", "Laptop", 1400, kUsd, 0});
    CHECK(put(&kLaptop, kOffer, {kAny, {}}) == Verdict::CHANGED);
    CHECK(put(&kLaptop, kOffer, {current, tags({"y"})}) == Verdict::CHANGED);

    CHECK(put(&kLaptop, kOffer, kNone) == Verdict::CONDITION_MISSING);
    CHECK(put(&kLaptop, kOffer, {{}, tags({"y"})}) == Verdict::CONDITION_MISSING);
    CHECK(put(&kLaptop, kOffer, {tags({"x"}), {}}) == Verdict::CONDITION_FAILED);
    CHECK(put(&kLaptop, kOffer, {tags({}), {}}) == Verdict::CONDITION_FAILED);  // weak ones alone
    CHECK(put(&kLaptop, kOffer, {current, kAny}) == Verdict::CONDITION_FAILED);
    CHECK(put(&kLaptop, kOffer, {current, current}) == Verdict::CONDITION_FAILED);
    // Once it is changed, the same request again is out of date.
    CHECK(put(&*decision.next, kOffer, {current, {}}) == Verdict::CONDITION_FAILED);

    const auto same = put_product("LAPTOP", &kLaptop, {"Laptop", {1500, {}}, {}}, {current, {}});
    CHECK((same.verdict == Verdict::CHANGED && !same.next && !same.event));
}

TEST_CASE("an offer that comes back is another one: a change that is sent again finds it so") {
    const Conditions first{tags({offer_tag(kLaptop)}), {}};
    const Product dear = *put_product("LAPTOP", &kLaptop, kOffer, first).next;
    const Offer as_before{kLaptop.name, kLaptop.price, {}};
    const Conditions second{tags({offer_tag(dear)}), {}};
    const Product back = *put_product("LAPTOP", &dear, as_before, second).next;
    CHECK(put(&back, kOffer, first) == Verdict::CONDITION_FAILED);
    CHECK(put(&back, as_before, second) == Verdict::CONDITION_FAILED);
}

TEST_CASE("the tag of an offer is not of its counters", "[products]") {
    const std::string tag = offer_tag(kLaptop);
    Product sold = kLaptop;
    sold.free = 0, sold.reserved = 0, sold.sold = 15;
    CHECK(offer_tag(sold) == tag);
    CHECK(tag.find_first_not_of("0123456789abcdef-") == std::string::npos);
    CHECK(offer_tag({"Laptop", {1500, kUsd}, 6, 2, 7}) != tag);
    CHECK(offer_tag({"Laptop", {150, {}}, 6, 2, 7}) != tag);
    CHECK(offer_tag({"0Laptop", {1500, {}}, 6, 2, 7}) != tag);
}

TEST_CASE("an adjustment adds to what is there, and never takes more than is free", "[products]") {
    const auto came = adjust_stock("LAPTOP", &kLaptop, 5);
    CHECK(came.verdict == Verdict::ADJUSTED);
    CHECK(*came.next == Product{"Laptop", {1500, {}}, 11, 2, 7});
    CHECK(event_of(came) == events::StockAdjusted{"LAPTOP", "Laptop", 1500, {}, 5});

    CHECK(adjust_stock("LAPTOP", &kLaptop, -6).next->free == 0);
    const auto more_than_free = adjust_stock("LAPTOP", &kLaptop, -7);  // the reserved are not free
    CHECK(more_than_free.verdict == Verdict::TOO_FEW);
    CHECK((!more_than_free.next && !more_than_free.event));
    CHECK(adjust_stock("LAPTOP", nullptr, 5).verdict == Verdict::UNKNOWN_PRODUCT);

    Product full = kLaptop;
    full.free = kMaxFree - 1;
    CHECK(adjust_stock("LAPTOP", &full, 1).verdict == Verdict::ADJUSTED);
    CHECK(adjust_stock("LAPTOP", &full, 2).verdict == Verdict::TOO_MANY);
    CHECK(adjust_stock("LAPTOP", &full, events::kMaxAdjustment).verdict == Verdict::TOO_MANY);
    full.free = kMaxFree + 5;  // by released pieces
    CHECK(adjust_stock("LAPTOP", &full, -1).verdict == Verdict::ADJUSTED);
}

// What came of a batch of requests, on tables in memory.
struct Shop {
    std::shared_ptr<test::MemoryInventory> shared = std::make_shared<test::MemoryInventory>();
    test::MemoryInventory& store = *shared;
    outbox::BatchOutput out;
    std::vector<Fate> fates;
    std::vector<ProductOutcome> answers;

    void ask(std::vector<ProductCommand> commands) {
        out = {};
        const auto told = test::apply(change_products(shared), commands, kNow, out);
        REQUIRE(told);
        fates.clear(), answers.clear();
        for (const auto& answer : *told) {
            fates.push_back(answer.fate);
            answers.push_back(answer.outcome);
        }
    }
    std::vector<std::int64_t> changes() const {
        std::vector<std::int64_t> list;
        for (const auto& event : out.events) {
            list.push_back(std::get<events::StockAdjusted>(event.data).change);
        }
        return list;
    }
};

ProductCommand creation(std::int64_t stock, const std::string& id = "LAPTOP") {
    return {id, PutProduct{{"Laptop", {1500, {}}, stock}, {}}, "trace"};
}
ProductCommand adjustment(const std::string& key, std::int64_t change,
                          std::string reason = "counted", const std::string& id = "LAPTOP") {
    return {id, AdjustStock{change, std::move(reason), key}, "trace"};
}

TEST_CASE("B14: stock 10, four sold, the same PUT again: there are never more than 10 to sell",
          "[products]") {
    Shop shop;
    shop.ask({creation(10)});
    CHECK(shop.answers.at(0).product.free == 10);
    CHECK(shop.changes() == std::vector<std::int64_t>{10});
    shop.store.products.at("LAPTOP") = {"Laptop", {1500, {}}, 6, 0, 4};

    shop.ask({creation(10), creation(10)});

    CHECK(shop.answers.at(0).verdict == Verdict::CONDITION_MISSING);
    CHECK(shop.out.events.empty());
    CHECK(shop.store.products.at("LAPTOP") == Product{"Laptop", {1500, {}}, 6, 0, 4});
}

TEST_CASE("concurrent requests for one product are folded in their order", "[products]") {
    Shop shop;
    shop.ask({creation(10), creation(4), adjustment("key-0001", -3), adjustment("key-0002", -8),
              adjustment("key-0003", 5)});

    CHECK(shop.changes() == std::vector<std::int64_t>{10, -3, 5});
    CHECK(shop.out.events.at(1).traceparent == "trace");
    CHECK(shop.answers.at(0).verdict == Verdict::CREATED);
    CHECK(shop.answers.at(1).verdict == Verdict::CONDITION_MISSING);
    CHECK(shop.answers.at(2).free == 7);
    CHECK(shop.answers.at(3).verdict == Verdict::TOO_FEW);
    CHECK(shop.answers.at(4).free == 12);
    CHECK(shop.store.products.at("LAPTOP").free == 12);
}

TEST_CASE("an adjustment sent again is made once, and answered as the first time", "[products]") {
    Shop shop;
    shop.ask({creation(10)});
    shop.ask({adjustment("key-0001", -3), adjustment("key-0001", -3),  // in one batch
              adjustment("key-0002", -8), adjustment("key-0002", -8),
              adjustment("key-0001", -3, "broken")});
    CHECK(shop.changes() == std::vector<std::int64_t>{-3});
    CHECK(shop.fates.at(4) == Fate::mismatch);

    shop.ask({adjustment("key-0003", 5), adjustment("key-0001", -3), adjustment("key-0002", -8)});

    CHECK(shop.changes() == std::vector<std::int64_t>{5});
    CHECK((shop.answers.at(1).verdict == Verdict::ADJUSTED && shop.answers.at(1).free == 7));
    // A refusal is an answer, too, whatever has come since.
    CHECK((shop.answers.at(2).verdict == Verdict::TOO_FEW && shop.answers.at(2).free == 7));
    CHECK(shop.store.products.at("LAPTOP").free == 12);
}

TEST_CASE("a key stands for one adjustment", "[products]") {
    Shop shop;
    shop.ask({creation(10), creation(10, "MOUSE"), adjustment("key-0001", -3)});
    shop.store.locked = 0;
    shop.ask({adjustment("key-0001", -4), adjustment("key-0001", 3),
              adjustment("key-0001", -3, "stolen"),
              adjustment("key-0001", -3, "counted", "MOUSE")});
    for (const Fate fate : shop.fates) CHECK(fate == Fate::mismatch);
    CHECK(shop.out.events.empty());
    CHECK(shop.store.locked == 0);  // who changes nothing waits for nobody
}

TEST_CASE("a key that is in use elsewhere holds up nothing else", "[products]") {
    Shop shop;
    shop.ask({creation(10), creation(10, "MOUSE")});
    shop.store.busy = {"key-0001"};
    shop.ask({adjustment("key-0001", 5), adjustment("key-0002", 5, "", "MOUSE")});
    CHECK(shop.fates.at(0) == Fate::busy);
    CHECK(shop.answers.at(1).verdict == Verdict::ADJUSTED);
    CHECK(shop.store.locked == 1);
}

TEST_CASE("an adjustment of an unknown product leaves its key free", "[products]") {
    Shop shop;
    shop.ask({adjustment("key-0001", 5)});
    CHECK(shop.answers.at(0).verdict == Verdict::UNKNOWN_PRODUCT);
    shop.ask({creation(10), adjustment("key-0001", 5)});
    CHECK((shop.answers.at(1).verdict == Verdict::ADJUSTED && shop.answers.at(1).free == 15));
}

std::string code(std::string_view id, std::string_view body) {
    const auto offer = parse_offer(id, body);
    return offer ? std::string("ok") : offer.error()[0].code + offer.error()[0].pointer;
}

TEST_CASE("a PUT that breaks a rule is named as such", "[products]") {
    CHECK(parse_offer("A", R"({"name":"Laptop","price":1500,"stock":10})").value() == kNew);
    CHECK(parse_offer("A", R"({"name":"Laptop","price":1400,"currency":"USD"})").value() == kOffer);
    CHECK(code("A", R"({"name":"L","price":1,"stock":0})") == "ok");
    CHECK(code("A", R"({"name":"L","price":1,"stock":-1})") == "validation/stock");
    CHECK(code("A", R"({"name":"L","price":1,"stock":1000000000001})") == "validation/stock");
    CHECK(code("A", R"({"name":"L","price":1,"stock":null})") == "validation/stock");
    CHECK(code("A", R"({"name":"","price":1})") == "validation/name");
    CHECK(code("A", R"({"name":"L","price":1,"stock":1,"colour":"red"})") == "unknown-field");
    CHECK(code("A", "{") == "json-syntax");
    CHECK(code("A", "") == "body-required");
    CHECK(parse_offer("A", R"({"name":"","price":-1,"colour":1})").error().size() == 3);
}

TEST_CASE("B10: an id that a URL cannot carry is refused when the product is made", "[products]") {
    const std::string good = R"({"name":"Laptop","price":1500,"stock":10})";
    for (const char* id : {"ITEM-001", "...", ".a", "a.", " ", "a b", "a\\b", "%2F", "%2e%2e", "%",
                           "?", "#", "a?b=c#d", "\"<>^`{|}", "~", "a;b", "*"}) {
        CAPTURE(id);
        CHECK(code(id, good) == "ok");
    }
    CHECK(code(std::string(64, 'x'), good) == "ok");
    for (const char* id : {"", ".", "..", "/", "a/b", "../a", "caf\xc3\xa9", "\xea\xb0\x80", "a\n",
                           "\x7f", "a\tb"}) {
        CAPTURE(id);
        CHECK(code(id, good) == "validation");
    }
    CHECK(code(std::string(65, 'x'), good) == "validation");
}

TEST_CASE("an adjustment that breaks a rule is named as such", "[products]") {
    const auto code = [](std::string_view body) {
        const auto read = parse_adjustment(body);
        return read ? std::string("ok") : read.error()[0].code + read.error()[0].pointer;
    };
    CHECK(parse_adjustment(R"({"change":-1,"reason":"broken"})").value().change == -1);
    CHECK(code(R"({"change":1000000000000,"reason":"x"})") == "ok");
    CHECK(code(R"({"change":1000000000001,"reason":"x"})") == "validation/change");
    CHECK(code(R"({"change":-1000000000001,"reason":"x"})") == "validation/change");
    CHECK(code(R"({"change":0,"reason":"x"})") == "validation/change");
    CHECK(code(R"({"change":1.0,"reason":"x"})") == "json-number/change");
    CHECK(code(R"({"change":"1","reason":"x"})") == "validation/change");
    CHECK(code(R"({"change":1})") == "validation/reason");
    CHECK(code(R"({"change":1,"reason":""})") == "validation/reason");
    CHECK(code(R"({"reason":"x"})") == "validation/change");
    CHECK(code(R"({"change":1,"reason":"x","stock":1})") == "unknown-field");
    CHECK(code("") == "body-required");
}

TEST_CASE("conditions name offers; weak tags match no change, dates are refused", "[products]") {
    const auto read = [](std::initializer_list<std::pair<const char*, const char*>> fields) {
        http::Request request;
        for (const auto& [name, value] : fields) request.headers.add(name, value);
        return parse_conditions(request);
    };
    CHECK_FALSE(read({}).value().match);
    CHECK(read({{"If-Match", "*"}}).value().match->any);
    CHECK(read({{"If-Match", R"("a.6.2.7", W/"b.1.1.1", "c")"}}).value().match->tags ==
          std::vector<std::string>{"a", "c"});
    CHECK(read({{"If-None-Match", R"(W/"b.1.1.1")"}}).value().none_match->tags ==
          std::vector<std::string>{"b"});
    for (const auto& [name, value] :
         {std::pair{"If-Match", "a"}, std::pair{"If-None-Match", ""},
          std::pair{"If-Modified-Since", "x"},
          std::pair{"If-Unmodified-Since", "Sat, 28 Nov 2026 20:00:00 GMT"}}) {
        CAPTURE(name);
        const auto conditions = read({{name, value}});
        CHECK((conditions.has_error() && conditions.error().code == "precondition"));
    }
}

}  // namespace
}  // namespace orderflow::inventory
