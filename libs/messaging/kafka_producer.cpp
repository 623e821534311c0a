#include "messaging/kafka.hpp"
#include "messaging/rdkafka.hpp"

namespace orderflow::messaging {
namespace {

using std::chrono::milliseconds;

struct DestroyProducer {
    void operator()(rd_kafka_t* handle) const {
        rd_kafka_purge(handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(handle, 1'000);
        rd_kafka_destroy(handle);
    }
};

class KafkaProducer final : public Producer {
public:
    KafkaProducer(const KafkaSettings& settings, events::Service producer)
        : source_(events::names_of(producer).source) {
        Conf conf = base_conf(settings.brokers, settings.client_id);
        set(conf.get(), "enable.idempotence", "true");  // implies acks=all, ≤ 5 in flight
        set(conf.get(), "message.timeout.ms", "0");     // an event is never given up
        set(conf.get(), "partitioner", "murmur2_random");
        set(conf.get(), "linger.ms", "1");
        set(conf.get(), "compression.type", "lz4");
        set(conf.get(), "message.max.bytes", "327680");
        rd_kafka_conf_set_opaque(conf.get(), this);
        rd_kafka_conf_set_dr_msg_cb(conf.get(), [](rd_kafka_t*, const rd_kafka_message_t* message,
                                                   void* opaque) {
            const bool persisted =
                message->err == RD_KAFKA_RESP_ERR_NO_ERROR &&
                rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_PERSISTED;
            static_cast<KafkaProducer*>(opaque)->reports_.push_back(
                {reinterpret_cast<std::uintptr_t>(message->_private), persisted});
        });
        char error[256];
        handle_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf.get(), error, sizeof error));
        if (!handle_) throw std::runtime_error(error);
        conf.release();  // owned by the handle now
    }

    bool produce(const LedgerRow& row, std::uint64_t token) override {
        const std::string id = row.event_id.to_string();
        const std::string time = to_rfc3339(row.recorded_at);
        const std::string& subject = row.key;
        rd_kafka_headers_t* headers = rd_kafka_headers_new(8);
        const auto add = [&](const char* name, std::string_view value) {
            rd_kafka_header_add(headers, name, -1, value.data(),
                                static_cast<ssize_t>(value.size()));
        };
        add("ce_specversion", "1.0");
        add("ce_id", id);
        add("ce_type", row.type);
        add("ce_source", source_);
        add("ce_subject", subject);
        add("ce_time", time);
        add("content-type", "application/json");
        const auto trace = traceparent(row.headers);
        if (!trace.empty()) add("traceparent", trace);
        const auto err = rd_kafka_producev(
            handle_.get(), RD_KAFKA_V_TOPIC(row.topic.c_str()),
            RD_KAFKA_V_KEY(row.key.data(), row.key.size()),
            RD_KAFKA_V_VALUE(const_cast<char*>(row.data.data()), row.data.size()),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(headers),
            RD_KAFKA_V_OPAQUE(reinterpret_cast<void*>(static_cast<std::uintptr_t>(token))),
            RD_KAFKA_V_END);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
        rd_kafka_headers_destroy(headers);
        if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL) return false;
        throw std::runtime_error(std::string("kafka produce: ") + rd_kafka_err2str(err));
    }

    std::vector<Report> reports() override {
        rd_kafka_poll(handle_.get(), 0);
        return std::exchange(reports_, {});
    }

    void flush(milliseconds at_most) override {
        rd_kafka_flush(handle_.get(), static_cast<int>(at_most.count()));
    }

private:
    // The only header beside the columns; written by append() in this very form.
    static std::string_view traceparent(std::string_view headers) {
        constexpr std::string_view kPrefix = "{\"traceparent\":\"";
        if (!headers.starts_with(kPrefix)) return {};
        return headers.substr(kPrefix.size(), headers.size() - kPrefix.size() - 2);
    }

    const std::string source_;
    std::vector<Report> reports_;
    std::unique_ptr<rd_kafka_t, DestroyProducer> handle_;  // last: its callbacks use the rest
};

}  // namespace

std::unique_ptr<Producer> make_kafka_producer(const KafkaSettings& settings,
                                              events::Service producer) {
    return std::make_unique<KafkaProducer>(settings, producer);
}

}  // namespace orderflow::messaging
