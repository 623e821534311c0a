// Part of facts_readers.hpp: reads the topics, from the beginning to their ends when reading began.
#include <algorithm>

#include "kafka/asking_client.hpp"
#include "kafka/group_positions.hpp"
#include "kafka/positions.hpp"
#include "kafka/rdkafka.hpp"
#include "kafka/record.hpp"
#include "kafka/settings.hpp"
#include "kafka/topic_layout.hpp"
#include "kafka/topic_reading.hpp"
#include "orderctl/facts_readers.hpp"
#include "orderctl/records.hpp"

namespace orderflow::orderctl {
namespace {

using kafka::Conf;
using kafka::Topics;
using Handle = std::unique_ptr<rd_kafka_t, kafka::Destroyer<&rd_kafka_destroy>>;
using Message = std::unique_ptr<rd_kafka_message_t, kafka::Destroyer<&rd_kafka_message_destroy>>;
using Metadata =
    std::unique_ptr<const rd_kafka_metadata_t, kafka::Destroyer<&rd_kafka_metadata_destroy>>;

constexpr int kRequestMs = 10'000;
constexpr int kSilenceMs = 30'000;  // no record for so long, although there are some

using Place = std::pair<std::string, std::int32_t>;  // topic, partition

struct Span {
    std::int64_t low = 0;
    std::int64_t high = 0;
};

void must(rd_kafka_resp_err_t error, const char* what) {
    if (error) throw CannotDo(std::string("Kafka: ") + what + ": " + rd_kafka_err2str(error));
}

Handle make_consumer(const kafka::Settings& kafka) {
    Conf conf = kafka::base_conf(kafka, kafka.client_id);
    kafka::set(conf.get(), "group.id", kafka.client_id);
    kafka::set(conf.get(), "enable.auto.commit", "false");
    kafka::set(conf.get(), "enable.auto.offset.store", "false");
    kafka::set(conf.get(), "auto.offset.reset", "error");
    kafka::set(conf.get(), "enable.partition.eof", "true");
    kafka::set(conf.get(), "queued.max.messages.kbytes", "8192");
    kafka::set(conf.get(), "fetch.max.bytes", "4194304");
    kafka::set_all(conf.get(), kafka.properties.all);
    char error[256];
    Handle handle(rd_kafka_new(RD_KAFKA_CONSUMER, conf.get(), error, sizeof error));
    if (!handle) throw CannotDo(error);
    conf.release();  // owned by the handle now
    return handle;
}

constexpr Service kConsumers[] = {Service::order, Service::inventory, Service::payment,
                                  Service::shipping};

std::uint32_t seconds(std::int64_t ms) { return static_cast<std::uint32_t>(ms / 1'000); }

}  // namespace

class TopicsReader::Impl {
public:
    explicit Impl(const Endpoints& endpoints)
        : handle_(make_consumer(endpoints.kafka())),
          read_s_(static_cast<std::uint32_t>(
              std::chrono::floor<std::chrono::seconds>(system_now()).time_since_epoch().count())),
          kafka_(endpoints.kafka()) {
        // Reads the committed offsets before the ends: so every committed offset is below an end.
        read_partitions();
        read_logs();
        for (const Service service : kServices) {
            groups_[service] = endpoints.group(service);
            read_group(service);
        }
        for (auto& [place, span] : spans_) {
            must(rd_kafka_query_watermark_offsets(handle_.get(), place.first.c_str(), place.second,
                                                  &span.low, &span.high, kRequestMs),
                 "the end of a topic");
        }
    }

    void describe(Facts& facts) {
        facts.read_s = read_s_;
        const auto retention_of = read_retention(kafka_);  // of the catalog's topics
        for (const auto& settings : events::topics()) {
            TopicFacts& topic = facts.topics[facts.topic(settings.name)];
            const auto found = retention_of.find(topic.name);
            const Retention retention = found == retention_of.end()
                                            ? Retention{settings.retention_ms, false}
                                            : found->second;
            topic.log = logs_[topic.name].log;
            topic.retention_s = retention.ms < 0 ? 0 : (retention.ms + 999) / 1'000;
            topic.limited_by_size = retention.by_size;
            for (const auto& [place, span] : spans_) {  // by topic, then by partition
                if (place.first == topic.name) topic.partitions.push_back({span.low, 0});
            }
        }
    }

    void read(Facts& facts) {
        std::map<Place, Span> wanted;
        for (const auto& [place, span] : spans_) {
            const auto topic = std::ranges::find(facts.topics, place.first, &TopicFacts::name);
            if (topic == facts.topics.end()) continue;
            if (span.high > span.low) wanted[place] = span;
        }
        consume(facts, std::move(wanted));
        finish_records(facts);
        find_odd_groups(facts);
    }

    const std::vector<ServiceGroup>& groups() const { return own_groups_; }

    std::int64_t lag() const {
        std::int64_t sum = 0;
        for (const ServiceGroup& group : own_groups_) {
            if (std::ranges::find(kConsumers, group.service) == std::end(kConsumers)) continue;
            for (const auto& at : group.positions.partitions) sum += at.lag();
        }
        return sum;
    }

private:
    void read_partitions() {
        const rd_kafka_metadata_t* raw = nullptr;
        must(rd_kafka_metadata(handle_.get(), 1, nullptr, &raw, kRequestMs), "topics");
        const Metadata metadata(raw);
        for (int t = 0; t < raw->topic_cnt; ++t) {
            const auto& topic = raw->topics[t];
            if (std::string_view(topic.topic).starts_with("__")) continue;
            for (int p = 0; p < topic.partition_cnt; ++p) spans_[{topic.topic, p}] = {};
        }
    }

    void read_logs() {
        std::vector<std::string> names;
        for (const auto& topic : events::topics()) names.emplace_back(topic.name);
        try {
            logs_ =
                kafka::read_layouts(handle_.get(), names, std::chrono::milliseconds(kRequestMs));
        } catch (const kafka::NoAnswer& error) {
            throw CannotDo(std::string("Kafka: ") + error.what());
        }
    }

    void read_group(Service service) {
        const auto consumed = events::topics_consumed_by(service);
        ServiceGroup group{service, groups_[service], {}};
        try {
            group.positions =
                kafka::read_group(handle_.get(), group.group, {consumed.begin(), consumed.end()},
                                  std::chrono::milliseconds(kRequestMs));
        } catch (const kafka::NoAnswer& error) {
            throw CannotDo(std::string("Kafka: ") + error.what());
        }
        if (!group.positions.unknown.empty()) {
            throw CannotDo("Kafka: the end of a topic: " + group.positions.unknown.front());
        }
        if (std::ranges::find(kConsumers, service) != std::end(kConsumers)) {
            for (const auto& at : group.positions.partitions) {
                positions_[{at.topic, at.partition}].emplace_back(service, at);
            }
        }
        own_groups_.push_back(std::move(group));
    }

    void consume(Facts& facts, std::map<Place, Span> wanted) {
        Topics list(rd_kafka_topic_partition_list_new(0));
        for (const auto& [place, span] : wanted) {
            rd_kafka_topic_partition_list_add(list.get(), place.first.c_str(), place.second)
                ->offset = span.low;
        }
        must(rd_kafka_assign(handle_.get(), list.get()), "assign");
        rd_kafka_poll_set_consumer(handle_.get());
        while (!wanted.empty()) {
            const Message message(rd_kafka_consumer_poll(handle_.get(), kSilenceMs));
            if (!message) throw CannotDo("Kafka sends nothing although its topics are not empty");
            if (!message->rkt) {  // an error of the client, not of a partition
                // The client requests the group of its name, which it does not need.
                if (message->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED) continue;
                must(message->err, "reading");
                continue;
            }
            Place place{rd_kafka_topic_name(message->rkt), message->partition};
            const auto at = wanted.find(place);
            if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
                if (at != wanted.end()) wanted.erase(at);
                continue;
            }
            must(message->err, "reading");
            if (at == wanted.end()) continue;  // beyond the end
            if (message->offset < at->second.high) take(facts, *message, place);
            if (message->offset + 1 >= at->second.high) wanted.erase(at);
        }
        rd_kafka_assign(handle_.get(), nullptr);
    }

    void take(Facts& facts, rd_kafka_message_t& message, const Place& place) {
        TopicFacts& topic = facts.topics[facts.topic(place.first)];
        const auto partition = static_cast<std::size_t>(place.second);
        if (partition < topic.partitions.size() && topic.partitions[partition].oldest_s == 0) {
            const auto ms = rd_kafka_message_timestamp(&message, nullptr);
            topic.partitions[partition].oldest_s = seconds(std::max<std::int64_t>(0, ms));
        }
        record_.topic = place.first;
        record_.partition = place.second;
        record_.offset = message.offset;
        record_.key.reset();
        if (message.key) {
            record_.key.emplace(static_cast<const char*>(message.key), message.key_len);
        }
        record_.value = {static_cast<const char*>(message.payload), message.len};
        record_.headers.clear();
        rd_kafka_headers_t* headers = nullptr;
        if (!rd_kafka_message_headers(&message, &headers)) {
            const char* name = nullptr;
            const void* value = nullptr;
            std::size_t size = 0;
            for (std::size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &size);
                 ++i) {
                record_.headers.emplace_back(
                    name, std::string_view(static_cast<const char*>(value), size));
            }
        }
        take_record(facts, record_, arrived(place, message.offset));
    }

