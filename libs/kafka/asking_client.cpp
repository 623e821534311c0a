#include "kafka/asking_client.hpp"

namespace orderflow::kafka {
namespace {

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

}  // namespace orderflow::kafka
