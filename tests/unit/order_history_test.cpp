// The order's history: what has happened, in the order in which it did, growing at its end only.

#include <algorithm>
#include <random>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "order/saga/saga.hpp"
#include "support/builders.hpp"

namespace orderflow::order {
namespace {

using events::Event;
using events::EventKind;
using test::at;
using test::Story;

std::vector<EventKind> kinds(const Saga& saga) {
    std::vector<EventKind> list;
    for (const HistoryEntry& entry : history(saga)) list.push_back(entry.kind);
    return list;
}

bool begins_with(const std::vector<HistoryEntry>& longer,
                 const std::vector<HistoryEntry>& shorter) {
    return std::ranges::equal(shorter, std::span(longer).first(shorter.size()),
                              [](const HistoryEntry& a, const HistoryEntry& b) {
                                  return a.kind == b.kind && a.service == b.service &&
                                         a.at == b.at && a.state == b.state;
                              });
}

// What the participants may say, in whatever order it arrives.
std::vector<Event> all_of(const Story& s) {
    return {s.reserved(),
            s.captured(),
            s.scheduled(),
            s.rejected(),
            s.declined(),
            s.refused(),
            s.released(),
            s.refunded(),
            s.voided(),
            s.nothing(events::Participant::inventory),
            s.nothing(events::Participant::payment),
            s.nothing(events::Participant::shipping)};
}

}  // namespace

TEST_CASE("history: a completed order's, and a cancelled one's with who undid what") {
    const Story s;
    Saga saga = *place(s.id, s.order).next;
    const auto then = [&](const Event& event, std::int64_t seconds) {
        saga = *decide(&saga, event, at(seconds)).next;
    };
    then(s.reserved(), 1);
    then(s.captured(), 2);
    const Saga charged = saga;
    then(s.scheduled(), 3);
    CHECK(kinds(saga) == std::vector{EventKind::OrderPlaced, EventKind::StockReserved,
                                     EventKind::PaymentCaptured, EventKind::OrderCompleted});
    CHECK(history(saga).back().at == at(3));
    CHECK(history(saga).back().state == State::COMPLETED);

    saga = charged;
    then(s.refused(), 4);
    then(s.nothing(events::Participant::shipping), 5);
    then(s.refunded(), 6);
    then(s.released(), 7);
    CHECK(kinds(saga) == std::vector{EventKind::OrderPlaced, EventKind::StockReserved,
                                     EventKind::PaymentCaptured, EventKind::CancellationStarted,
                                     EventKind::NothingToCompensate, EventKind::PaymentRefunded,
                                     EventKind::StockReleased, EventKind::OrderCancelled});
    CHECK(history(saga)[4].service == events::Service::shipping);
    CHECK(history(saga)[5].state == State::CANCELLING);
    CHECK(history(saga).back().state == State::CANCELLED);
}

TEST_CASE("history: a step whose event comes after the next one has its place before it") {
    const Story s;
    const Saga placed = *place(s.id, s.order).next;
    const std::vector all{EventKind::OrderPlaced, EventKind::StockReserved,
                          EventKind::PaymentCaptured, EventKind::OrderCompleted};
    const Saga completed = *decide(&placed, s.scheduled(), at(1)).next;
    CHECK(kinds(completed) == all);
    CHECK_FALSE(decide(&completed, s.captured(), at(2)).next);

    const Saga charged = *decide(&placed, s.captured(), at(1)).next;
    CHECK(kinds(charged) == std::vector(all.begin(), all.begin() + 3));
    CHECK_FALSE(decide(&charged, s.reserved(), at(2)).next);

    const Saga declined = *decide(&placed, s.declined(), at(1)).next;
    CHECK(kinds(declined) == std::vector{EventKind::OrderPlaced, EventKind::StockReserved,
                                         EventKind::CancellationStarted});
    const Saga refused = *decide(&placed, s.rejected(), at(1)).next;
    CHECK(kinds(refused) == std::vector{EventKind::OrderPlaced, EventKind::CancellationStarted});
}

TEST_CASE("history: grows at its end, whatever comes in whatever order by whatever clock") {
    const unsigned seed = GENERATE(range(0u, 200u));
    std::minstd_rand random(seed);
    const Story s;
    std::vector<Event> events = all_of(s);
    std::ranges::shuffle(events, random);
    Saga saga = *place(s.id, s.order).next;
    for (const Event& event : events) {
        const auto before = history(saga);
        // Processes' clocks that disagree by seconds.
        const Decision decision = decide(&saga, event, at(static_cast<int>(random() % 7) - 3));
        if (!decision.next) continue;
        saga = *decision.next;
        const auto after = history(saga);
        REQUIRE(after.size() > before.size());
        CHECK(begins_with(after, before));
    }
}

TEST_CASE("history: a row that was made again has the time of it") {
    const Story s;
    const Saga made = *recreate(s.reserved(), {}, at(9)).next;
    CHECK(made.recreated_at == at(9));
    CHECK(kinds(made) == std::vector{EventKind::OrderPlaced, EventKind::StockReserved});
    CHECK_FALSE(place(s.id, s.order).next->recreated_at);
}

}  // namespace orderflow::order
