#include "kafka/group_positions.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <set>

namespace orderflow::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

using Options = std::unique_ptr<rd_kafka_AdminOptions_t, Destroyer<&rd_kafka_AdminOptions_destroy>>;
using Collection =
    std::unique_ptr<rd_kafka_TopicCollection_t, Destroyer<&rd_kafka_TopicCollection_destroy>>;
using OffsetsQuestion = std::unique_ptr<rd_kafka_ListConsumerGroupOffsets_t,
                                        Destroyer<&rd_kafka_ListConsumerGroupOffsets_destroy>>;

using Place = std::pair<std::string, std::int32_t>;
using Reasons = std::map<Place, std::string>;

constexpr milliseconds kLookForStop{50};

// The time that is left for all answers together, and the stop that ends it earlier.
class TimeLeft {
public:
    TimeLeft(milliseconds at_most, const std::stop_token& stop)
        : until_(steady_clock::now() + at_most), stop_(stop) {}
    milliseconds ms() const {
        const auto left = std::chrono::ceil<milliseconds>(until_ - steady_clock::now());
        return std::max(left, milliseconds{1});
    }
    bool is_stopping() const { return stop_.stop_requested(); }

private:
    const steady_clock::time_point until_;
    const std::stop_token stop_;
};

Options options_for(rd_kafka_t* handle, rd_kafka_admin_op_t operation, milliseconds at_most) {
    Options options(rd_kafka_AdminOptions_new(handle, operation));
    char error[256];
    rd_kafka_AdminOptions_set_request_timeout(options.get(), static_cast<int>(at_most.count()),
                                              error, sizeof error);
    return options;
}

ClientEvent taken_from(const Queue& queue, const TimeLeft& left, const char* what) {
    const auto until = steady_clock::now() + left.ms() + milliseconds{100};
    ClientEvent event;
    while (!event && steady_clock::now() < until) {
        if (left.is_stopping()) throw NoAnswer("the process is stopping");
        event.reset(rd_kafka_queue_poll(queue.get(), static_cast<int>(kLookForStop.count())));
    }
    if (!event) throw NoAnswer(std::string("no answer to a request for ") + what);
    if (rd_kafka_event_error(event.get())) {
        throw NoAnswer(std::string(what) + ": " + rd_kafka_event_error_string(event.get()));
    }
    return event;
}

// Sends a request and waits for its answer.
template <class Send>
ClientEvent answer_to(rd_kafka_t* handle, rd_kafka_admin_op_t operation, const TimeLeft& left,
                      const char* what, Send send) {
    const Options options = options_for(handle, operation, left.ms());
    const Queue queue(rd_kafka_queue_new(handle));
    send(options.get(), queue.get());
    return taken_from(queue, left, what);
}

Topics list_of(const TopicLayouts& topics, std::int64_t offset) {
    Topics list(rd_kafka_topic_partition_list_new(0));
    for (const auto& [name, layout] : topics) {
        for (std::int32_t p = 0; p < layout.partitions; ++p) {
            rd_kafka_topic_partition_list_add(list.get(), name.c_str(), p)->offset = offset;
        }
    }
    return list;
}

// Returns the offsets of one kind (`spec`) of all partitions for which the broker returns them. For
// the other partitions, `unknown` has the reason.
std::map<Place, std::int64_t> read_offsets(rd_kafka_t* handle, const TopicLayouts& topics,
                                           std::int64_t spec, rd_kafka_IsolationLevel_t isolation,
                                           const TimeLeft& left, Reasons& unknown) {
    const Topics asked = list_of(topics, spec);
    const ClientEvent event = answer_to(
        handle, RD_KAFKA_ADMIN_OP_LISTOFFSETS, left, "the topics' first and last offsets",
        [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
            rd_kafka_error_destroy(rd_kafka_AdminOptions_set_isolation_level(options, isolation));
            rd_kafka_ListOffsets(handle, asked.get(), options, queue);
        });
    std::size_t count = 0;
    const auto** infos =
        rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(event.get()), &count);
    std::map<Place, std::int64_t> offsets;
    for (std::size_t i = 0; i < count; ++i) {
        const auto* at = rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]);
        if (at->err) {
            unknown.try_emplace({at->topic, at->partition}, rd_kafka_err2str(at->err));
        } else {
            offsets[{at->topic, at->partition}] = at->offset;
        }
    }
    return offsets;
}