    // Finds groups that have committed nothing although there are records for them: no service runs
    // there, or the service has another group id. And it finds groups whose position is outside the
    // log.
    void find_odd_groups(Facts& facts) const {
        for (const ServiceGroup& group : own_groups_) {
            const auto& partitions = group.positions.partitions;
            const bool fed =
                std::ranges::any_of(partitions, [](const auto& p) { return p.end > 0; });
            const bool silent = std::ranges::none_of(
                partitions, [](const auto& p) { return p.committed.has_value(); });
            const bool takes_part =
                std::ranges::find(kConsumers, group.service) != std::end(kConsumers);
            if (fed && silent && takes_part) facts.silent_groups.push_back(group.group);
            for (const kafka::PartitionPosition& at : partitions) {
                if (!at.committed_beyond_end() && !at.committed_elsewhere()) continue;
                facts.stray_groups.push_back({group.group, at.topic, at.partition, *at.committed,
                                              at.end, at.committed_elsewhere()});
            }
        }
    }

    std::uint8_t arrived(const Place& place, std::int64_t offset) const {
        std::uint8_t bits = 0;
        const auto found = positions_.find(place);
        if (found == positions_.end()) return bits;
        for (const auto& [service, at] : found->second) {
            if (at.has_passed(offset)) bits |= events::bit(service);
        }
        return bits;
    }

    Handle handle_;
    std::map<Place, Span> spans_;
    kafka::TopicLayouts logs_;
    std::vector<ServiceGroup> own_groups_;
    // Positions of the saga's services.
    std::map<Place, std::vector<std::pair<Service, kafka::PartitionPosition>>> positions_;
    std::map<Service, std::string> groups_;
    const std::uint32_t read_s_;
    const kafka::Settings kafka_;
    kafka::Record record_;  // the current record
};

TopicsReader::TopicsReader(const Endpoints& endpoints) : impl_(std::make_unique<Impl>(endpoints)) {}
TopicsReader::~TopicsReader() = default;
void TopicsReader::describe(Facts& facts) const { impl_->describe(facts); }
void TopicsReader::read(Facts& facts) { impl_->read(facts); }
std::int64_t TopicsReader::lag() const { return impl_->lag(); }
const std::vector<ServiceGroup>& TopicsReader::groups() const { return impl_->groups(); }

}  // namespace orderflow::orderctl
