// The rows that a process appends, on their way to its relay: in seq order, without a gap, or not
// at all.

#include <catch2/catch_test_macros.hpp>

#include "outbox/relay_feed.hpp"

namespace orderflow::outbox {
namespace {

using namespace std::chrono_literals;
using Seqs = std::vector<std::int64_t>;

std::vector<LedgerRow> rows_of(const Seqs& seqs, std::size_t bytes = 1) {
    std::vector<LedgerRow> rows;
    for (const std::int64_t seq : seqs) {
        rows.emplace_back().seq = seq;
        rows.back().data.assign(bytes, 'x');
    }
    return rows;
}

Seqs take(RelayFeed& feed, std::int64_t after, std::size_t limit = 100) {
    Seqs seqs;
    for (const LedgerRow& row : feed.take(after, limit)) seqs.push_back(row.seq);
    return seqs;
}

}  // namespace

TEST_CASE("relay feed: rows are taken in seq order, in whatever order their commits are pushed") {
    RelayFeed feed;
    feed.keep_rows(true);
    feed.push(rows_of({6, 7}));
    feed.push(rows_of({4, 5}));
    CHECK(take(feed, 3, 3) == Seqs{4, 5, 6});
    CHECK(take(feed, 6) == Seqs{7});
    CHECK(take(feed, 7).empty());
}

TEST_CASE("relay feed: behind a gap nothing is taken, and what the relay has read is dropped") {
    RelayFeed feed;
    feed.keep_rows(true);
    feed.push(rows_of({4, 5, 8, 9}));  // 6 and 7 are another process's, or were rolled back
    CHECK(take(feed, 2).empty());
    CHECK(take(feed, 3) == Seqs{4, 5});
    CHECK(feed.holds_rows());
    CHECK(take(feed, 5).empty());
    CHECK(take(feed, 8) == Seqs{9});  // it has read up to 8 from the table
    CHECK_FALSE(feed.holds_rows());
    feed.push(rows_of({10}));
    CHECK(take(feed, 10).empty());
    CHECK(take(feed, 9).empty());
}

TEST_CASE("relay feed: without a relay that takes them rows are not kept, but it is woken") {
    RelayFeed feed;
    feed.push(rows_of({1}));
    CHECK(take(feed, 0).empty());
    feed.keep_rows(true);
    feed.push(rows_of({2}));
    feed.keep_rows(false);
    feed.keep_rows(true);
    CHECK(take(feed, 1).empty());
    const auto begun = std::chrono::steady_clock::now();
    feed.wait(10s);  // the pushes count
    CHECK(std::chrono::steady_clock::now() - begun < 5s);
}

TEST_CASE("relay feed: what a relay does not take in time is left to the table") {
    RelayFeed feed;
    feed.keep_rows(true);
    constexpr std::size_t kRow = 256 * 1024;
    Seqs all;
    for (std::int64_t seq = 1; seq <= 18; ++seq) all.push_back(seq);
    feed.push(rows_of(all, kRow));
    CHECK(take(feed, 0).empty());
    CHECK(take(feed, 17) == Seqs{18});
}

}  // namespace orderflow::outbox