void read_commits(rd_kafka_t* handle, const std::string& group, const TimeLeft& left,
                  GroupPositions& positions) {
    const Topics asked = list_of(positions.topics, RD_KAFKA_OFFSET_INVALID);
    const OffsetsQuestion question(
        rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), asked.get()));
    const ClientEvent event =
        answer_to(handle, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, left, "committed offsets",
                  [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                      auto* raw = question.get();
                      rd_kafka_ListConsumerGroupOffsets(handle, &raw, 1, options, queue);
                  });
    std::size_t count = 0;
    const auto** groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event.get()), &count);
    std::map<Place, const rd_kafka_topic_partition_t*> commits;
    for (std::size_t i = 0; i < count; ++i) {
        if (const auto* failed = rd_kafka_group_result_error(groups[i])) {
            throw NoAnswer(std::string("committed offsets: ") + rd_kafka_error_string(failed));
        }
        const auto* list = rd_kafka_group_result_partitions(groups[i]);
        for (int j = 0; list && j < list->cnt; ++j) {
            commits[{list->elems[j].topic, list->elems[j].partition}] = &list->elems[j];
        }
    }
    for (PartitionPosition& at : positions.partitions) {
        const auto found = commits.find({at.topic, at.partition});
        if (found == commits.end() || found->second->offset < 0) continue;
        at.committed = found->second->offset;
        if (found->second->metadata_size > 0) {
            at.committed_log.assign(static_cast<const char*>(found->second->metadata),
                                    found->second->metadata_size);
        }
    }
}

GroupMember member_of(const rd_kafka_MemberDescription_t* described) {
    GroupMember member{rd_kafka_MemberDescription_consumer_id(described),
                       rd_kafka_MemberDescription_client_id(described),
                       rd_kafka_MemberDescription_host(described),
                       {}};
    const auto* list =
        rd_kafka_MemberAssignment_partitions(rd_kafka_MemberDescription_assignment(described));
    for (int i = 0; list && i < list->cnt; ++i) {
        member.partitions.emplace_back(list->elems[i].topic, list->elems[i].partition);
    }
    return member;
}

void read_members(rd_kafka_t* handle, const std::string& group, const TimeLeft& left,
                  GroupPositions& positions) {
    const ClientEvent event =
        answer_to(handle, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, left, "the consumer group",
                  [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                      const char* name = group.c_str();
                      rd_kafka_DescribeConsumerGroups(handle, &name, 1, options, queue);
                  });
    std::size_t count = 0;
    const auto** groups = rd_kafka_DescribeConsumerGroups_result_groups(
        rd_kafka_event_DescribeConsumerGroups_result(event.get()), &count);
    std::set<Place> assigned;
    for (std::size_t i = 0; i < count; ++i) {
        const auto* failed = rd_kafka_ConsumerGroupDescription_error(groups[i]);
        const auto code = failed ? rd_kafka_error_code(failed) : RD_KAFKA_RESP_ERR_NO_ERROR;
        if (code == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) continue;  // nobody ever joined it
        if (code) {
            throw NoAnswer(std::string("the consumer group: ") + rd_kafka_error_string(failed));
        }
        const auto state = rd_kafka_ConsumerGroupDescription_state(groups[i]);
        positions.rebalancing = state == RD_KAFKA_CONSUMER_GROUP_STATE_PREPARING_REBALANCE ||
                                state == RD_KAFKA_CONSUMER_GROUP_STATE_COMPLETING_REBALANCE;
        const std::size_t members = rd_kafka_ConsumerGroupDescription_member_count(groups[i]);
        positions.has_members = members > 0;
        for (std::size_t m = 0; m < members; ++m) {
            GroupMember member = member_of(rd_kafka_ConsumerGroupDescription_member(groups[i], m));
            assigned.insert(member.partitions.begin(), member.partitions.end());
            positions.members.push_back(std::move(member));
        }
    }
    for (PartitionPosition& at : positions.partitions) {
        at.assigned = assigned.contains({at.topic, at.partition});
    }
}

TopicDescription described(const rd_kafka_TopicDescription_t* topic) {
    TopicDescription description;
    const auto* failed = rd_kafka_TopicDescription_error(topic);
    if (failed && rd_kafka_error_code(failed)) {
        description.trouble = rd_kafka_error_string(failed);
        return description;
    }
    std::size_t count = 0;
    const auto** partitions = rd_kafka_TopicDescription_partitions(topic, &count);
    for (std::size_t i = 0; i < count; ++i) {
        PartitionState at;
        at.partition = rd_kafka_TopicPartitionInfo_partition(partitions[i]);
        const auto* leader = rd_kafka_TopicPartitionInfo_leader(partitions[i]);
        if (leader) at.leader = rd_kafka_Node_id(leader);
        std::size_t nodes = 0;
        rd_kafka_TopicPartitionInfo_replicas(partitions[i], &nodes);
        at.replicas = static_cast<std::int32_t>(nodes);
        rd_kafka_TopicPartitionInfo_isr(partitions[i], &nodes);
        at.in_sync = static_cast<std::int32_t>(nodes);
        description.partitions.push_back(at);
    }
    return description;
}

