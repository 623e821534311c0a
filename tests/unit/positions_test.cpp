// Where a consumer stands in a log, and what it commits: over logs that lose their beginning, end
// with markers, or are made anew.

#include <catch2/catch_test_macros.hpp>

#include "kafka/positions.hpp"

namespace orderflow::kafka {
namespace {

PartitionPosition at(std::int64_t start, std::int64_t end,
                     std::optional<std::int64_t> committed = std::nullopt,
                     std::string committed_log = "one") {
    PartitionPosition position;
    position.topic = "t";
    position.log = "one";
    position.start = start;
    position.end = position.readable_end = end;
    position.committed = committed;
    if (committed) position.committed_log = std::move(committed_log);
    return position;
}

using Offsets = std::vector<std::int64_t>;
Offsets offsets(const std::vector<MemberPositions::Commit>& commits) {
    Offsets all;
    for (const auto& commit : commits) all.push_back(commit.offset);
    return all;
}

// A member that was assigned t/0 and knows where its group is.
struct Member : MemberPositions {
    explicit Member(const PartitionPosition& position = at(0, 100, 10)) {
        assign("t", 0);
        CHECK(verify(position));
    }
    void reads(std::int64_t from, std::int64_t to) {
        for (; from < to; ++from) polled("t", 0, from);
    }
    void handles(std::int64_t from, std::int64_t to) {
        for (; from < to; ++from) processed("t", 0, from);
    }
    Offsets commits() {
        const auto all = to_commit();
        committed(all);
        return offsets(all);
    }
};

}  // namespace

TEST_CASE("position: lag is what the group has not passed") {
    CHECK(at(0, 10, 4).lag() == 6);
    CHECK(at(0, 10, 10).lag() == 0);
    CHECK(at(0, 10, 10).caught_up());
    CHECK(at(0, 10).lag() == 10);
    CHECK(at(0, 0).caught_up());
    CHECK(at(0, 10, 4).has_passed(3));
    CHECK_FALSE(at(0, 10, 4).has_passed(4));
}

TEST_CASE("position: what retention has deleted is no lag") {
    CHECK(at(7, 10).lag() == 3);
    CHECK(at(7, 10, 2).lag() == 3);
    CHECK(at(10, 10, 2).caught_up());
    CHECK(at(7, 10, 2).has_passed(6));
    CHECK_FALSE(at(7, 10, 2).has_passed(7));
}

TEST_CASE("position: a commit beyond the end is of another log, and all of this one is unread") {
    CHECK(at(0, 10, 11).committed_beyond_end());
    CHECK(at(0, 10, 11).lag() == 10);
    CHECK_FALSE(at(0, 10, 11).has_passed(0));
    CHECK_FALSE(at(0, 10, 10).committed_beyond_end());
}

TEST_CASE("position: a commit that names another log counts for nothing in this one") {
    CHECK(at(0, 10, 4, "zero").committed_elsewhere());
    CHECK(at(0, 10, 4, "zero").lag() == 10);
    CHECK_FALSE(at(0, 10, 4, "").committed_elsewhere());  // who has committed does not say
    CHECK(at(0, 10, 4, "").lag() == 6);
    PartitionPosition unknown = at(0, 10, 4);
    unknown.log.clear();
    CHECK_FALSE(unknown.committed_elsewhere());
}

TEST_CASE("position: an open transaction leaves nothing to read, but a lag") {
    PartitionPosition held = at(0, 10, 6);
    held.readable_end = 6;
    CHECK(held.held_up());
    CHECK(held.nothing_left());
    CHECK(held.lag() == 4);
    CHECK_FALSE(at(0, 10, 6).nothing_left());
    held.committed = 4;
    CHECK(held.unread() == 2);
    CHECK(held.lag() == 6);
}

TEST_CASE("member: what is handled is committed, once") {
    Member member;
    member.reads(10, 20);
    CHECK(member.commits().empty());
    member.handles(10, 15);
    CHECK(member.commits() == Offsets{15});
    CHECK(member.commits().empty());
    member.handles(15, 20);
    CHECK(member.commits() == Offsets{20});
    CHECK(member.position("t", 0) == 20);
}

TEST_CASE("member: a commit that the broker did not take is due again") {
    Member member;
    member.reads(10, 11);
    member.handles(10, 11);
    CHECK(member.commits() == Offsets{11});
    member.not_committed("t", 0);
    CHECK(member.commits() == Offsets{11});
}

TEST_CASE("member: the end behind markers is committed once what is in hand is handled") {
    Member member;
    member.reads(10, 12);
    member.at_end("t", 0, 14);
    CHECK(member.commits().empty());
    CHECK(member.position("t", 0) == 14);
    member.handles(10, 11);
    CHECK(member.commits() == Offsets{11});
    member.handles(11, 12);
    CHECK(member.commits() == Offsets{14});
    member.at_end("t", 0, 15);  // a marker alone
    CHECK(member.commits() == Offsets{15});
}

TEST_CASE("member: an end that records have come behind since is no position") {
    Member member;
    member.reads(10, 12);
    member.at_end("t", 0, 13);
    member.reads(13, 14);
    member.handles(10, 12);
    CHECK(member.commits() == Offsets{12});
    member.handles(13, 14);
    CHECK(member.commits() == Offsets{14});
}

TEST_CASE("member: a position that was reset is committed once, though no record comes") {
    Member member(at(50, 50, 10));
    member.at_end("t", 0, 50);
    CHECK(member.commits() == Offsets{50});
    member.at_end("t", 0, 50);
    CHECK(member.commits().empty());
}

TEST_CASE("member: an end where the group is already is not committed") {
    Member member(at(0, 10, 10));
    member.at_end("t", 0, 10);
    CHECK(member.commits().empty());
}

TEST_CASE("member: a position that went back is committed as it is, not the greatest ever") {
    Member member;
    member.reads(10, 90);
    member.handles(10, 90);
    CHECK(member.commits() == Offsets{90});
    member.reads(0, 3);  // the log begins anew
    member.handles(0, 3);
    CHECK(member.commits() == Offsets{3});
}

TEST_CASE("member: nothing is committed until it is known which log the group's commit is of") {
    MemberPositions member;
    member.assign("t", 0);
    member.assign("t", 1);
    member.polled("t", 0, 10);
    member.processed("t", 0, 10);
    CHECK(member.to_commit().empty());
    CHECK(member.unverified().size() == 2);

    CHECK_FALSE(member.verify(at(0, 100, 10, "zero")));
    CHECK(member.to_commit().empty());
    CHECK(member.unverified().size() == 2);

    CHECK(member.verify(at(0, 100, 10)));
    CHECK(offsets(member.to_commit()) == Offsets{11});
    CHECK(member.to_commit().front().log == "one");
    CHECK(member.unverified().size() == 1);
}

TEST_CASE("member: a topic that is made anew while it is read is another log") {
    Member member;
    CHECK(member.is_log("t", "one"));
    CHECK_FALSE(member.is_log("t", "two"));
    CHECK(member.is_log("u", "two"));
    member.assign("t", 0);  // a new assignment, of which nothing is known yet
    CHECK(member.is_log("t", "two"));
}

TEST_CASE("member: what belongs to no partition of the assignment changes nothing") {
    Member member;
    member.polled("u", 0, 5);
    member.processed("t", 1, 5);
    member.at_end("t", 7, 5);
    CHECK(member.to_commit().empty());
    CHECK_FALSE(member.position("t", 1));
    member.clear();
    member.processed("t", 0, 5);
    CHECK(member.to_commit().empty());
}

}  // namespace orderflow::kafka
