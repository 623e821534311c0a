#pragma once
// RAII over librdkafka's handles; inside libs/kafka only.
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <librdkafka/rdkafka.h>
#include <spdlog/spdlog.h>

#include "kafka/consumer.hpp"
#include "kafka/producer.hpp"
#include "kafka/settings.hpp"
#include "kafka/topics.hpp"
#include "kafka/record.hpp"

namespace orderflow::kafka {

template <auto Destroy>
struct Destroyer {
    template <class T>
    void operator()(T* handle) const {
        Destroy(handle);
    }
};
using Topics = std::unique_ptr<rd_kafka_topic_partition_list_t,
                               Destroyer<&rd_kafka_topic_partition_list_destroy>>;
using Conf = std::unique_ptr<rd_kafka_conf_t, Destroyer<&rd_kafka_conf_destroy>>;
using Queue = std::unique_ptr<rd_kafka_queue_t, Destroyer<&rd_kafka_queue_destroy>>;
using ClientEvent = std::unique_ptr<rd_kafka_event_t, Destroyer<&rd_kafka_event_destroy>>;

inline void set(rd_kafka_conf_t* conf, const char* name, const std::string& value) {
    char error[256];
    if (rd_kafka_conf_set(conf, name, value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK) {
        throw std::invalid_argument(error);
    }
}

// The settings that all clients share. librdkafka's own log lines go to our log.
inline Conf base_conf(const Settings& settings, const std::string& client_id) {
    Conf conf(rd_kafka_conf_new());
    set(conf.get(), "bootstrap.servers", settings.brokers);
    set(conf.get(), "client.id", client_id);
    set(conf.get(), "socket.nagle.disable", "true");
    set(conf.get(), "socket.timeout.ms", "10000");
    set(conf.get(), "reconnect.backoff.ms", "50");
    set(conf.get(), "reconnect.backoff.max.ms", "1000");
    // New partitions and a recreated topic are noticed within seconds. The default is 5 min.
    set(conf.get(), "topic.metadata.refresh.interval.ms", "3000");
    rd_kafka_conf_set_log_cb(
        conf.get(), [](const rd_kafka_t*, int level, const char* about, const char* text) {
            if (std::string_view(about) == "CONFWARN") return;  // of settings that are intended
            spdlog::log(level <= 4 ? spdlog::level::warn : spdlog::level::info, "kafka: {}", text);
        });
    return conf;
}

// A consumed message without an error. The record owns the message, which must be destroyed before
// the handle.
Record to_record(rd_kafka_message_t* message);

// The properties that the operator has set; set them last.
inline void set_all(rd_kafka_conf_t* conf, const Properties& properties) {
    for (const auto& [name, value] : properties) set(conf, name.c_str(), value);
}

}  // namespace orderflow::kafka
