#include <map>
#include <optional>

#include "messaging/kafka.hpp"
#include "messaging/rdkafka.hpp"

namespace orderflow::messaging {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kCommitEvery{200};
constexpr std::chrono::seconds kStalledAfter{30};
constexpr std::chrono::seconds kLookAgain{5};
constexpr int kAskBrokerMs = 1'000;
constexpr int kAskBrokerShortlyMs = 200;
constexpr milliseconds kLastCommit{2'000};

// Without closing first: that is Client::close()'s part, and with no broker in reach it must not
// happen at all (librdkafka 2.8 may crash in LeaveGroup then).
struct DestroyConsumer {
    void operator()(rd_kafka_t* handle) const {
        rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
};

Record to_record(rd_kafka_message_t* message) {
    const std::shared_ptr<const void> owner(
        message, [](const void* m) {
            rd_kafka_message_destroy(static_cast<rd_kafka_message_t*>(const_cast<void*>(m)));
        });
    Record record;
    record.topic = rd_kafka_topic_name(message->rkt);
    record.partition = message->partition;
    record.offset = message->offset;
    record.key = {static_cast<const char*>(message->key), message->key_len};
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

}  // namespace

// One librdkafka consumer; the callbacks run inside poll on the loop's thread.
class KafkaConsumer::Client {
public:
    Client(const KafkaSettings& settings, const std::vector<std::string>& topics,
           const FetchSettings& fetch) {
        Conf conf = base_conf(settings.brokers, settings.client_id);
        set(conf.get(), "group.id", settings.group_id);
        set(conf.get(), "enable.auto.commit", "false");
        set(conf.get(), "enable.auto.offset.store", "false");
        set(conf.get(), "auto.offset.reset", "earliest");
        set(conf.get(), "partition.assignment.strategy", "range");
        set(conf.get(), "session.timeout.ms", "6000");
        set(conf.get(), "heartbeat.interval.ms", "1500");
        set(conf.get(), "fetch.min.bytes", std::to_string(fetch.min_bytes));
        set(conf.get(), "fetch.wait.max.ms", std::to_string(fetch.max_wait.count()));
        set(conf.get(), "fetch.queue.backoff.ms", "10");
        set(conf.get(), "queued.max.messages.kbytes", "4096");
        set(conf.get(), "fetch.max.bytes", "1048576");  // an answer; the default is 50 MiB
        rd_kafka_conf_set_opaque(conf.get(), this);
        rd_kafka_conf_set_rebalance_cb(conf.get(), &Client::on_rebalance);
        rd_kafka_conf_set_error_cb(conf.get(), &Client::on_error);
        char error[256];
        handle_.reset(rd_kafka_new(RD_KAFKA_CONSUMER, conf.get(), error, sizeof error));
        if (!handle_) throw std::runtime_error(error);
        conf.release();  // owned by the handle now
        rd_kafka_poll_set_consumer(handle_.get());
        Topics list(rd_kafka_topic_partition_list_new(static_cast<int>(topics.size())));
        for (const auto& topic : topics) {
            rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
        }
        if (const auto err = rd_kafka_subscribe(handle_.get(), list.get())) {
            throw std::runtime_error(rd_kafka_err2str(err));
        }
    }

    // At most one record; nullopt when none came in time.
    std::optional<Record> poll_one(milliseconds wait) {
        rd_kafka_message_t* message =
            rd_kafka_consumer_poll(handle_.get(), static_cast<int>(wait.count()));
        if (!message) return std::nullopt;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            brokers_down_ = false;
            return to_record(message);
        }
        const auto err = message->err;
        const std::string text = rd_kafka_message_errstr(message);
        rd_kafka_message_destroy(message);
        if (err == RD_KAFKA_RESP_ERR__FATAL) throw std::runtime_error("kafka: " + text);
        spdlog::warn("kafka consumer: {}", text);
        return std::nullopt;
    }

    bool take_revoked() { return std::exchange(revoked_, false); }

    void store(const Record& record) {
        auto& next = next_offsets_[{std::string(record.topic), record.partition}];
        next = std::max(next, record.offset + 1);
        dirty_ = true;
    }

    void commit(bool wait) {
        if (!dirty_) return;
        const Topics list = offsets();
        const auto err = rd_kafka_commit(handle_.get(), list.get(), wait ? 0 : 1);
        if (err) spdlog::warn("kafka commit: {}", rd_kafka_err2str(err));
        dirty_ = false;
        last_commit_ = steady_clock::now();
    }

    void commit_if_due() {
        if (steady_clock::now() - last_commit_ >= kCommitEvery) commit(false);
    }

    void pause(bool on) {
        const Topics list = assignment();
        (on ? rd_kafka_pause_partitions : rd_kafka_resume_partitions)(handle_.get(), list.get());
    }

    // True if the broker holds records that this member should have been given, or if the group has
    // given it no answer: an assignment of no partitions is one.
    bool lags() {
        const Topics list = assignment();
        if (list->cnt == 0) return expects_assignment_;
        if (rd_kafka_position(handle_.get(), list.get())) return false;
        for (int i = 0; i < list->cnt; ++i) {
            const auto& partition = list->elems[i];
            std::int64_t low = 0;
            std::int64_t high = 0;
            if (rd_kafka_query_watermark_offsets(handle_.get(), partition.topic,
                                                 partition.partition, &low, &high, kAskBrokerMs)) {
                return true;  // cannot even ask: a new client may find a living broker
            }
            const std::int64_t position =
                partition.offset >= 0
                    ? partition.offset
                    : committed(partition.topic, partition.partition).value_or(low);
            if (high > position) return true;
        }
        return false;
    }

    // At its end is a partition of which all was polled that stood there when it was asked last:
    // what has come since is no lag. By what fetches said; an error of a broker since then means
    // that they said too little.
    std::vector<PartitionState> partitions() {
        const bool heard = !std::exchange(broker_error_, false) && !still_down();
        const Topics list = assignment();
        const bool known = list->cnt > 0 && !rd_kafka_position(handle_.get(), list.get());
        std::vector<PartitionState> states;
        for (int i = 0; known && i < list->cnt; ++i) {
            const auto& at = list->elems[i];
            states.push_back({at.topic, at.partition, heard && polled_to_end(at)});
        }
        return states;
    }

    // Leaves the group at once; without an answer from the broker in time the group finds out by
    // the session timeout, and what was not committed comes again.
    void close() {
        if (brokers_down_ || !commit_within(kLastCommit)) return;
        rd_kafka_consumer_close(handle_.get());
    }

private:
    bool polled_to_end(const rd_kafka_topic_partition_t& at) {
        const auto [seen, first] = ends_.try_emplace({at.topic, at.partition}, -1);
        std::int64_t low = 0;
        std::int64_t high = 0;
        if (rd_kafka_get_watermark_offsets(handle_.get(), at.topic, at.partition, &low, &high) ||
            high < 0) {
            return false;  // not fetched from yet
        }
        const std::int64_t end = std::exchange(seen->second, high);
        if (first || end < 0) return false;
        return (at.offset >= 0 ? at.offset : begin(at.topic, at.partition, low)) >= end;
    }

    // librdkafka says that all brokers are gone, but not that one is back.
    bool still_down() {
        if (!brokers_down_) return false;
        const Topics list = assignment();
        std::int64_t low = 0;
        std::int64_t high = 0;
        brokers_down_ = list->cnt == 0 ||
                        rd_kafka_query_watermark_offsets(handle_.get(), list->elems[0].topic,
                                                         list->elems[0].partition, &low, &high,
                                                         kAskBrokerShortlyMs) != 0;
        return brokers_down_;
    }

    // Where a partition begins that has delivered nothing to this client yet. Asks the broker until
    // it has answered once.
    std::int64_t begin(const char* topic, int partition, std::int64_t low) {
        const auto known = begins_.find({topic, partition});
        if (known != begins_.end()) return std::max(known->second, low);
        const auto offset = committed(topic, partition);
        if (!offset) return low;
        begins_[{topic, partition}] = *offset;
        return std::max(*offset, low);
    }

    Topics offsets() const {
        Topics list(
            rd_kafka_topic_partition_list_new(static_cast<int>(next_offsets_.size())));
        for (const auto& [where, offset] : next_offsets_) {
            rd_kafka_topic_partition_list_add(list.get(), where.first.c_str(), where.second)
                ->offset = offset;
        }
        return list;
    }

    bool commit_within(milliseconds time) {
        if (!dirty_) return true;
        const Topics list = offsets();
        const Queue answers(rd_kafka_queue_new(handle_.get()));
        if (rd_kafka_commit_queue(handle_.get(), list.get(), answers.get(), nullptr, nullptr)) {
            return false;
        }
        dirty_ = false;
        const KafkaEvent answer(
            rd_kafka_queue_poll(answers.get(), static_cast<int>(time.count())));
        return answer && !rd_kafka_event_error(answer.get());
    }

    Topics assignment() {
        rd_kafka_topic_partition_list_t* list = nullptr;
        rd_kafka_assignment(handle_.get(), &list);
        return Topics(list ? list : rd_kafka_topic_partition_list_new(0));
    }

    // The group's offset, 0 if it has none; nullopt: no answer.
    std::optional<std::int64_t> committed(const char* topic, int partition) {
        Topics list(rd_kafka_topic_partition_list_new(1));
        rd_kafka_topic_partition_list_add(list.get(), topic, partition);
        if (rd_kafka_committed(handle_.get(), list.get(), kAskBrokerMs)) return std::nullopt;
        return std::max<std::int64_t>(list->elems[0].offset, 0);
    }

    static void on_error(rd_kafka_t*, int error, const char* reason, void* opaque) {
        if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
            static_cast<Client*>(opaque)->brokers_down_ = true;
        }
        static_cast<Client*>(opaque)->broker_error_ = true;
        spdlog::warn("kafka consumer: {}", reason);
    }

    static void on_rebalance(rd_kafka_t* handle, rd_kafka_resp_err_t err,
                             rd_kafka_topic_partition_list_t* partitions, void* opaque) {
        auto* self = static_cast<Client*>(opaque);
        if (err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
            spdlog::info("kafka: {} partitions assigned", partitions->cnt);
            self->brokers_down_ = false;
            self->expects_assignment_ = false;
            rd_kafka_assign(handle, partitions);
            return;
        }
        spdlog::info("kafka: {} partitions revoked", partitions->cnt);
        self->revoked_ = true;
        if (!rd_kafka_assignment_lost(handle) && self->handle_) self->commit(true);
        self->next_offsets_.clear();
        self->begins_.clear();
        self->ends_.clear();
        self->dirty_ = false;
        self->expects_assignment_ = true;
        // librdkafka remembers a pause across assignments: what hold() paused would stay silent.
        rd_kafka_resume_partitions(handle, partitions);
        rd_kafka_assign(handle, nullptr);
    }

    std::unique_ptr<rd_kafka_t, DestroyConsumer> handle_;
    std::map<std::pair<std::string, int>, std::int64_t> next_offsets_;
    std::map<std::pair<std::string, int>, std::int64_t> begins_;  // of this assignment
    std::map<std::pair<std::string, int>, std::int64_t> ends_;    // the same, when asked last
    bool dirty_ = false;
    bool revoked_ = false;
    bool brokers_down_ = false;
    bool broker_error_ = false;
    bool expects_assignment_ = true;
    steady_clock::time_point last_commit_{};
};

KafkaConsumer::KafkaConsumer(KafkaSettings settings, std::vector<std::string> topics,
                             FetchSettings fetch)
    : settings_(std::move(settings)),
      topics_(std::move(topics)),
      fetch_(fetch),
      client_(std::make_unique<Client>(settings_, topics_, fetch_)),
      last_progress_(steady_clock::now()) {}

KafkaConsumer::~KafkaConsumer() = default;

std::vector<Record> KafkaConsumer::poll(Gathering& gathering, milliseconds idle) {
    std::vector<Record> records = std::exchange(early_, {});
    milliseconds wait = records.empty() ? idle : milliseconds{0};
    steady_clock::time_point gather_until{};
    while (records.size() < gathering.limits().max_records) {
        auto record = client_->poll_one(wait);
        // What was polled before a rebalance comes again, here or elsewhere; the record in hand was
        // delivered after it.
        if (client_->take_revoked()) records.clear();
        if (record) {
            records.push_back(std::move(*record));
            wait = milliseconds{0};
            continue;
        }
        const auto patience = gathering.patience(records.size());
        if (records.empty() || patience.count() == 0) break;
        const auto now = steady_clock::now();
        if (gather_until == steady_clock::time_point{}) gather_until = now + patience;
        if (now >= gather_until) break;
        wait = std::chrono::ceil<milliseconds>(gather_until - now);
    }
    gathering.taken(records.size());
    client_->commit_if_due();
    if (!records.empty()) {
        progressed();
    } else {
        restart_if_stalled();
    }
    return records;
}

// Looks twice: what has just arrived after a quiet time is lag as well, but no stall.
void KafkaConsumer::restart_if_stalled() {
    const auto now = steady_clock::now();
    if (now - last_progress_ < kStalledAfter || now < next_look_) return;
    const bool lagged = std::exchange(lagged_, client_->lags());
    next_look_ = now + (lagged_ ? kLookAgain : kStalledAfter);
    if (!lagged || !lagged_) return;
    spdlog::warn("kafka: no progress for {} s although there is lag, making a new client",
                 kStalledAfter.count());
    client_.reset();
    client_ = std::make_unique<Client>(settings_, topics_, fetch_);
    progressed();
}

void KafkaConsumer::progressed() {
    last_progress_ = steady_clock::now();
    lagged_ = false;
}

void KafkaConsumer::processed(const std::vector<Record>& records) {
    for (const Record& record : records) client_->store(record);
    client_->commit_if_due();
}

bool KafkaConsumer::hold(milliseconds time, std::stop_token stop) {
    client_->pause(true);
    const auto until = steady_clock::now() + time;
    bool kept = true;
    do {
        // Polling keeps the membership and serves rebalances; paused partitions deliver nothing,
        // but a record that slips through must not be lost.
        auto record = client_->poll_one(milliseconds{50});
        if (client_->take_revoked()) {
            kept = false;
            early_.clear();
        }
        if (record) early_.push_back(std::move(*record));
    } while (kept && !stop.stop_requested() && steady_clock::now() < until);
    client_->pause(false);
    progressed();
    return kept;
}

std::vector<PartitionState> KafkaConsumer::partitions() { return client_->partitions(); }

void KafkaConsumer::close() { client_->close(); }

}  // namespace orderflow::messaging
