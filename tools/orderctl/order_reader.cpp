#include "orderctl/order_reader.hpp"

#include <algorithm>
#include <iterator>

#include "json/json.hpp"
#include "kafka/positions.hpp"
#include "kafka/topic_layout.hpp"
#include "orderctl/evidence.hpp"
#include "orderctl/parked_rows.hpp"

namespace orderflow::orderctl {

// What an event is about, from its data. Outside the anonymous namespace, for Describe.
struct About {
    std::optional<std::string> reason, participant, error;
};
BOOST_DESCRIBE_STRUCT(About, (), (reason, participant, error))

struct PlaceView {
    std::string type, producer;
    std::int64_t partition = 0;
    std::int64_t offset = 0;
};
BOOST_DESCRIBE_STRUCT(PlaceView, (), (type, producer, partition, offset))

namespace {

using Orders = std::map<std::string, OrderReport>;

constexpr std::chrono::milliseconds kPatience{3'000};  // for Kafka

// Calls `take(order, row)` for each row of the query, which must have a column order_id.
template <class T, class Take>
void each(AuditDatabase& database, Orders& orders, const std::string& query, Take take) {
    for (const auto& [id, row] : database.keyed_json_rows(query, "order_id")) {
        take(orders[id], json::read_json<T>(row, json::UnknownMembers::ignore).value());
    }
}

// Empty for data that cannot be read: operators also look at damaged events.
std::optional<std::string> about(const std::string& data) {
    const auto found = json::read_json<About>(data, json::UnknownMembers::ignore);
    if (!found) return std::nullopt;
    return found->reason ? found->reason : found->participant ? found->participant : found->error;
}

void read_ledger(AuditDatabase& database, const std::string& where, Orders& orders) {
    const std::string service = sql_text(short_name(database.service()));
    each<EventView>(database, orders,
                    "SELECT order_id, " + utc_text("recorded_at") + " AS time, " + service +
                        R"( AS service, seq, split_part(type, '.', 1) AS type,
                        event_id AS "eventId", topic,
                        seq <= coalesce(checkpoint, 0) AS relayed,
                        refused_error || ' (' || refused_why || ')' AS refusal, data AS about
                        FROM audit_v1_outbox LEFT JOIN audit_v1_relay_lanes ON lane =
                            CASE WHEN type IN ('RecordParked.v1', 'RecordDied.v1') THEN topic
                                 ELSE 'saga' END
                        WHERE )" +
                        where + " ORDER BY seq",
                    [](OrderReport& order, EventView event) {
                        event.about = about(event.about.value_or(""));
                        order.events.push_back(std::move(event));
                    });
    each<ParkedRowView>(database, orders,
                        "SELECT order_id, " + service + R"( AS service, id, topic, partition,
                        "offset", attempts, dead, error, )" +
                            utc_text("parked_at") + R"( AS "parkedAt", )" + utc_text(kParkedDue) +
                            R"( AS "dueAt", head_id AS behind FROM )" + kParkedRows + " WHERE " +
                            where + " ORDER BY id",
                        [](OrderReport& order, ParkedRowView parked) {
                            order.parked.push_back(std::move(parked));
                        });
}

void read_saga(AuditDatabase& database, const std::string& where, Orders& orders) {
    each<SagaView>(database, orders,
                   R"(SELECT order_id, state, reason, answers, customer_id AS "customerId", total,
                   currency, )" +
                       utc_text("placed_at") + R"( AS "placedAt", )" + utc_text("reserved_at") +
                       R"( AS "reservedAt", )" + utc_text("captured_at") + R"( AS "capturedAt", )" +
                       utc_text("cancelling_at") + R"( AS "cancellingAt", )" +
                       utc_text("finished_at") + R"( AS "finishedAt" FROM audit_v1_orders WHERE )" +
                       where,
                   [](OrderReport& order, SagaView saga) { order.order = std::move(saga); });
}

void read_participant(AuditDatabase& database, const std::string& columns, const std::string& where,
                      Orders& orders, std::optional<ParticipantView> OrderReport::* member) {
    each<ParticipantView>(
        database, orders, "SELECT order_id, state, reason, " + columns + " WHERE " + where,
        [member](OrderReport& order, ParticipantView row) { order.*member = std::move(row); });
}