Conf asking_conf(const Settings& settings) {
    Conf conf = base_conf(settings, settings.client_id + "-watch");
    set_all(conf.get(), settings.properties.all);
    set(conf.get(), "group.id", settings.group_id.empty() ? "watch" : settings.group_id);
    // For reading records (reader.hpp), a few at a time.
    set(conf.get(), "enable.auto.commit", "false");
    set(conf.get(), "enable.partition.eof", "true");
    set(conf.get(), "auto.offset.reset", "earliest");  // of a window that retention has just taken
    set(conf.get(), "isolation.level", "read_uncommitted");
    set(conf.get(), "queued.min.messages", "100");
    set(conf.get(), "queued.max.messages.kbytes", "4096");
    return conf;
}

ClientHandle make_client(Conf conf) {
    char error[256];
    ClientHandle handle(rd_kafka_new(RD_KAFKA_CONSUMER, conf.get(), error, sizeof error));
    if (!handle) throw std::runtime_error(error);
    conf.release();  // owned by the handle now
    return handle;
}

}  // namespace

// librdkafka's own base64 needs a build with OpenSSL.
std::string text_of(const rd_kafka_Uuid_t* id) {
    if (!id) return {};
    const auto high = static_cast<std::uint64_t>(rd_kafka_Uuid_most_significant_bits(id));
    const auto low = static_cast<std::uint64_t>(rd_kafka_Uuid_least_significant_bits(id));
    if (high == 0 && low == 0) return {};
    char text[33];
    std::snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64, high, low);
    return text;
}

ClientHandle make_asking_client(const Settings& settings) {
    return make_client(asking_conf(settings));
}

ClientHandle make_complaining_client(const Settings& settings) {
    Conf conf = asking_conf(settings);
    rd_kafka_conf_set_events(conf.get(), RD_KAFKA_EVENT_ERROR);
    return make_client(std::move(conf));
}

std::string complaint_of(rd_kafka_t* handle) {
    const Queue queue(rd_kafka_queue_get_main(handle));
    std::string text;
    while (const ClientEvent event{rd_kafka_queue_poll(queue.get(), 0)}) {
        text = rd_kafka_event_error_string(event.get());
        // "All brokers are down" only follows from the other complaints.
        if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) break;
    }
    return text;
}

void ask_for_layouts(rd_kafka_t* handle, const std::vector<std::string>& topics,
                     milliseconds at_most, rd_kafka_queue_t* queue) {
    std::vector<const char*> names;
    for (const std::string& topic : topics) names.push_back(topic.c_str());
    const Collection collection(
        rd_kafka_TopicCollection_of_topic_names(names.data(), names.size()));
    const Options options = options_for(handle, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, at_most);
    rd_kafka_DescribeTopics(handle, collection.get(), options.get(), queue);
}

std::optional<TopicLayouts> layouts_in(rd_kafka_event_t* event) {
    if (rd_kafka_event_error(event)) return std::nullopt;
    const auto* result = rd_kafka_event_DescribeTopics_result(event);
    if (!result) return std::nullopt;
    std::size_t count = 0;
    const auto** topics = rd_kafka_DescribeTopics_result_topics(result, &count);
    TopicLayouts layouts;
    for (std::size_t i = 0; i < count; ++i) {
        if (const auto* failed = rd_kafka_TopicDescription_error(topics[i])) {
            if (rd_kafka_error_code(failed)) continue;
        }
        std::size_t partitions = 0;
        rd_kafka_TopicDescription_partitions(topics[i], &partitions);
        layouts[rd_kafka_TopicDescription_name(topics[i])] = {
            text_of(rd_kafka_TopicDescription_topic_id(topics[i])),
            static_cast<std::int32_t>(partitions)};
    }
    return layouts;
}

static ClientEvent answer_about(rd_kafka_t* handle, const std::vector<std::string>& topics,
                                const TimeLeft& left) {
    const Queue queue(rd_kafka_queue_new(handle));
    ask_for_layouts(handle, topics, left.ms(), queue.get());
    return taken_from(queue, left, "topics");
}

TopicLayouts read_layouts(rd_kafka_t* handle, const std::vector<std::string>& topics,
                          milliseconds at_most, const std::stop_token& stop) {
    const TimeLeft left(at_most, stop);
    const ClientEvent event = answer_about(handle, topics, left);
    auto layouts = layouts_in(event.get());
    if (!layouts) throw NoAnswer("no answer to a request for topics");
    return std::move(*layouts);
}

