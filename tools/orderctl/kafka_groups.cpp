// facts_readers.hpp: who consumes now.
#include "messaging/rdkafka.hpp"
#include "orderctl/facts_readers.hpp"

namespace orderflow::orderctl {
namespace {

using messaging::Destroyer;
using Handle = std::unique_ptr<rd_kafka_t, Destroyer<&rd_kafka_destroy>>;
using Options = std::unique_ptr<rd_kafka_AdminOptions_t, Destroyer<&rd_kafka_AdminOptions_destroy>>;

constexpr int kRequestMs = 10'000;

}  // namespace

std::vector<std::string> groups_with_members(const Endpoints& endpoints) {
    messaging::Conf conf = messaging::base_conf(endpoints.brokers(), "orderctl");
    char error[256];
    const Handle handle(rd_kafka_new(RD_KAFKA_PRODUCER, conf.get(), error, sizeof error));
    if (!handle) throw CannotDo(error);
    conf.release();  // owned by the handle now

    std::vector<const char*> names;
    for (const Service service : kServices) names.push_back(endpoints.group(service).c_str());
    const Options options(
        rd_kafka_AdminOptions_new(handle.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS));
    rd_kafka_AdminOptions_set_request_timeout(options.get(), kRequestMs, error, sizeof error);
    const messaging::Queue queue(rd_kafka_queue_new(handle.get()));
    rd_kafka_DescribeConsumerGroups(handle.get(), names.data(), names.size(), options.get(),
                                    queue.get());
    const messaging::KafkaEvent event(rd_kafka_queue_poll(queue.get(), 2 * kRequestMs));
    if (!event) throw CannotDo("Kafka: no answer about the consumer groups");
    if (rd_kafka_event_error(event.get())) {
        throw CannotDo(std::string("Kafka: ") + rd_kafka_event_error_string(event.get()));
    }
    std::size_t count = 0;
    const auto** groups = rd_kafka_DescribeConsumerGroups_result_groups(
        rd_kafka_event_DescribeConsumerGroups_result(event.get()), &count);
    std::vector<std::string> busy;
    for (std::size_t i = 0; i < count; ++i) {
        const rd_kafka_error_t* failed = rd_kafka_ConsumerGroupDescription_error(groups[i]);
        const auto code = failed ? rd_kafka_error_code(failed) : RD_KAFKA_RESP_ERR_NO_ERROR;
        // A group that never was has no members.
        if (code && code != RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) {
            throw CannotDo(std::string("Kafka: ") + rd_kafka_error_string(failed));
        }
        if (rd_kafka_ConsumerGroupDescription_member_count(groups[i]) > 0) {
            busy.emplace_back(rd_kafka_ConsumerGroupDescription_group_id(groups[i]));
        }
    }
    return busy;
}

}  // namespace orderflow::orderctl