// Reads the positions at which analytics received the first record of each kind.
void read_places(AuditDatabase& database, const std::string& where, Orders& orders) {
    each<PlaceView>(database, orders,
                    "SELECT order_id, type, split_part(producer, '-', 1) AS producer, partition, "
                    "\"offset\" FROM audit_v1_timeline WHERE " +
                        where,
                    [](OrderReport& order, const PlaceView& place) {
                        const auto event =
                            std::ranges::find_if(order.events, [&](const EventView& e) {
                                return e.type == place.type && e.service == place.producer;
                            });
                        if (event == order.events.end()) return;
                        event->partition = place.partition;
                        event->offset = place.offset;
                    });
}

void read_aggregates(AuditDatabase& database, const std::string& where, Orders& orders) {
    switch (database.service()) {
        case Service::order: return read_saga(database, where, orders);
        case Service::inventory:
            return read_participant(database,
                                    "items AS detail, " + utc_text("updated_at") +
                                        " AS since FROM audit_v1_reservations",
                                    where, orders, &OrderReport::inventory);
        case Service::payment:
            return read_participant(database,
                                    R"(concat_ws(' ', amount, currency, charge_id) AS detail,
                                    attempts, settled_as AS "settledAs",
                                    settled_by AS "settledBy", )" +
                                        utc_text("touched_at") + " AS since FROM audit_v1_payments",
                                    where, orders, &OrderReport::payment);
        case Service::shipping:
            return read_participant(database,
                                    "concat_ws(' ', tracking_number, CASE WHEN storage_booked "
                                    "THEN 'with a storage slot' END) AS detail, " +
                                        utc_text("coalesce(voided_at, scheduled_at)") +
                                        " AS since FROM audit_v1_shipments",
                                    where, orders, &OrderReport::shipping);
        case Service::analytics: return;
    }
}

}  // namespace

std::string utc_text(const std::string& expression) {
    return "to_char((" + expression + R"() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))";
}

std::map<std::string, OrderReport> read_orders(AuditDatabases& databases,
                                               std::span<const std::string> ids) {
    Orders orders;
    if (ids.empty()) return orders;
    std::string list;
    for (const std::string& id : ids) {
        orders[id].id = id;
        list += (list.empty() ? "" : ",") + sql_text(id);
    }
    const std::string where = "order_id = ANY (ARRAY[" + list + "]::uuid[])";
    for (const auto& database : databases) {
        read_aggregates(*database, where, orders);
        read_ledger(*database, where, orders);
    }
    read_places(database_of(databases, Service::analytics), where, orders);
    for (auto& [id, order] : orders) sort_and_link(order.events);
    return orders;
}

Neighbourhood::Neighbourhood(const Endpoints& endpoints) : propose_(endpoints.proposals()) {
    try {
        must_answer(endpoints.kafka(), kPatience);
        groups_ = TopicsReader(endpoints).groups();
        const auto busy = groups_with_members(endpoints);
        for (const Service service : kServices) {
            if (std::ranges::find(busy, endpoints.group(service)) == busy.end()) {
                idle_.insert(std::string(short_name(service)));
            }
        }
    } catch (const std::exception& error) {
        trouble_ = error.what();
    }
}

Surroundings Neighbourhood::of(const std::string& order) const {
    Surroundings around{propose_, system_now(), trouble_, idle_, {}, {}, {}};
    for (const ServiceGroup& group : groups_) {
        for (const kafka::PartitionPosition& at : group.positions.partitions) {
            const auto& layout = group.positions.topics.at(at.topic);
            const auto homes = kafka::homes_of(order, events::kPartitions, layout.partitions);
            const std::pair who(std::string(short_name(group.service)), at.topic);
            if (at.partition == homes.back()) {
                around.behind[who] = at.unread();
                if (at.held_up()) around.hidden[at.topic] = {at.partition, at.readable_end, at.end};
            } else if (std::ranges::find(homes, at.partition) != homes.end()) {
                around.behind_before[who] += at.unread();
            }
        }
    }
    return around;
}

}  // namespace orderflow::orderctl
