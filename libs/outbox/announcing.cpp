#include "outbox/announcing.hpp"

#include <algorithm>

#include "kafka/producer.hpp"

namespace orderflow::outbox {

bool AnnouncementRelay::step(Clock::time_point now) {
    if (now >= next_look_) look(now);
    bool moved = false;
    for (auto& [topic, lane] : lanes_) moved = step(topic, lane, now) || moved;
    const auto closed = std::erase_if(lanes_, [&](const auto& entry) {
        const Lane& lane = entry.second;
        return lane.relay && lane.relay->idle() && lane.busy_at + limits_.idle_for <= now;
    });
    if (closed > 0 && lanes_.empty()) {  // look once more before it counts as done
        looked_ = false;
        next_look_ = {};
    }
    return moved;
}

void AnnouncementRelay::look(Clock::time_point now) {
    for (const std::string& topic : topics_.waiting()) {
        const auto [lane, added] = lanes_.try_emplace(topic);
        if (added) lane->second.busy_at = now;
    }
    looked_ = true;
    next_look_ = now + limits_.look_every;
}

bool AnnouncementRelay::step(const std::string& topic, Lane& lane, Clock::time_point now) {
    if (!lane.relay && now < lane.next_try) return false;
    try {
        if (!lane.relay) open(topic, lane);
        const std::int64_t confirmed = lane.relay->confirmed();
        const std::size_t produced = lane.relay->step(now);
        tell_skipped(topic, lane);
        if (lane.relay->confirmed() > confirmed) lane.backoff.reset();
        if (!lane.relay->idle()) lane.busy_at = now;
        if (const auto overdue = lane.relay->take_overdue(now)) {
            topics_.refused(topic, *overdue, std::chrono::milliseconds{0});
        }
        return produced > 0 || lane.relay->confirmed() > confirmed;
    } catch (const Refused& refused) {
        tell_skipped(topic, lane);
        close(lane);
        lane.refused_seq = refused.seq;
        // Sent alone, the event is refused for itself and not for its batch: only then may the lane
        // skip it.
        const bool apart = !lane.alone && kafka::is_about_the_event(refused.why);
        lane.alone = lane.alone || apart;
        const auto pause = apart ? std::chrono::milliseconds{0} : lane.backoff.next();
        lane.next_try = now + pause;
        topics_.refused(topic, refused, pause);
        return false;
    }
}

void AnnouncementRelay::open(const std::string& topic, Lane& lane) {
    lane.ledger = topics_.ledger(topic);
    lane.producer = topics_.producer(topic, lane.alone);
    Relay::Limits limits = limits_.relay;
    limits.one_by_one_until = lane.refused_seq;
    limits.skip_refused = lane.alone;
    if (lane.alone) limits.in_flight = limits.read_rows = 1;
    lane.relay.emplace(*lane.ledger, *lane.producer, limits);
    lane.relay->start();
}

void AnnouncementRelay::tell_skipped(const std::string& topic, Lane& lane) {
    if (!lane.relay) return;
    for (const auto& skipped : lane.relay->take_skipped()) topics_.skipped(topic, skipped);
}

void AnnouncementRelay::close(Lane& lane) {
    lane.relay.reset();
    lane.producer.reset();
    lane.ledger.reset();
}

bool AnnouncementRelay::sending() const {
    return std::ranges::any_of(lanes_, [](const auto& entry) {
        return entry.second.relay && !entry.second.relay->idle();
    });
}

void AnnouncementRelay::finish(std::chrono::milliseconds at_most) {
    const auto deadline = Clock::now() + at_most;
    for (auto& [topic, lane] : lanes_) {
        if (!lane.relay) continue;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        lane.producer->flush(std::max(left, std::chrono::milliseconds{0}));
        try {
            lane.relay->finish();
        } catch (const Refused&) {  // the next start finds it again
        }
    }
}

}  // namespace orderflow::outbox
