#include "kafka/producer.hpp"

#include <map>

#include "kafka/admin.hpp"
#include "kafka/rdkafka.hpp"
#include "kafka/topic_layout.hpp"

namespace orderflow::kafka {
namespace {

using std::chrono::milliseconds;

constexpr int kStatisticsMs = 250;
constexpr int kMetadataMs = 1'000;

struct DestroyProducer {
    void operator()(rd_kafka_t* handle) const {
        rd_kafka_purge(handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(handle, 1'000);
        rd_kafka_destroy(handle);
    }
};

using Handle = std::unique_ptr<rd_kafka_t, DestroyProducer>;

class KafkaProducer final : public TopicProducer {
public:
    KafkaProducer(const Settings& settings, const TopicProducerSettings& topic)
        : source_(events::names_of(topic.producer).source), topic_(topic.topic) {
        Conf conf = conf_of(settings, topic);
        rd_kafka_conf_set_stats_cb(
            conf.get(), [](rd_kafka_t*, char* json, std::size_t size, void* opaque) {
                static_cast<KafkaProducer*>(opaque)->take_statistics({json, size});
                return 0;  // librdkafka frees it
            });
        rd_kafka_conf_set_opaque(conf.get(), this);
        rd_kafka_conf_set_dr_msg_cb(
            conf.get(), [](rd_kafka_t* handle, const rd_kafka_message_t* message, void* opaque) {
                static_cast<KafkaProducer*>(opaque)->report(
                    handle, reinterpret_cast<std::uintptr_t>(message->_private), message->err,
                    rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_PERSISTED);
            });
        handle_ = handle_of(std::move(conf));
        query_.emplace(handle_.get());
    }

    static Conf conf_of(const Settings& settings, const TopicProducerSettings& topic) {
        Conf conf = base_conf(settings, settings.client_id);
        // Implies acks=all; and our librdkafka has one batch of a partition under way (ADR 11).
        set(conf.get(), "enable.idempotence", "true");
        set(conf.get(), "message.timeout.ms", "0");  // an event is never given up
        set(conf.get(), "partitioner", "murmur2_random");
        set(conf.get(), "linger.ms", "1");
        set(conf.get(), "compression.type", "lz4");
        set(conf.get(), "message.max.bytes", "327680");
        // How long a topic may be unknown before the events that wait for it are refused: as long
        // as the cluster needs to announce a new topic.
        set(conf.get(), "topic.metadata.propagation.max.ms", "3000");
        set(conf.get(), "statistics.interval.ms", std::to_string(kStatisticsMs));
        if (topic.gapless) set(conf.get(), "enable.gapless.guarantee", "true");
        if (topic.alone) set(conf.get(), "batch.num.messages", "1");
        set_all(conf.get(), settings.properties.all);
        set_all(conf.get(), settings.properties.producer);
        return conf;
    }

    static Handle handle_of(Conf conf) {
        char error[256];
        Handle handle(rd_kafka_new(RD_KAFKA_PRODUCER, conf.get(), error, sizeof error));
        if (!handle) throw std::runtime_error(error);
        conf.release();  // owned by the handle now
        return handle;
    }

    bool produce(const Message& message, std::uint64_t token) override {
        const std::string id = message.event_id.to_string();
        const std::string time = to_rfc3339(message.recorded_at);
        // Set for an event without a key, so that a repeat of the event goes to the same partition.
        // For the other events librdkafka hashes the key.
        std::int32_t partition = RD_KAFKA_PARTITION_UA;
        if (!message.key) {
            const std::int32_t partitions = partitions_of(message.topic);
            if (partitions == 0) return false;  // not known yet
            partition = partition_of(id, partitions);
        }
        rd_kafka_headers_t* headers = rd_kafka_headers_new(8);
        const auto add = [&](const char* name, std::string_view value) {
            rd_kafka_header_add(headers, name, -1, value.data(),
                                static_cast<ssize_t>(value.size()));
        };
        add("ce_specversion", "1.0");
        add("ce_id", id);
        add("ce_type", message.type);
        add("ce_source", source_);
        if (message.key) add("ce_subject", *message.key);
        add("ce_time", time);
        add("content-type", "application/json");
        const auto trace = traceparent(message.headers);
        if (!trace.empty()) add("traceparent", trace);
        const char* const key_bytes = message.key ? message.key->data() : nullptr;
        const std::size_t key_size = message.key ? message.key->size() : 0;
        const auto err = rd_kafka_producev(
            handle_.get(), RD_KAFKA_V_TOPIC(message.topic.c_str()), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_KEY(key_bytes, key_size),
            RD_KAFKA_V_VALUE(const_cast<char*>(message.data.data()), message.data.size()),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(headers),
            RD_KAFKA_V_OPAQUE(reinterpret_cast<void*>(static_cast<std::uintptr_t>(token))),
            RD_KAFKA_V_END);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
        rd_kafka_headers_destroy(headers);
        if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL) return false;
        report(handle_.get(), token, err, false);
        return true;
    }

    std::vector<Report> reports() override {
        rd_kafka_poll(handle_.get(), 0);
        return std::exchange(reports_, {});
    }

    void flush(milliseconds at_most) override {
        rd_kafka_flush(handle_.get(), static_cast<int>(at_most.count()));
    }

    void ask() override { query_->ask(topic_); }
    std::optional<TopicState> answer(milliseconds at_most) override {
        auto state = query_->answer(at_most);
        if (state && !state->refusal) partitions_[topic_] = state->partitions;
        return state;
    }

    void warm_up(milliseconds at_most) override {
        // Without this, librdkafka would request the topic of a first event only in its next pass
        // over its topics, which it makes once a second.
        if (!known_) known_.reset(rd_kafka_topic_new(handle_.get(), topic_.c_str(), nullptr));
        const rd_kafka_metadata_t* metadata = nullptr;
        rd_kafka_metadata(handle_.get(), 0, known_.get(), &metadata,
                          static_cast<int>(at_most.count()));
        if (metadata) rd_kafka_metadata_destroy(metadata);
    }
    bool has_id() const override { return has_id_; }

private:
    using Topic = std::unique_ptr<rd_kafka_topic_t, Destroyer<&rd_kafka_topic_destroy>>;

    // From the last answer about the topic, or requested now: then it blocks for a second at most.
    // 0: not known.
    std::int32_t partitions_of(const std::string& topic) {
        std::int32_t& partitions = partitions_[topic];
        if (partitions > 0) return partitions;
        const Topic handle(rd_kafka_topic_new(handle_.get(), topic.c_str(), nullptr));
        const rd_kafka_metadata_t* metadata = nullptr;
        rd_kafka_metadata(handle_.get(), 0, handle.get(), &metadata, kMetadataMs);
        if (!metadata) return 0;
        if (metadata->topic_cnt == 1) partitions = metadata->topics[0].partition_cnt;
        rd_kafka_metadata_destroy(metadata);
        return partitions;
    }

    void report(rd_kafka_t* handle, std::uint64_t token, rd_kafka_resp_err_t error,
                bool persisted) {
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            const auto unknown = "reported, but not as persisted";
            reports_.push_back({token, persisted, Refusal::other, persisted ? "" : unknown});
        } else if (!is_aftermath(handle, error)) {
            reports_.push_back({token, false, refusal_of(error), rd_kafka_err2str(error)});
        }
    }

