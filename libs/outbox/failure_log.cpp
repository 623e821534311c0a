#include "outbox/failure_log.hpp"

#include <algorithm>
#include <utility>

#include "events/announcements.hpp"
#include "kafka/record.hpp"

namespace orderflow::outbox {
namespace {

std::int32_t max_tries() {
    std::int32_t tries = 1;
    while (next_try_after(tries)) ++tries;
    return tries;
}

std::string place_of(const kafka::Record& record, const std::optional<OrderId>& order) {
    return std::string(record.topic) + "/" + std::to_string(record.partition) + "@" +
           std::to_string(record.offset) + (order ? " of order " + order->to_string() : "");
}

FailureLog::Line failed(const kafka::Record& record, const std::optional<OrderId>& order,
                        std::int32_t tries, Instant next, const std::string& error) {
    return {false, "record failed: " + place_of(record, order) + ", try " + std::to_string(tries) +
                       " of " + std::to_string(max_tries()) + ", next at " + to_rfc3339(next) +
                       ": " + events::printable(error, events::kMaxErrorBytes)};
}

FailureLog::Line died(const kafka::Record& record, const std::optional<OrderId>& order,
                      std::int32_t tries, const std::string& error) {
    return {true, "record died: " + place_of(record, order) + ", after " + std::to_string(tries) +
                      (tries == 1 ? " try: " : " tries: ") +
                      events::printable(error, events::kMaxErrorBytes) +
                      " (orderctl records list)"};
}

std::string left_out_text(bool died, std::size_t lines) {
    return std::to_string(lines) + (died ? " more records died" : " more tries failed");
}

}  // namespace

void FailureLog::parked(const ParkedRecord& parked, Instant now) {
    switch (parked.why) {
        case Parking::behind: return;
        case Parking::dead:
            return noted_.push_back(died(*parked.record, parked.order_id, 1, parked.error));
        case Parking::failed:
        case Parking::orphan:
            return noted_.push_back(failed(*parked.record, parked.order_id, 1,
                                           now + next_try_after(1).value(), parked.error));
    }
}

void FailureLog::retried(const Retried& retried) {
    const DueRecord& due = *retried.due;
    const std::int32_t tries = due.attempts + 1;
    noted_.push_back(retried.due_at
                         ? failed(due.record, due.order_id, tries, *retried.due_at, retried.error)
                         : died(due.record, due.order_id, tries, retried.error));
}

std::vector<FailureLog::Line> FailureLog::take(Clock::time_point now) {
    std::vector<Line> lines;
    for (Line& line : noted_) {
        Room& room = room_of(line.died);
        if (!room.take_one(now)) {
            ++room.left_out;
            continue;
        }
        if (room.left_out > 0) {
            line.text += "; " + left_out_text(line.died, std::exchange(room.left_out, 0)) +
                         " since the previous line";
        }
        lines.push_back(std::move(line));
    }
    noted_.clear();
    for (const bool died : {false, true}) {
        Room& room = room_of(died);
        if (room.left_out == 0 || !room.take_one(now)) continue;
        lines.push_back({died, left_out_text(died, std::exchange(room.left_out, 0)) +
                                   " (orderctl records list)"});
    }
    return lines;
}

bool FailureLog::Room::take_one(Clock::time_point now) {
    const double passed = std::chrono::duration<double>(now - std::exchange(at, now)).count();
    lines = std::min(kAtOnce, lines + std::max(0.0, passed) * kPerSecond);
    if (lines < 1) return false;
    lines -= 1;
    return true;
}

}  // namespace orderflow::outbox
