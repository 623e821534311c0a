#include "outbox/postgres_ledger.hpp"

#include "core/enums.hpp"

namespace orderflow::outbox {
namespace {

using postgres::Column;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

// Advisory locks of one service's database, held by the sessions of the relay's threads.
constexpr std::int64_t kSagaLock = 0x72656c61;
constexpr std::int64_t kAnnouncementsLock = 0x72656c62;
// Held in shared mode by the relays that stand by, so that the leader knows of other processes.
constexpr std::int64_t kStandbyLock = 0x72656c63;

// No process leads a lane that is held.
const Statement kLead{"relay_lead", R"(
    SELECT CASE WHEN held THEN false ELSE pg_try_advisory_lock($1::bigint) END, held
    FROM (SELECT coalesce((SELECT held_at IS NOT NULL FROM relay_checkpoint
                           WHERE lane = $2::text), false) AS held) AS of_lane)"};
const Statement kStandBy{"relay_stand_by", "SELECT pg_advisory_lock_shared($1::bigint)"};
const Statement kTryLock{"relay_try_lock", "SELECT pg_try_advisory_lock($1::bigint)"};
const Statement kWasHeld{"relay_was_held", R"(
    SELECT held_at IS NOT NULL
           OR coalesce(released_at > clock_timestamp() - $1::bigint * interval '1 ms', false)
    FROM relay_checkpoint WHERE lane = 'saga')"};
const Statement kIdle{"relay_idle", "SET idle_session_timeout = '3s'"};

const Statement kStanding{"relay_standing", R"(
    SELECT seq, coalesce(topic_id, ''), republished, held_at IS NOT NULL FROM relay_checkpoint
    WHERE lane = $1::text)"};
const Statement kNewLane{"relay_new_lane", R"(
    INSERT INTO relay_checkpoint (lane) VALUES ($1::text) ON CONFLICT DO NOTHING)"};

// If the checkpoint is not where this relay left it, an operator has moved it, to send events
// again, or another relay has. An operator may do so before this relay has moved it at all: then
// only `republished` shows it. A move also clears the refusal.
const Statement kMoveCheckpoint{"relay_move", R"(
    UPDATE relay_checkpoint
    SET seq = $3::bigint, refused_at = NULL, refused_seq = NULL, refused_why = NULL,
        refused_error = NULL
    WHERE lane = $1::text AND seq = $2::bigint AND republished = $4::bigint
    RETURNING held_at IS NOT NULL)"};

const Statement kSetTopicId{"relay_topic_id", R"(
    UPDATE relay_checkpoint
    SET remade_at = CASE WHEN topic_id IS NULL THEN remade_at ELSE clock_timestamp() END,
        topic_id = $2::text, seq = $3::bigint
    WHERE lane = $1::text)"};
const Statement kRefused{"relay_refused", R"(
    UPDATE relay_checkpoint
    SET refused_at = coalesce(refused_at, clock_timestamp()), refused_seq = $2::bigint,
        refused_why = $3::text, refused_error = $4::text
    WHERE lane = $1::text)"};
const Statement kThere{"relay_there", R"(
    UPDATE relay_checkpoint
    SET refused_at = NULL, refused_seq = NULL, refused_why = NULL, refused_error = NULL
    WHERE lane = $1::text AND refused_seq = 0)"};
const Statement kSkipped{"relay_skipped", R"(
    UPDATE relay_checkpoint SET skipped = skipped + $2::bigint WHERE lane = $1::text)"};

const Statement kBacklog{"relay_backlog", R"(
    SELECT greatest(coalesce((SELECT max(seq) FROM outbox), 0) - $1::bigint, 0),
           coalesce((SELECT (extract(epoch FROM clock_timestamp() - recorded_at) * 1000)::bigint
                     FROM outbox WHERE seq > $1::bigint ORDER BY seq LIMIT 1), 0),
           EXISTS (SELECT FROM pg_locks
                   WHERE locktype = 'advisory' AND objsubid = 1 AND classid = 0
                     AND objid = $2::bigint::oid AND pid <> pg_backend_pid()
                     AND database = (SELECT oid FROM pg_database
                                     WHERE datname = current_database())))"};

const Statement kReadSaga{"relay_read", R"(
    SELECT seq, event_id, order_id, topic, key, type, headers,
           CASE WHEN topic = $3::text THEN data ELSE '' END, recorded_at, topic <> $3::text
    FROM outbox WHERE seq > $1::bigint ORDER BY seq LIMIT $2::bigint)"};
// The WHERE clause repeats the condition of the index.
const Statement kReadAnnouncements{"relay_read_announcements", R"(
    SELECT seq, event_id, order_id, topic, key, type, headers, data, recorded_at, false
    FROM outbox
    WHERE seq > $1::bigint AND topic = $3::text AND type IN ('RecordParked.v1', 'RecordDied.v1')
    ORDER BY seq LIMIT $2::bigint)"};
const Statement kWithAnnouncements{"relay_with_announcements", R"(
    SELECT t.topic FROM unnest($1::text[]) AS t(topic)
    LEFT JOIN relay_checkpoint c ON c.lane = t.topic
    WHERE EXISTS (SELECT 1 FROM outbox o
                  WHERE o.topic = t.topic AND o.type IN ('RecordParked.v1', 'RecordDied.v1')
                        AND o.seq > coalesce(c.seq, 0)))"};

}  // namespace

Lane saga_lane(events::Service service) {
    return {"saga", std::string(events::topic_of(service)), false};
}

Lane announcement_lane(const std::string& topic) { return {topic, topic, true}; }

PostgresLedger::PostgresLedger(postgres::Connection& connection, Lane lane, RelayFeed* feed)
    : connection_(connection), lane_(std::move(lane)), feed_(feed) {}

bool PostgresLedger::lead() {
    if (!connection_.connected()) {
        connection_.exec(kIdle);
        stands_by_ = false;
    }
    const auto lock = lane_.announcements ? kAnnouncementsLock : kSagaLock;
    const Rows rows = connection_.exec(kLead, Params::of(lock, std::string_view(lane_.name)));
    held_ = rows.boolean(0, 1);
    const bool leads = rows.boolean(0, 0);
    if (!leads && !stands_by_) connection_.exec(kStandBy, Params::of(kStandbyLock));
    stands_by_ = stands_by_ || !leads;
    return leads;
}

// A lane of announcements begins with the first announcement to send.
Rows PostgresLedger::standing() {
    Rows rows = connection_.exec(kStanding, Params::of(std::string_view(lane_.name)));
    if (rows.size() > 0) return rows;
    connection_.exec(kNewLane, Params::of(std::string_view(lane_.name)));
    return connection_.exec(kStanding, Params::of(std::string_view(lane_.name)));
}

PostgresLedger::Backlog PostgresLedger::backlog(std::int64_t seq) {
    const Rows rows = connection_.exec(kBacklog, Params::of(seq, kStandbyLock));
    return {rows.int64(0, 0), static_cast<double>(rows.int64(0, 1)) / 1'000, rows.boolean(0, 2)};
}

std::int64_t PostgresLedger::checkpoint() {
    const Rows rows = standing();
    republished_ = rows.int64(0, 2);
    held_ = rows.boolean(0, 3);
    return rows.int64(0, 0);
}

std::string PostgresLedger::topic_id() { return std::string(standing().text(0, 1)); }

void PostgresLedger::set_topic_id(const std::string& id, std::int64_t checkpoint) {
    standing();  // there may be no row yet
    connection_.exec(kSetTopicId,
                     Params::of(std::string_view(lane_.name), std::string_view(id), checkpoint));
}

std::vector<LedgerRow> PostgresLedger::read(std::int64_t after, std::size_t limit) {
    if (feed_) {
        // Throws if the session has ended: a relay that has lost the lane's lock must send nothing
        // more. The first call reads the last messages of the server, the second one finds the end
        // of the connection after them.
        for (int look = 0; look < 2; ++look) {
            connection_.notifications(std::chrono::milliseconds{0});
        }
        std::vector<LedgerRow> fresh = feed_->take(after, limit);
        for (LedgerRow& row : fresh) row.elsewhere = row.topic != lane_.topic;
        if (!fresh.empty()) return fresh;
    }
    const Rows rows = connection_.exec(
        lane_.announcements ? kReadAnnouncements : kReadSaga,
        Params::of(after, static_cast<std::int64_t>(limit), std::string_view(lane_.topic)));
    std::vector<LedgerRow> result(static_cast<std::size_t>(rows.size()));
    for (int i = 0; i < rows.size(); ++i) {
        LedgerRow& row = result[static_cast<std::size_t>(i)];
        row.seq = rows.int64(i, 0);
        row.event_id = rows.id<EventId>(i, 1);
        if (!rows.is_null(i, 2)) row.order_id = rows.id<OrderId>(i, 2);
        row.topic = rows.text(i, 3);
        if (!rows.is_null(i, 4)) row.key.emplace(rows.text(i, 4));
        row.type = rows.text(i, 5);
        row.headers = rows.text(i, 6);
        row.data = rows.text(i, 7);
        row.recorded_at = rows.instant(i, 8);
        row.elsewhere = rows.boolean(i, 9);
    }
    return result;
}

void PostgresLedger::move_checkpoint(std::int64_t from, std::int64_t to) {
    bool moved = false;
    if (from == to) {
        const Rows rows = standing();  // writes no row version if nothing changed
        moved = rows.int64(0, 0) == from && rows.int64(0, 2) == republished_;
        held_ = rows.boolean(0, 3);
    } else {
        const Rows rows = connection_.exec(
            kMoveCheckpoint, Params::of(std::string_view(lane_.name), from, to, republished_));
        moved = rows.size() == 1;
        held_ = moved && rows.boolean(0, 0);
    }
    if (!moved) throw std::runtime_error("another process moved the checkpoint");
}

void PostgresLedger::release() noexcept { connection_.reset(); }

void PostgresLedger::note_refusal(const Refused& refused) {
    standing();  // there may be no row yet
    connection_.exec(kRefused, Params::of(std::string_view(lane_.name), refused.seq,
                                          std::string_view(orderflow::name_of(refused.why)),
                                          std::string_view(refused.what())));
}

void PostgresLedger::topic_is_there() {
    connection_.exec(kThere, Params::of(std::string_view(lane_.name)));
}

void PostgresLedger::note_skipped(std::size_t events) {
    connection_.exec(kSkipped,
                     Params::of(std::string_view(lane_.name), static_cast<std::int64_t>(events)));
}

bool take_saga_lane(postgres::Connection& connection) {
    return connection.exec(kTryLock, Params::of(kSagaLock)).boolean(0, 0);
}

bool was_held_within(postgres::Connection& connection, std::chrono::milliseconds time) {
    return connection.exec(kWasHeld, Params::of(std::int64_t{time.count()})).boolean(0, 0);
}

std::vector<std::string> topics_with_announcements(postgres::Connection& connection,
                                                   const std::vector<std::string>& topics) {
    Column<std::string_view> names;
    for (const std::string& topic : topics) names.push(topic);
    const Rows rows = connection.exec(kWithAnnouncements, Params::of(names));
    std::vector<std::string> found;
    for (int i = 0; i < rows.size(); ++i) found.emplace_back(rows.text(i, 0));
    return found;
}

}  // namespace orderflow::outbox
