#include "kafka/rdkafka.hpp"

namespace orderflow::kafka {

Record to_record(rd_kafka_message_t* message) {
    const std::shared_ptr<const void> owner(message, [](const void* m) {
        rd_kafka_message_destroy(static_cast<rd_kafka_message_t*>(const_cast<void*>(m)));
    });
    Record record;
    record.topic = rd_kafka_topic_name(message->rkt);
    record.partition = message->partition;
    record.offset = message->offset;
    if (message->key) {
        record.key.emplace(static_cast<const char*>(message->key), message->key_len);
    }
    record.value = {static_cast<const char*>(message->payload), message->len};
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        const char* name = nullptr;
        const void* value = nullptr;
        std::size_t size = 0;
        record.headers.reserve(rd_kafka_header_cnt(headers));
        for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) ==
                                RD_KAFKA_RESP_ERR_NO_ERROR;
             ++i) {
            record.headers.push_back({name, {static_cast<const char*>(value), size}});
        }
    }
    record.owner = owner;
    return record;
}

}  // namespace orderflow::kafka
