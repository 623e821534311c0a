// Identifiers: their text, their order, and that nobody can guess them.

#include <algorithm>
#include <set>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "core/ids.hpp"
#include "support/builders.hpp"

namespace orderflow {
namespace {

using namespace std::chrono_literals;
using test::at;

constexpr const char* kId = "019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10";

// Berlekamp and Massey: how many bits of a sequence are needed to compute all others from, by a
// linear recurrence. Half of them, if they are random.
std::size_t linear_complexity(const std::vector<bool>& bits) {
    std::vector<bool> c(bits.size() + 1), b(bits.size() + 1);
    c[0] = b[0] = true;
    std::size_t length = 0, shift = 1;
    for (std::size_t n = 0; n < bits.size(); ++n, ++shift) {
        bool wrong = bits[n];
        for (std::size_t i = 1; i <= length; ++i) wrong ^= c[i] && bits[n - i];
        if (!wrong) continue;
        const auto before = c;
        for (std::size_t i = 0; i + shift < c.size(); ++i) c[i + shift] = c[i + shift] ^ b[i];
        if (2 * length > n) continue;
        length = n + 1 - length;
        b = before;
        shift = 0;
    }
    return length;
}

}  // namespace

TEST_CASE("ids: the canonical text is read and written") {
    const auto id = OrderId::parse(kId);
    REQUIRE(id.has_value());
    CHECK(id->bytes[0] == 0x01);
    CHECK(id->bytes[15] == 0x10);
    CHECK(id->to_string() == kId);
    std::string text = "order ";
    id->append_to(text);
    CHECK(text == std::string("order ") + kId);
}

TEST_CASE("ids: every other text is refused") {
    for (const char* text :
         {"", "019b7ca9", "019B7CA9-8D03-7C3E-9A51-3F6D2B8E4C10",
          "019b7ca98d037c3e9a513f6d2b8e4c10", "{019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10}",
          "019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c1", "019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c100",
          "019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c1g", "019b7ca9-8d03-7c3e-9a51_3f6d2b8e4c10",
          "019b7ca9-8d037-c3e-9a51-3f6d2b8e4c10", " 19b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10",
          "0x9b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10"}) {
        CAPTURE(text);
        CHECK_FALSE(OrderId::parse(text).has_value());
    }
}

TEST_CASE("ids: new ones are UUIDv7 and sort by their millisecond") {
    IdSource source;
    std::vector<OrderId> ids;
    for (int ms = 0; ms < 1000; ++ms) {
        ids.push_back(source.next<OrderId>(at(0) + std::chrono::milliseconds{ms}));
    }
    CHECK(std::ranges::is_sorted(ids));
    for (const OrderId& id : ids) {
        CHECK((id.bytes[6] >> 4) == 7);
        CHECK((id.bytes[8] >> 6) == 2);
        CHECK(OrderId::parse(id.to_string()) == id);
    }
    // 2026-01-02T03:04:05.123Z
    CHECK(ids[0].to_string().starts_with("019b7ca9-8d03-7"));
}

TEST_CASE("ids: the first one of an instant lies between those made before and from then on") {
    IdSource source;
    const OrderId first = first_order_id(at(0));
    CHECK(first.to_string() == "019b7ca9-8d03-0000-0000-000000000000");
    CHECK(source.next<OrderId>(at(0) - 1ms) < first);
    CHECK(first < source.next<OrderId>(at(0)));
    CHECK(first_order_id(at(0) + 255ms) > first);
}

TEST_CASE("ids: a seed repeats them, without one they differ") {
    IdSource a(7), b(7), c(8), d, e;
    const auto id = a.next<OrderId>(at(0));
    CHECK(id == b.next<OrderId>(at(0)));
    CHECK(id != c.next<OrderId>(at(0)));
    CHECK(d.next<OrderId>(at(0)) != e.next<OrderId>(at(0)));
    std::set<OrderId> same_millisecond;
    for (int i = 0; i < 10'000; ++i) same_millisecond.insert(d.next<OrderId>(at(0)));
    CHECK(same_millisecond.size() == 10'000);
}

TEST_CASE("ids: sources without a seed never repeat one another, nor after a move") {
    std::set<std::uint64_t> seen;  // of the last eight bytes, of which 62 bits are random
    const auto take = [&](IdSource& source, int n) {
        for (int i = 0; i < n; ++i) seen.insert(std::hash<OrderId>{}(source.next<OrderId>(at(0))));
    };
    IdSource a, b;
    take(a, 1'000);  // beyond what is drawn at once, and into the middle of the next
    take(b, 1'000);
    IdSource c = std::move(a);
    take(c, 1'000);
    take(a, 1'000);
    CHECK(seen.size() == 4'000);
}

TEST_CASE("ids: some of them do not tell the next, but for those of the simulator") {
    const auto complexity = [](IdSource source) {
        std::vector<bool> bits;
        for (int i = 0; i < 600; ++i) bits.push_back(source.next<OrderId>(at(0)).bytes[8] & 1);
        return linear_complexity(bits);
    };
    CHECK(complexity(IdSource()) > 250);
    CHECK(complexity(IdSource(7)) <= 128);  // the generator's own bits: the measure works
}

TEST_CASE("ids: 74 of their bits are random") {
    IdSource source;
    std::array<int, 128> set{};
    constexpr int kIds = 4'000;
    for (int i = 0; i < kIds; ++i) {
        const auto id = source.next<OrderId>(at(0));
        for (std::size_t bit = 0; bit < set.size(); ++bit) {
            set[bit] += id.bytes[bit / 8] >> (7 - bit % 8) & 1;
        }
    }
    int random = 0;
    for (const int n : set) random += n > kIds * 2 / 5 && n < kIds * 3 / 5;
    CHECK(random == 74);
}

}  // namespace orderflow
