// facts_readers.hpp: the topics, from the beginning to where they ended when reading began.
#include <algorithm>
#include <limits>

#include "messaging/rdkafka.hpp"
#include "orderctl/facts_readers.hpp"

namespace orderflow::orderctl {
namespace {

using messaging::Conf;
using messaging::Topics;
using Handle = std::unique_ptr<rd_kafka_t, messaging::Destroyer<&rd_kafka_destroy>>;
using Message =
    std::unique_ptr<rd_kafka_message_t, messaging::Destroyer<&rd_kafka_message_destroy>>;
using Metadata =
    std::unique_ptr<const rd_kafka_metadata_t, messaging::Destroyer<&rd_kafka_metadata_destroy>>;

constexpr int kRequestMs = 10'000;
constexpr int kSilenceMs = 30'000;  // without a record although there are some
constexpr std::size_t kMaxStrays = 100'000;

using Place = std::pair<std::string, std::int32_t>;  // topic, partition

struct Span {
    std::int64_t low = 0;
    std::int64_t high = 0;
};

void must(rd_kafka_resp_err_t error, const char* what) {
    if (error) throw CannotDo(std::string("Kafka: ") + what + ": " + rd_kafka_err2str(error));
}

Handle make_consumer(const std::string& brokers, const std::string& group) {
    Conf conf = messaging::base_conf(brokers, "orderctl");
    messaging::set(conf.get(), "group.id", group);
    messaging::set(conf.get(), "enable.auto.commit", "false");
    messaging::set(conf.get(), "enable.auto.offset.store", "false");
    messaging::set(conf.get(), "auto.offset.reset", "error");
    messaging::set(conf.get(), "enable.partition.eof", "true");
    messaging::set(conf.get(), "queued.max.messages.kbytes", "8192");
    messaging::set(conf.get(), "fetch.max.bytes", "4194304");
    char error[256];
    Handle handle(rd_kafka_new(RD_KAFKA_CONSUMER, conf.get(), error, sizeof error));
    if (!handle) throw CannotDo(error);
    conf.release();  // owned by the handle now
    return handle;
}

std::string_view header(rd_kafka_headers_t* headers, const char* name) {
    const void* value = nullptr;
    std::size_t size = 0;
    if (!headers || rd_kafka_header_get_last(headers, name, &value, &size)) return {};
    return {static_cast<const char*>(value), size};
}

constexpr Service kConsumers[] = {Service::order, Service::inventory, Service::payment,
                                  Service::shipping};

std::uint32_t seconds(std::int64_t ms) { return static_cast<std::uint32_t>(ms / 1'000); }

}  // namespace

class TopicsReader::Impl {
public:
    explicit Impl(const Endpoints& endpoints)
        : handle_(make_consumer(endpoints.brokers(), "orderctl")) {
        // Offsets first: what is committed is below the ends.
        read_partitions();
        for (const Service service : kConsumers) {
            read_committed(endpoints.brokers(), endpoints.group(service), service);
        }
        for (auto& [place, span] : spans_) {
            must(rd_kafka_query_watermark_offsets(handle_.get(), place.first.c_str(), place.second,
                                                  &span.low, &span.high, kRequestMs),
                 "where a topic ends");
        }
    }

    void read(Facts& facts) {
        for (const auto& settings : events::topics()) facts.topic(settings.name);
        std::map<Place, Span> wanted;
        for (const auto& [place, span] : spans_) {
            const auto topic = std::ranges::find(facts.topics, place.first, &TopicFacts::name);
            if (topic == facts.topics.end()) continue;
            topic->read = true;
            if (span.high > span.low) wanted[place] = span;
            if (span.low > 0 && span.high == span.low) topic->oldest_s = seconds(now_ms());
        }
        consume(facts, std::move(wanted));
        forget_expired(facts);
        drop_parked_strays(facts);
        facts.topics_read = true;
    }

    std::int64_t lag() const {
        std::int64_t lag = 0;
        for (const Service service : kConsumers) {
            const auto topics = events::topics_consumed_by(service);
            for (const auto& [place, span] : spans_) {
                if (std::ranges::find(topics, place.first) == topics.end()) continue;
                lag += std::max<std::int64_t>(0, span.high - committed(service, place, span.low));
            }
        }
        return lag;
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

    void read_committed(const std::string& brokers, const std::string& group, Service service) {
        const auto topics = events::topics_consumed_by(service);
        Topics list(rd_kafka_topic_partition_list_new(0));
        for (const auto& [place, span] : spans_) {
            if (std::ranges::find(topics, place.first) == topics.end()) continue;
            rd_kafka_topic_partition_list_add(list.get(), place.first.c_str(), place.second);
        }
        const Handle asking = make_consumer(brokers, group);  // not as a member
        must(rd_kafka_committed(asking.get(), list.get(), kRequestMs), "committed offsets");
        for (int i = 0; i < list->cnt; ++i) {
            const auto& partition = list->elems[i];
            if (partition.offset < 0) continue;  // none
            committed_[service][{partition.topic, partition.partition}] = partition.offset;
        }
    }

    std::int64_t committed(Service service, const Place& place, std::int64_t otherwise) const {
        const auto group = committed_.find(service);
        if (group == committed_.end()) return otherwise;
        const auto found = group->second.find(place);
        return found == group->second.end() ? otherwise : found->second;
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
            if (message->offset < at->second.high) take(facts, *message, place, at->second);
            if (message->offset + 1 >= at->second.high) wanted.erase(at);
        }
        rd_kafka_assign(handle_.get(), nullptr);
    }

    void take(Facts& facts, rd_kafka_message_t& message, const Place& place, const Span& span) {
        const std::uint8_t topic = facts.topic(place.first);
        TopicFacts& counts = facts.topics[topic];
        ++counts.records;
        if (message.offset == span.low && span.low > 0) {
            const auto ms = rd_kafka_message_timestamp(&message, nullptr);
            counts.oldest_s = std::max(counts.oldest_s, seconds(std::max<std::int64_t>(0, ms)));
        }
        rd_kafka_headers_t* headers = nullptr;
        rd_kafka_message_headers(&message, &headers);
        const auto id = EventId::parse(header(headers, "ce_id"));
        const auto found = id ? facts.event_index.find(*id) : facts.event_index.end();
        if (found == facts.event_index.end() ||
            facts.events[found->second].topic != topic) {
            return take_stray(facts, message, place, headers, id.has_value());
        }
        LedgerEvent& event = facts.events[found->second];
        if (event.copies < std::numeric_limits<std::uint16_t>::max()) ++event.copies;
        if (event.copies > 1 && event.partition == message.partition) return;
        if (event.copies > 1 && event.offset <= message.offset) return;
        event.partition = static_cast<std::int16_t>(message.partition);
        event.offset = message.offset;
        event.arrived = arrived(place, message.offset);
    }

    std::uint8_t arrived(const Place& place, std::int64_t offset) const {
        std::uint8_t bits = 0;
        for (const Service service : kConsumers) {
            if (committed(service, place, -1) > offset) bits |= events::bit(service);
        }
        return bits;
    }

    void take_stray(Facts& facts, const rd_kafka_message_t& message, const Place& place,
                    rd_kafka_headers_t* headers, bool has_id) {
        const auto producer = producer_of_topic(place.first);
        StrayRecord stray;
        stray.type = header(headers, "ce_type");
        if (producer) stray.kind = kind_of_type(*producer, stray.type);
        // Consumers skip a type that the catalog does not have and refuse a record without an id.
        if (!has_id || (producer && !stray.kind)) {
            ++facts.topics[facts.topic(place.first)].foreign;
            return;
        }
        if (facts.strays.size() >= kMaxStrays) {
            ++facts.more_strays;
            return;
        }
        stray.topic = place.first;
        stray.partition = place.second;
        stray.offset = message.offset;
        stray.ce_id = header(headers, "ce_id");
        stray.producer = producer.value_or(Service::analytics);
        const auto order =
            OrderId::parse({static_cast<const char*>(message.key), message.key_len});
        const auto known = order ? facts.order_index.find(*order) : facts.order_index.end();
        if (known != facts.order_index.end()) stray.order = known->second;
        facts.strays.push_back(std::move(stray));
    }

    // What retention has taken was handled long ago.
    static void forget_expired(Facts& facts) {
        for (LedgerEvent& event : facts.events) {
            const bool expired = event.copies == 0 &&
                                 event.recorded_s < facts.topics[event.topic].oldest_s;
            if (expired) event.arrived = 0xff;
        }
    }

    // A record that every consumer of its kind has put aside had no effect.
    static void drop_parked_strays(Facts& facts) {
        std::map<std::tuple<std::string, std::int32_t, std::int64_t>, std::uint8_t> aside;
        for (const ParkedFact& parked : facts.parked) {
            aside[{parked.topic, parked.partition, parked.offset}] |= events::bit(parked.service);
        }
        std::erase_if(facts.strays, [&](const StrayRecord& stray) {
            const auto found = aside.find({stray.topic, stray.partition, stray.offset});
            if (found == aside.end() || !stray.kind) return false;
            const auto consumers = consumers_of(stray.producer, *stray.kind);
            if ((found->second & consumers) != consumers) return false;
            ++facts.topics[facts.topic(stray.topic)].foreign;
            return true;
        });
    }

    static std::int64_t now_ms() {
        return std::chrono::floor<std::chrono::milliseconds>(system_now())
            .time_since_epoch()
            .count();
    }

    Handle handle_;
    std::map<Place, Span> spans_;
    std::map<Service, std::map<Place, std::int64_t>> committed_;
};

TopicsReader::TopicsReader(const Endpoints& endpoints)
    : impl_(std::make_unique<Impl>(endpoints)) {}
TopicsReader::~TopicsReader() = default;
void TopicsReader::read(Facts& facts) { impl_->read(facts); }
std::int64_t TopicsReader::lag() const { return impl_->lag(); }

}  // namespace orderflow::orderctl