    // After a refusal a gapless producer fails all events that it still has or receives. These
    // failures are not about those events; the refused event has its own report.
    static bool is_aftermath(rd_kafka_t* handle, rd_kafka_resp_err_t error) {
        const bool failed_with_it = error == RD_KAFKA_RESP_ERR__FATAL ||
                                    error == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
                                    error == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
        char text[512];
        return failed_with_it && rd_kafka_fatal_error(handle, text, sizeof text) ==
                                     RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE;
    }

    // The only way to notice that the broker has assigned the producer id; a new broker assigns it
    // late.
    void take_statistics(std::string_view json) {
        has_id_ = json.find(R"("idemp_state": "Assigned")") != json.npos;
    }

    // The only header beside the columns; the unit of work writes it in this very form.
    static std::string_view traceparent(std::string_view headers) {
        constexpr std::string_view kPrefix = "{\"traceparent\":\"";
        if (!headers.starts_with(kPrefix)) return {};
        return headers.substr(kPrefix.size(), headers.size() - kPrefix.size() - 2);
    }

    const std::string source_;
    const std::string topic_;
    std::map<std::string, std::int32_t> partitions_;
    std::vector<Report> reports_;
    bool has_id_ = false;
    Handle handle_;                    // its callbacks use what is above
    std::optional<TopicQuery> query_;  // these use the handle
    Topic known_;                      // while it exists, librdkafka keeps the topic's leaders
};

}  // namespace

void check_producer(const Settings& settings) {
    Settings nowhere = settings;
    nowhere.brokers.clear();
    Conf conf = KafkaProducer::conf_of(nowhere, {});
    rd_kafka_conf_set_log_cb(conf.get(), nullptr);
    KafkaProducer::handle_of(std::move(conf));
}

std::unique_ptr<Producer> make_producer(const Settings& settings, events::Service producer) {
    return std::make_unique<KafkaProducer>(settings, TopicProducerSettings{producer, ""});
}

std::unique_ptr<TopicProducer> make_topic_producer(const Settings& settings,
                                                   const TopicProducerSettings& topic) {
    return std::make_unique<KafkaProducer>(settings, topic);
}

}  // namespace orderflow::kafka
