#include "simulation/database.hpp"

#include <algorithm>
#include <stdexcept>

#include "events/codec.hpp"
#include "kafka/delivery.hpp"
#include "kafka/record.hpp"
#include "outbox/parking.hpp"
#include "outbox/unit_of_work.hpp"

namespace orderflow::simulation {
namespace {

using outbox::Parking;

const std::string kOutboxLock = "outbox";
constexpr std::chrono::seconds kIdleSessionTimeout{3};
constexpr std::chrono::seconds kLease{5};  // of a record that is tried again

std::string lock_of(std::int64_t parked) { return "parked " + std::to_string(parked); }

bool is_live_and_blocks(const ParkedRow& row) { return !row.dead() && row.blocks; }

std::optional<Instant> first_try(Parking why, Instant now) {
    switch (why) {
        case Parking::dead: return std::nullopt;
        case Parking::behind: return now;
        case Parking::failed:
        case Parking::orphan: return now + outbox::next_try_after(1).value();
    }
    throw std::logic_error("no such parking");
}

ParkedRow parked_row(const outbox::ParkedRecord& parked, Instant now) {
    ParkedRow row;
    row.record = *parked.record;
    row.order_id = parked.order_id;
    row.ce_id = parked.record->header("ce_id");
    row.attempts = parked.why == Parking::behind ? 0 : 1;
    row.due_at = first_try(parked.why, now);
    row.blocks = parked.why == Parking::failed || parked.why == Parking::behind;
    row.error = parked.error;
    return row;
}

// The position alone is not enough: in a recreated topic, another record may have the same one.
bool is_same_record(const ParkedRow& row, const kafka::Record& record) {
    return row.record.topic == record.topic && row.record.partition == record.partition &&
           row.record.offset == record.offset && row.record.key == record.key &&
           row.record.value == record.value && row.record.headers == record.headers;
}

}  // namespace

Instant Session::begin() {
    statement(Effect::begin);
    doing_ = {};
    doing_.service = place_.service;
    doing_.step = place_.step;
    return world_.now;
}

bool Session::try_lock(const std::string& row) {
    const auto [held, added] = database_.locks_.try_emplace(row, this);
    if (added) locked_.push_back(row);
    return held->second == this;
}

bool Session::holds(const std::string& row) const {
    const auto held = database_.locks_.find(row);
    return held != database_.locks_.end() && held->second == this;
}

void Session::lock(const std::string& row) {
    if (try_lock(row)) return;
    const bool deadlock = world_.random.percent(30);
    world_.note(deadlock ? "deadlock over " : "lock timeout for ", row);
    if (deadlock) throw postgres::DatabaseError("deadlock detected", "40P01", false);
    throw postgres::DatabaseError("lock timeout", "55P03", false);
}

std::vector<std::string> Session::blocked(std::span<const std::string_view> keys) {
    statement(Effect::blocked);
    for (const auto& [id, row] : database_.parked_) {
        const auto& key = row.record.key;
        if (!key || !is_live_and_blocks(row)) continue;
        if (std::ranges::find(keys, *key) != keys.end()) doing_.waiting.emplace_back(*key);
    }
    return doing_.waiting;
}

std::optional<outbox::DueRecord> Session::take_due(Instant now) {
    statement(Effect::take_due);
    std::map<std::string_view, bool> earlier;  // does a live record of the key block?
    const std::pair<const std::int64_t, ParkedRow>* first = nullptr;
    for (const auto& entry : database_.parked_) {
        const ParkedRow& row = entry.second;
        if (row.dead()) continue;
        if (row.record.key) {
            const auto [known, none] = earlier.try_emplace(*row.record.key, row.blocks);
            const bool waits = !none && (known->second || !row.blocks);
            known->second = known->second || row.blocks;
            if (waits) continue;
        }
        if (*row.due_at > now || database_.locks_.contains(lock_of(entry.first))) continue;
        if (!first || *row.due_at < *first->second.due_at) first = &entry;
    }
    if (!first) return std::nullopt;
    try_lock(lock_of(first->first));
    write([this, id = first->first, until = world_.now + kLease] {
        database_.parked_.at(id).due_at = until;
    });
    return outbox::DueRecord{first->first, first->second.attempts, first->second.order_id,
                             first->second.record};
}

void Session::park(std::span<const outbox::ParkedRecord> records) {
    statement(Effect::park);
    for (const outbox::ParkedRecord& parked : records) {
        const kafka::Record& record = *parked.record;
        const auto is_same = [&](const auto& entry) {
            return is_same_record(entry.second, record);
        };
        if (std::ranges::any_of(database_.parked_, is_same)) continue;
        lock("parked " + std::string(record.topic) + std::to_string(record.partition) + "/" +
             std::to_string(record.offset));
        announcements_.push_back(outbox::announce(parked, place_.service, world_.now));
        doing_.parked.push_back(parked);
        write([this, row = parked_row(parked, world_.now)] {
            database_.parked_.emplace(database_.next_parked_++, row);
        });
    }
}

bool Session::retried(const outbox::Retried& retried) {
    statement(Effect::retried);
    const outbox::DueRecord& due = *retried.due;
    lock(lock_of(due.id));
    const auto found = database_.parked_.find(due.id);
    if (found == database_.parked_.end() || found->second.dead()) return false;
    if (retried.done()) {
        doing_.unparked.push_back(EventId::parse(found->second.ce_id).value());
        write([this, id = due.id] { database_.parked_.erase(id); });
        return true;
    }
    if (found->second.attempts != due.attempts) return false;
    announcements_.push_back(outbox::announce(retried, place_.service, world_.now));
    write([this, id = due.id, due_at = retried.due_at, error = retried.error] {
        ParkedRow& row = database_.parked_.at(id);
        ++row.attempts;
        row.due_at = due_at;
        row.error = error;
    });
    return true;
}

void Session::handled(std::span<const kafka::Delivery> batch, const outbox::BatchOutput& out) {
    for (const kafka::Delivery& delivery : batch) {
        doing_.handled.push_back(delivery.event);
        const bool aside = std::ranges::any_of(
            out.parked, [&](const auto& parked) { return parked.record == delivery.record; });
        if (!aside) doing_.done.push_back(delivery.id);
    }
}

void Session::append(std::span<const outbox::OutgoingEvent> events) {
    if (events.empty() && announcements_.empty()) return;
    statement(Effect::append);
    lock(kOutboxLock);
    for (const outbox::OutgoingEvent& event : events) {
        const OrderId* order = events::order_of(event.data);
        std::string json;
        events::encode(event.data, json);
        const auto kind = events::kind_of(event.data);
        append_row(order ? std::optional(*order) : std::nullopt,
                   std::string(events::topic_of(kind, place_.service)), events::key_of(event.data),
                   std::string(events::type_name(kind)), event.traceparent, std::move(json));
        doing_.events.push_back(event.data);
    }
    for (outbox::Announcement& announcement : announcements_) {
        append_row(announcement.order_id, announcement.topic, announcement.key,
                   std::string(announcement.type), "", std::move(announcement.json));
    }
}

void Session::append_row(const std::optional<OrderId>& order, std::string topic,
                         std::optional<std::string> key, std::string type, std::string headers,
                         std::string data) {
    outbox::LedgerRow row;
    row.seq = database_.next_seq_++;
    row.event_id = database_.ids_.next<EventId>(world_.now);
    row.order_id = order;
    row.topic = std::move(topic);
    row.key = std::move(key);
    row.type = std::move(type);
    row.headers = std::move(headers);
    row.data = std::move(data);
    row.recorded_at = world_.now;
    doing_.rows.push_back(std::move(row));
}

void Session::commit(std::span<const outbox::OutgoingEvent> events) {
    append(events);
    statement(Effect::before_commit);
    for (const auto& change : writes_) change();
    database_.outbox_.insert(database_.outbox_.end(), doing_.rows.begin(), doing_.rows.end());
    const Commit done = std::exchange(doing_, {});
    rollback();  // nothing is left to undo: releases the locks
    for (const outbox::LedgerRow& row : done.rows) {
        if (row.order_id) {
            world_.note("  committed ", row.seq, " ", row.type, " of ", *row.order_id);
        } else {
            world_.note("  committed ", row.seq, " ", row.type, " of ", row.key.value_or("no key"));
        }
    }
    database_.watch(done);
    statement(Effect::after_commit);
    if (!done.rows.empty()) database_.feeds_[place_.victim].push(done.rows);
}

void Session::rollback() noexcept {
    for (const std::string& row : locked_) database_.locks_.erase(row);
    locked_.clear();
    writes_.clear();
    announcements_.clear();
    doing_ = {};
}

void Database::hold(bool on) {
    if (held_ && !on) released_at_ = world_.now;
    if (!held_ && on) held_at_ = world_.now;
    held_ = on;
}

void Database::lower_checkpoint(std::int64_t to) {
    checkpoint_ = to;
    for (auto& [topic, seq] : announced_) seq = std::min(seq, to);
    ++republished_;
}

bool Database::announced_all(std::string_view topic) const {
    const auto checkpoint = announced_.find(topic);
    const std::int64_t seq = checkpoint == announced_.end() ? 0 : checkpoint->second;
    return std::ranges::none_of(
        outbox_, [&](const outbox::LedgerRow& row) { return row.topic == topic && row.seq > seq; });
}

void LedgerSession::statement(Effect effect) {
    world_.reach_database(place_, effect);
    last_used_ = world_.now;
}

bool LedgerSession::lead() {
    statement(Effect::lead);
    if (&leader_ == &database_.leader_ && database_.held_) return false;
    if (!leader_ || leader_->last_used_ + kIdleSessionTimeout < world_.now) leader_ = this;
    const bool saga = &leader_ == &database_.leader_;
    if (leader_ == this && saga && !std::exchange(takes_rows_, true)) feed_.keep_rows(true);
    return leader_ == this;
}

void LedgerSession::check_lead() const {
    if (leader_ != this) throw std::runtime_error("the connection is lost");
}

std::int64_t LedgerSession::checkpoint() {
    check_lead();
    republished_ = database_.republished_;
    held_ = database_.held_;
    return database_.checkpoint_;
}

std::vector<outbox::LedgerRow> LedgerSession::read(std::int64_t after, std::size_t limit) {
    std::vector<outbox::LedgerRow> rows = feed_.take(after, limit);
    for (outbox::LedgerRow& row : rows) {
        row.elsewhere = row.topic != events::topic_of(database_.service());
    }
    if (!rows.empty()) return rows;
    statement(Effect::read);
    check_lead();
    auto row = std::ranges::upper_bound(database_.outbox_, after, {}, &outbox::LedgerRow::seq);
    for (; row != database_.outbox_.end() && rows.size() < limit; ++row) {
        rows.push_back(*row);
        rows.back().elsewhere = row->topic != events::topic_of(database_.service());
    }
    return rows;
}

void LedgerSession::move(std::int64_t& checkpoint, std::int64_t from, std::int64_t to,
                         int republished) {
    statement(Effect::before_checkpoint);
    check_lead();
    if (checkpoint != from || database_.republished_ != republished) {
        throw std::runtime_error("the checkpoint was moved");
    }
    checkpoint = to;
    statement(Effect::after_checkpoint);
}

void LedgerSession::move_checkpoint(std::int64_t from, std::int64_t to) {
    move(database_.checkpoint_, from, to, republished_);
    held_ = database_.held_;
}

void LedgerSession::release() noexcept {
    if (leader_ == this) leader_ = nullptr;
    if (std::exchange(takes_rows_, false)) feed_.keep_rows(false);
}

std::vector<std::string> AnnouncementLedger::waiting(LedgerSession& session,
                                                     const std::vector<std::string>& topics) {
    session.statement(Effect::read);
    session.check_lead();
    std::vector<std::string> found;
    for (const std::string& topic : topics) {
        if (!session.database_.announced_all(topic)) found.push_back(topic);
    }
    return found;
}

std::int64_t AnnouncementLedger::checkpoint() {
    session_.check_lead();
    republished_ = session_.database_.republished_;
    return session_.database_.announced_[topic_];
}

std::vector<outbox::LedgerRow> AnnouncementLedger::read(std::int64_t after, std::size_t limit) {
    session_.statement(Effect::read);
    session_.check_lead();
    std::vector<outbox::LedgerRow> rows;
    for (const outbox::LedgerRow& row : session_.database_.outbox_) {
        if (row.topic == topic_ && row.seq > after && rows.size() < limit) rows.push_back(row);
    }
    return rows;
}

void AnnouncementLedger::move_checkpoint(std::int64_t from, std::int64_t to) {
    session_.move(session_.database_.announced_[topic_], from, to, republished_);
}

}  // namespace orderflow::simulation