TopicDescriptions read_descriptions(rd_kafka_t* handle, const std::vector<std::string>& topics,
                                    milliseconds at_most, const std::stop_token& stop) {
    const TimeLeft left(at_most, stop);
    const ClientEvent event = answer_about(handle, topics, left);
    std::size_t count = 0;
    const auto** found = rd_kafka_DescribeTopics_result_topics(
        rd_kafka_event_DescribeTopics_result(event.get()), &count);
    TopicDescriptions descriptions;
    TopicLayouts there;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string name = rd_kafka_TopicDescription_name(found[i]);
        descriptions[name] = described(found[i]);
        const auto partitions = descriptions[name].partitions.size();
        if (partitions > 0) there[name] = {"", static_cast<std::int32_t>(partitions)};
    }
    if (there.empty()) return descriptions;
    Reasons unknown;
    const auto starts = read_offsets(handle, there, RD_KAFKA_OFFSET_SPEC_EARLIEST,
                                     RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED, left, unknown);
    const auto ends = read_offsets(handle, there, RD_KAFKA_OFFSET_SPEC_LATEST,
                                   RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED, left, unknown);
    for (auto& [name, description] : descriptions) {
        for (PartitionState& at : description.partitions) {
            const Place place{name, at.partition};
            if (!starts.contains(place) || !ends.contains(place)) continue;
            at.start = starts.at(place);
            at.end = std::max(ends.at(place), at.start);
            at.has_ends = true;
        }
    }
    return descriptions;
}

// Reads commits first and ends last, so that a commit is not above the end beside it.
GroupPositions read_group(rd_kafka_t* handle, const std::string& group,
                          const std::vector<std::string>& topics, milliseconds at_most,
                          const std::stop_token& stop) {
    const TimeLeft left(at_most, stop);
    GroupPositions positions;
    positions.topics = read_layouts(handle, topics, left.ms(), stop);
    for (const auto& [name, layout] : positions.topics) {
        for (std::int32_t p = 0; p < layout.partitions; ++p) {
            PartitionPosition at;
            at.topic = name;
            at.partition = p;
            at.log = layout.log;
            positions.partitions.push_back(std::move(at));
        }
    }
    if (positions.partitions.empty()) return positions;
    read_members(handle, group, left, positions);
    read_commits(handle, group, left, positions);
    Reasons unknown;
    const auto read = [&](std::int64_t spec, rd_kafka_IsolationLevel_t isolation) {
        return read_offsets(handle, positions.topics, spec, isolation, left, unknown);
    };
    const auto starts =
        read(RD_KAFKA_OFFSET_SPEC_EARLIEST, RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED);
    const auto ends = read(RD_KAFKA_OFFSET_SPEC_LATEST, RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED);
    const auto stable = read(RD_KAFKA_OFFSET_SPEC_LATEST, RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED);
    std::erase_if(positions.partitions, [&](PartitionPosition& at) {
        const auto start = starts.find({at.topic, at.partition});
        const auto readable = stable.find({at.topic, at.partition});
        const auto end = ends.find({at.topic, at.partition});
        if (start == starts.end() || readable == stable.end() || end == ends.end()) {
            unknown.try_emplace({at.topic, at.partition}, "no answer");
            return true;
        }
        at.start = start->second;
        at.end = end->second;
        at.readable_end = std::min(readable->second, end->second);  // the end was requested later
        return false;
    });
    for (const auto& [place, why] : unknown) {
        positions.unknown.push_back(place.first + "/" + std::to_string(place.second) + ": " + why);
    }
    return positions;
}

std::optional<std::int64_t> GroupPositions::idle_members() const {
    if (rebalancing) return std::nullopt;
    return std::ranges::count_if(
        members, [](const GroupMember& member) { return member.partitions.empty(); });
}

std::int32_t partition_of(std::string_view key, std::int32_t partitions) {
    // The topic is needed only for its name, in error messages.
    return rd_kafka_msg_partitioner_murmur2(nullptr, key.data(), key.size(), partitions, nullptr,
                                            nullptr);
}

std::vector<std::int32_t> homes_of(std::string_view key, std::int32_t fewest, std::int32_t now) {
    std::vector<std::int32_t> homes;
    for (auto count = std::max(1, std::min(fewest, now)); count <= now; ++count) {
        homes.push_back(partition_of(key, count));
    }
    return homes;
}

}  // namespace orderflow::kafka
