#include "analytics/kafka_page/kafka_documents.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/ids.hpp"
#include "events/announcements.hpp"
#include "events/codec.hpp"
#include "events/personal.hpp"
#include "json/json.hpp"
#include "kafka/positions.hpp"
#include "kafka/record.hpp"

namespace orderflow::analytics {

using json::write_member;
using json::Writer;

struct PartitionView {
    std::int64_t partition = 0;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::optional<std::int64_t> leader;
    std::int64_t replicas = 0;
    std::int64_t in_sync = 0;
};
BOOST_DESCRIBE_STRUCT(PartitionView, (), (partition, begin, end, leader, replicas, in_sync))
struct TopicView {
    std::string topic;
    std::vector<PartitionView> partitions;
    std::optional<std::string> trouble;
};
BOOST_DESCRIBE_STRUCT(TopicView, (), (topic, partitions, trouble))
struct TopicsAnswer {
    std::vector<TopicView> topics;
};
BOOST_DESCRIBE_STRUCT(TopicsAnswer, (), (topics))

struct MemberView {
    std::string id;
    std::string client_id;
    std::string host;
    std::int64_t partitions = 0;
};
BOOST_DESCRIBE_STRUCT(MemberView, (), (id, client_id, host, partitions))
struct ReadView {
    std::string topic;
    std::int64_t partition = 0;
    std::optional<std::int64_t> committed;
    std::int64_t end = 0;
    std::int64_t lag = 0;
    std::optional<std::string> owner;  // a member's id
};
BOOST_DESCRIBE_STRUCT(ReadView, (), (topic, partition, committed, end, lag, owner))
struct GroupView {
    std::string service;
    std::string group;
    std::int64_t lag = 0;
    std::optional<std::int64_t> idle;  // members without a partition
    bool rebalancing = false;
    std::vector<MemberView> members;
    std::vector<ReadView> partitions;
    std::optional<std::string> trouble;
};
BOOST_DESCRIBE_STRUCT(GroupView, (),
                      (service, group, lag, idle, rebalancing, members, partitions, trouble))
struct GroupsAnswer {
    std::vector<GroupView> groups;
};
BOOST_DESCRIBE_STRUCT(GroupsAnswer, (), (groups))

namespace {

// The values of these headers are shown. A header that is not in the catalog may contain anything.
constexpr std::array<std::string_view, 7> kOpenHeaders{
    "ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "traceparent", "content-type"};
constexpr std::size_t kMostHeaderBytes = 256;

// What the catalog says about a record.
struct Meaning {
    std::optional<std::string> value;  // masked; empty: it is not an event
    std::string product;               // whose stock the event is about; empty: no product's
};

Meaning meaning_of(const kafka::Record& record) {
    const std::string_view type = record.header("ce_type");
    Meaning meaning{events::without_persons(record.topic, type, record.value), {}};
    if (meaning.value && type == type_name(events::EventKind::StockAdjusted)) {
        const auto event = events::decode(events::EventKind::StockAdjusted, record.value);
        meaning.product = std::get<events::StockAdjusted>(*event).product_id;
    }
    return meaning;
}

// A key, or the subject of an event: shown if it is an order's id, or the event's product.
std::string open_key(std::string_view key, const Meaning& meaning) {
    const bool is_product = !key.empty() && key == meaning.product;
    if (!is_product && !OrderId::parse(key)) return std::string(events::kMask);
    return events::printable(key, events::kMaxKeyBytes);
}

std::string open_header(std::string_view name, std::string_view value, const Meaning& meaning) {
    if (name == "ce_subject") return open_key(value, meaning);
    const bool open = meaning.value && std::ranges::find(kOpenHeaders, name) != kOpenHeaders.end();
    return open ? events::printable(value, kMostHeaderBytes) : std::string(events::kMask);
}

void write_headers(Writer& writer, const kafka::Record& record, const Meaning& meaning) {
    writer.Key("headers");
    writer.StartArray();
    const std::size_t shown = std::min(record.headers.size(), events::kMaxHeaderFields);
    for (const auto& [name, value] : std::span(record.headers).first(shown)) {
        json::write_value(writer, events::HeaderField{events::printable(name, kMostHeaderBytes),
                                                      open_header(name, value, meaning)});
    }
    writer.EndArray();
    if (const auto more = static_cast<std::int64_t>(record.headers.size() - shown)) {
        write_member(writer, "moreHeaders", more);
    }
}

void write_record(Writer& writer, const kafka::TimedRecord& timed) {
    const kafka::Record& record = timed.record;
    const Meaning meaning = meaning_of(record);
    writer.StartObject();
    write_member(writer, "offset", record.offset);
    if (timed.time) write_member(writer, "time", *timed.time);
    if (record.key) write_member(writer, "key", open_key(*record.key, meaning));
    write_headers(writer, record, meaning);
    write_member(writer, "bytes", static_cast<std::int64_t>(record.value.size()));
    if (meaning.value) {
        writer.Key("value");
        writer.RawValue(meaning.value->data(), meaning.value->size(), rapidjson::kObjectType);
    }
    writer.EndObject();
}

// The partitions without an answer, whose lag is in no figure; empty: there are none.
std::optional<std::string> trouble_of(const std::vector<std::string>& unknown) {
    if (unknown.empty()) return std::nullopt;
    std::string text = "not counted: " + unknown.front();
    if (unknown.size() > 1) text += ", and " + std::to_string(unknown.size() - 1) + " more";
    return text;
}

GroupView view_of(const ServiceGroup& of) {
    const kafka::GroupPositions& group = of.positions;
    GroupView view;
    view.service = events::names_of(of.service).name;
    view.group = of.name;
    if (!of.trouble.empty()) {
        view.trouble = of.trouble;
        return view;
    }
    view.trouble = trouble_of(group.unknown);
    view.rebalancing = group.rebalancing;
    view.idle = group.idle_members();
    std::map<std::pair<std::string, std::int32_t>, std::string> owners;
    for (const kafka::GroupMember& member : group.members) {
        for (const auto& place : member.partitions) owners[place] = member.id;
        view.members.push_back({member.id, member.client_id, member.host,
                                static_cast<std::int64_t>(member.partitions.size())});
    }
    for (const kafka::PartitionPosition& at : group.partitions) {
        const auto owner = owners.find({at.topic, at.partition});
        view.partitions.push_back(
            {at.topic, at.partition, at.committed, at.end, at.lag(),
             owner == owners.end() ? std::nullopt : std::optional(owner->second)});
        view.lag += at.lag();
    }
    return view;
}

}  // namespace

std::string topics_json(const kafka::TopicDescriptions& topics) {
    TopicsAnswer answer;
    for (const auto& topic : events::topics()) {
        TopicView view;
        view.topic = topic.name;
        const auto found = topics.find(view.topic);
        if (found == topics.end()) {
            view.trouble = "no answer";
        } else if (!found->second.trouble.empty()) {
            view.trouble = found->second.trouble;
        } else {
            for (const kafka::PartitionState& at : found->second.partitions) {
                if (at.leader >= 0 && !at.has_ends) view.trouble = "no answer about offsets";
                view.partitions.push_back(
                    {at.partition, at.start, at.end,
                     at.leader < 0 ? std::nullopt : std::optional<std::int64_t>(at.leader),
                     at.replicas, at.in_sync});
            }
        }
        answer.topics.push_back(std::move(view));
    }
    return json::to_json(answer);
}

std::string groups_json(std::span<const ServiceGroup> groups) {
    GroupsAnswer answer;
    for (const ServiceGroup& group : groups) answer.groups.push_back(view_of(group));
    return json::to_json(answer);
}

std::string records_json(std::string_view topic, std::int32_t partition,
                         const kafka::LatestRecords& latest) {
    std::string body;
    json::StringSink sink{body};
    Writer writer(sink);
    writer.StartObject();
    write_member(writer, "topic", topic);
    write_member(writer, "partition", partition);
    write_member(writer, "begin", latest.start);
    write_member(writer, "end", latest.end);
    write_member(writer, "from", latest.window.from);
    write_member(writer, "before", latest.window.before);
    writer.Key("records");
    writer.StartArray();
    for (const kafka::TimedRecord& record : latest.records) write_record(writer, record);
    writer.EndArray();
    writer.EndObject();
    return body;
}

}  // namespace orderflow::analytics
