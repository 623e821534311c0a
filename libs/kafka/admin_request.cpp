#include "kafka/admin_request.hpp"

#include <algorithm>

#include "kafka/asking_client.hpp"

namespace orderflow::kafka {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

static constexpr milliseconds kLookForStop{50};

milliseconds TimeLeft::ms() const {
    const auto left = std::chrono::ceil<milliseconds>(until_ - steady_clock::now());
    return std::max(left, milliseconds{1});
}

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

Topics list_of(const TopicLayouts& topics, std::int64_t offset) {
    Topics list(rd_kafka_topic_partition_list_new(0));
    for (const auto& [name, layout] : topics) {
        for (std::int32_t p = 0; p < layout.partitions; ++p) {
            rd_kafka_topic_partition_list_add(list.get(), name.c_str(), p)->offset = offset;
        }
    }
    return list;
}

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

}  // namespace orderflow::kafka
