#include "orderctl/growth.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <thread>

#include "kafka/asking_client.hpp"
#include "kafka/group_positions.hpp"
#include "kafka/rdkafka.hpp"
#include "kafka/topic_layout.hpp"
#include "kafka/topic_reading.hpp"
#include "outbox/postgres_ledger.hpp"
#include "orderctl/facts.hpp"
#include "orderctl/kafka_look.hpp"

namespace orderflow::orderctl {
namespace {

using kafka::ClientHandle;
using kafka::Destroyer;
using kafka::GroupPositions;
using kafka::TopicLayouts;
using postgres::Params;
using postgres::Statement;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using NewPartitions =
    std::unique_ptr<rd_kafka_NewPartitions_t, Destroyer<&rd_kafka_NewPartitions_destroy>>;

// The services that emit events. The order service comes first: it accepts orders, so its outbox
// buffers first.
constexpr std::array kRelays{Service::order, Service::inventory, Service::payment,
                             Service::shipping};
constexpr milliseconds kAsk{10'000};
constexpr milliseconds kAgain{100};
constexpr seconds kStops{15};  // a relay looks once a second, and finishes its current work
constexpr seconds kKnown{10};  // until all brokers have the new partitions

// Returns the name that now holds the relay.
const Statement kHold{"hold", R"(
    UPDATE relay_checkpoint
    SET held_by = CASE WHEN held_at IS NULL THEN $1::text ELSE held_by END,
        held_at = coalesce(held_at, clock_timestamp())
    WHERE lane = 'saga' RETURNING held_by)"};
const Statement kIsHeld{"is_held", R"(
    SELECT count(*) FROM relay_checkpoint WHERE lane = 'saga' AND held_at IS NOT NULL)"};
// For orderctl check: an order's earlier events may be where this number of partitions had put
// them.
const Statement kGrowsFrom{"grows_from", R"(
    UPDATE relay_checkpoint SET grown_from = least(coalesce(grown_from, $1::integer), $1::integer)
    WHERE lane = 'saga')"};
const Statement kRelease{"release", R"(
    UPDATE relay_checkpoint
    SET held_at = NULL, held_by = NULL, released_at = clock_timestamp()
    WHERE lane = 'saga' AND held_at IS NOT NULL AND ($1::text = '' OR held_by = $1::text))"};

template <class Holds>
bool within(std::chrono::nanoseconds time, Holds holds) {
    const auto until = steady_clock::now() + time;
    while (!holds()) {
        if (steady_clock::now() > until) return false;
        std::this_thread::sleep_for(kAgain);
    }
    return true;
}

struct Outbox {
    Service service;
    std::unique_ptr<postgres::Connection> connection;
};
std::vector<Outbox> open_outboxes(const Endpoints& endpoints) {
    std::vector<Outbox> outboxes;
    for (const Service service : kRelays) {
        outboxes.push_back({service, std::make_unique<postgres::Connection>(postgres::Url(
                                         endpoints.operator_url(service), schema_of(service)))});
    }
    return outboxes;
}

// Waits until no relay sends: its lock is free, and a held lane is not led again. The locks are
// kept until the connections end. Until then no relay sends, even if an operator releases the hold.
void take_lanes(const std::vector<Outbox>& outboxes, seconds patience) {
    for (const Outbox& outbox : outboxes) {
        if (within(patience, [&] { return outbox::take_saga_lane(*outbox.connection); })) {
            continue;
        }
        throw CannotDo(
            "the relay of " + std::string(short_name(outbox.service)) +
            " still sends: is a program running that is older than its schema, or does another "
            "hold still wait? (orderctl topics release resumes the other relays)");
    }
}

TopicLayouts read_saga_layouts(const ClientHandle& kafka) {
    const auto names = events::saga_topics();
    const std::vector<std::string> topics(names.begin(), names.end());
    try {
        TopicLayouts layouts = kafka::read_layouts(kafka.get(), topics, kAsk);
        for (const std::string& topic : topics) {
            if (!layouts.contains(topic)) throw CannotDo("there is no topic " + topic);
        }
        return layouts;
    } catch (const kafka::NoAnswer& error) {
        throw CannotDo(std::string("Kafka: ") + error.what());
    }
}

GroupPositions read_positions(const ClientHandle& kafka, const Endpoints& endpoints,
                              Service service) {
    const auto consumed = events::topics_consumed_by(service);
    try {
        return kafka::read_group(kafka.get(), endpoints.group(service),
                                 {consumed.begin(), consumed.end()}, kAsk);
    } catch (const kafka::NoAnswer& error) {
        throw CannotDo(std::string("Kafka: ") + error.what());
    }
}

Unread read_unread(const ClientHandle& kafka, const Endpoints& endpoints) {
    Unread unread;
    for (const Service service : kServices) {
        const GroupPositions group = read_positions(kafka, endpoints, service);
        for (const std::string& reason : group.unknown) unread.push_back(reason);
        for (const auto& at : group.partitions) {
            if (at.caught_up()) continue;
            unread.push_back(std::string(short_name(service)) + ": " + std::to_string(at.lag()) +
                             " records of " + at.topic + "/" + std::to_string(at.partition));
        }
    }
    return unread;
}

Unread await_read(const ClientHandle& kafka, const Endpoints& endpoints, seconds patience) {
    Unread unread;
    within(patience, [&] { return (unread = read_unread(kafka, endpoints)).empty(); });
    return unread;
}

void add_partitions(const ClientHandle& kafka, const std::vector<std::string>& topics,
                    std::int32_t partitions) {
    std::vector<NewPartitions> owned;
    std::vector<rd_kafka_NewPartitions_t*> raw;
    char error[256];
    for (const std::string& topic : topics) {
        owned.emplace_back(rd_kafka_NewPartitions_new(
            topic.c_str(), static_cast<std::size_t>(partitions), error, sizeof error));
        if (!owned.back()) throw CannotDo(error);
        raw.push_back(owned.back().get());
    }
    const kafka::Queue queue(rd_kafka_queue_new(kafka.get()));
    rd_kafka_CreatePartitions(kafka.get(), raw.data(), raw.size(), nullptr, queue.get());
    const kafka::ClientEvent event = answer_in(queue, "new partitions");
    std::size_t count = 0;
    const auto** results = rd_kafka_CreatePartitions_result_topics(
        rd_kafka_event_CreatePartitions_result(event.get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
        if (!rd_kafka_topic_result_error(results[i])) continue;
        const char* text = rd_kafka_topic_result_error_string(results[i]);
        throw CannotDo(std::string(rd_kafka_topic_result_name(results[i])) + ": " +
                       (text ? text : rd_kafka_err2str(rd_kafka_topic_result_error(results[i]))));
    }
}

// A group without members can assign no partitions; a member that joins later gets them.
bool has_taken(const GroupPositions& group, std::int32_t partitions) {
    if (group.rebalancing) return false;
    const bool all = std::ranges::all_of(
        group.topics, [&](const auto& topic) { return topic.second.partitions == partitions; });
    return all && std::ranges::all_of(group.partitions, [&](const auto& at) {
               return !group.has_members || at.assigned == true;
           });
}

}  // namespace

Unread hold(const Endpoints& endpoints, const std::string& by, seconds patience) {
    const ClientHandle kafka = kafka::make_asking_client(endpoints.kafka());
    read_saga_layouts(kafka);  // fails before anything is held if Kafka does not answer
    const auto outboxes = open_outboxes(endpoints);
    for (const Outbox& outbox : outboxes) {
        const postgres::Rows rows =
            outbox.connection->exec(kHold, Params::of(std::string_view(by)));
        if (rows.size() == 1 && rows.text(0, 0) != by) {
            throw CannotDo("the relay of " + std::string(short_name(outbox.service)) +
                           " is held by " + std::string(rows.text(0, 0)) + " already");
        }
    }
    take_lanes(outboxes, kStops);
    return await_read(kafka, endpoints, patience);
}

Grown grow(const Endpoints& endpoints, std::int32_t partitions, seconds patience) {
    const ClientHandle kafka = kafka::make_asking_client(endpoints.kafka());
    const auto outboxes = open_outboxes(endpoints);
    for (const Outbox& outbox : outboxes) {
        if (outbox.connection->exec(kIsHeld).int64(0, 0) == 0) {
            throw CannotDo("the relay of " + std::string(short_name(outbox.service)) +
                           " is not held: run orderctl topics hold first");
        }
    }
    take_lanes(outboxes, kStops);
    if (const Unread unread = await_read(kafka, endpoints, patience); !unread.empty()) {
        throw CannotDo("not everything is read yet, " + unread.front() + ": see orderctl lag");
    }
    Grown grown;
    const TopicLayouts layouts = read_saga_layouts(kafka);
    for (const auto& [topic, layout] : layouts) {
        if (layout.partitions > partitions) {
            throw CannotDo(topic + " has " + std::to_string(layout.partitions) +
                           " partitions, and partitions cannot be removed");
        }
        if (layout.partitions < partitions) grown.topics.push_back(topic);
    }
    for (const Outbox& outbox : outboxes) {
        const std::string topic(events::topic_of(outbox.service));
        const std::int32_t now = layouts.at(topic).partitions;
        if (now < partitions) outbox.connection->exec(kGrowsFrom, Params::of(now));
    }
    if (!grown.topics.empty()) add_partitions(kafka, grown.topics, partitions);
    const bool known = within(kKnown, [&] {
        return std::ranges::all_of(read_saga_layouts(kafka), [&](const auto& topic) {
            return topic.second.partitions == partitions;
        });
    });
    if (!known) throw CannotDo("the brokers do not show the new partitions: run it again");
    within(patience, [&] {
        grown.unassigned.clear();
        for (const Service service : kServices) {
            if (!has_taken(read_positions(kafka, endpoints, service), partitions)) {
                grown.unassigned.push_back(endpoints.group(service));
            }
        }
        return grown.unassigned.empty();
    });
    return grown;
}

int release(const Endpoints& endpoints, const std::string& by) {
    int released = 0;
    for (const Outbox& outbox : open_outboxes(endpoints)) {
        const auto rows = outbox.connection->exec(kRelease, Params::of(std::string_view(by)));
        released += static_cast<int>(rows.affected());
    }
    return released;
}

}  // namespace orderflow::orderctl
