#include "orderctl/records.hpp"

#include <algorithm>
#include <limits>

#include "loops/batch.hpp"
#include "kafka/topic_layout.hpp"
#include "loops/decode.hpp"

namespace orderflow::orderctl {
namespace {

constexpr std::size_t kMaxStrays = 100'000;

StrayRecord* keep(Facts& facts, const kafka::Record& record) {
    if (facts.strays.size() >= kMaxStrays) {
        ++facts.more_strays;
        return nullptr;
    }
    StrayRecord& stray = facts.strays.emplace_back();
    stray.topic = record.topic;
    stray.partition = record.partition;
    stray.offset = record.offset;
    stray.type = record.header("ce_type");
    stray.ce_id = record.header("ce_id");
    return &stray;
}

// Decided with the consumers' own decoder, not with their tables of parked records: a record that
// an operator has discarded is in no table any more, and a record that is tried again looks like
// one that failed. All consumers decode alike, and analytics reads every kind.
bool is_unreadable(const kafka::Record& record) {
    return !loops::decode_batch(Service::analytics, {record}).dead.empty();
}

void take_stray(Facts& facts, const kafka::Record& record, std::uint8_t topic, bool has_id) {
    const auto producer = producer_of_topic(record.topic);
    const auto kind = producer ? kind_of_type(*producer, record.header("ce_type")) : std::nullopt;
    // Consumers skip a type that is not in the catalog, and put aside a record without an id or
    // with another defect, as a result of which it is not an event.
    if (!has_id || (producer && (!kind || is_unreadable(record)))) {
        ++facts.topics[topic].foreign;
        return;
    }
    StrayRecord* stray = keep(facts, record);
    if (!stray) return;
    stray->kind = kind;
    stray->producer = producer.value_or(Service::analytics);
    const auto order = OrderId::parse(record.key.value_or(""));
    const auto known = order ? facts.order_index.find(*order) : facts.order_index.end();
    if (known != facts.order_index.end()) stray->order = known->second;
}

// Sets the position of the event's first record. Consumers see an order's records in order only in
// the partition of its key, and that was another one before the topic got more partitions. A record
// that another program wrote to a different partition counts only if there is no other.
void set_place(const Facts& facts, LedgerEvent& event, const kafka::Record& record) {
    if (event.copies > 1) {
        const auto count = static_cast<std::int32_t>(facts.topics[event.topic].partitions.size());
        const auto homes = kafka::homes_of(kafka::placed_by(record.key, record.header("ce_id")),
                                           facts.fewest_partitions, count);
        const auto at = std::ranges::find(homes, record.partition);
        const auto before = std::ranges::find(homes, std::int32_t{event.partition});
        const bool earlier = event.partition == record.partition && record.offset < event.offset;
        if (at >= before && !earlier) return;
    }
    event.partition = static_cast<std::int16_t>(record.partition);
    event.offset = record.offset;
}

}  // namespace

void take_record(Facts& facts, const kafka::Record& record, std::uint8_t arrived) {
    const std::uint8_t topic = facts.topic(record.topic);
    ++facts.topics[topic].records;
    const auto id = EventId::parse(record.header("ce_id"));
    const auto found = id ? facts.event_index.find(*id) : facts.event_index.end();
    if (found == facts.event_index.end() || facts.events[found->second].topic != topic) {
        return take_stray(facts, record, topic, id.has_value());
    }
    LedgerEvent& event = facts.events[found->second];
    if (event.content !=
        content_of(record.key.value_or(""), record.header("ce_type"), record.value)) {
        if (StrayRecord* stray = keep(facts, record)) {
            stray->order = event.order;
            stray->event = found->second;
        }
        return;
    }
    if (event.copies < std::numeric_limits<std::uint16_t>::max()) ++event.copies;
    event.arrived |= arrived;
    set_place(facts, event, record);
}

void finish_records(Facts& facts) {
    for (LedgerEvent& event : facts.events) {
        if (is_expired(facts, event)) event.arrived = 0xff;
    }
    facts.topics_read = true;
}

bool is_expired(const Facts& facts, const LedgerEvent& event) {
    if (event.copies > 0) return false;
    if (event.seq > facts.checkpoints[static_cast<std::size_t>(event.service)]) return false;
    const TopicFacts& topic = facts.topics[event.topic];
    if (topic.retention_s > 0 && event.recorded_s + topic.retention_s <= facts.read_s) return true;
    if (!topic.limited_by_size || event.home < 0) return false;
    const PartitionFacts& partition = topic.partitions[static_cast<std::size_t>(event.home)];
    return partition.low > 0 && event.recorded_s < partition.oldest_s;
}

Digest content_of(std::string_view key, std::string_view type, std::string_view data) {
    const Digest parts[] = {digest(key), digest(type), digest(data)};
    return digest({reinterpret_cast<const char*>(parts), sizeof parts});
}

}  // namespace orderflow::orderctl
