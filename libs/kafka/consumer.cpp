#include <algorithm>
#include <cstring>
#include <optional>
#include <thread>

#include "kafka/consumer.hpp"
#include "kafka/producer.hpp"
#include "kafka/settings.hpp"
#include "kafka/topics.hpp"
#include "kafka/group_positions.hpp"
#include "kafka/positions.hpp"

namespace orderflow::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kCommitEvery{200};
constexpr std::chrono::seconds kStalledAfter{30};
constexpr std::chrono::seconds kLookAgain{5};
constexpr int kAskBrokerMs = 1'000;
constexpr milliseconds kAskBroker{2'000};   // for all requests about a group
constexpr milliseconds kWatchEvery{3'000};  // between two requests for the topics' ids
constexpr milliseconds kLastCommit{2'000};
constexpr milliseconds kLookForAnswer{5};

// Does not close first: Client::close() does that. While no broker is available, closing must not
// happen at all (librdkafka 2.8 may crash in LeaveGroup).
struct DestroyConsumer {
    void operator()(rd_kafka_t* handle) const {
        rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
};

// "order-events/0 order-events/1"
std::string text_of(const rd_kafka_topic_partition_list_t* partitions) {
    std::string text;
    for (int i = 0; i < partitions->cnt; ++i) {
        const auto& elem = partitions->elems[i];
        text += (text.empty() ? "" : " ") + std::string(elem.topic) + "/" +
                std::to_string(elem.partition);
    }
    return text;
}

// Requests the topics' ids again and again, without waiting for the answers.
class LogWatch {
public:
    LogWatch(rd_kafka_t* handle, const std::vector<std::string>& topics)
        : handle_(handle), topics_(topics), answers_(rd_kafka_queue_new(handle)) {}

    void ask_soon() { next_ = {}; }

    // The answer, if one has come since the last call.
    std::optional<TopicLayouts> look() {
        const ClientEvent answer(rd_kafka_queue_poll(answers_.get(), 0));
        if (answer) asked_ = false;
        const auto now = steady_clock::now();
        if (!asked_ && now >= next_) {
            ask_for_layouts(handle_, topics_, kWatchEvery, answers_.get());
            asked_ = true;
            next_ = now + kWatchEvery;
        }
        return answer ? layouts_in(answer.get()) : std::nullopt;
    }

private:
    rd_kafka_t* handle_;
    const std::vector<std::string>& topics_;
    const Queue answers_;
    bool asked_ = false;
    steady_clock::time_point next_{};
};

}  // namespace

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

// One librdkafka consumer; the callbacks run inside poll on the loop's thread.
class Consumer::Client {
public:
    Client(const Settings& settings, const std::vector<std::string>& topics,
           const FetchSettings& fetch)
        : group_(settings.group_id),
          topics_(topics),
          handle_(make_handle(settings, fetch)),
          watch_(handle_.get(), topics_) {
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
        const auto until = steady_clock::now() + wait;
        for (;;) {
            rd_kafka_message_t* message =
                rd_kafka_consumer_poll(handle_.get(), static_cast<int>(wait.count()));
            if (!message) return std::nullopt;
            if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                brokers_down_ = false;
                Record record = to_record(message);
                positions_.polled(record.topic, record.partition, record.offset);
                return record;
            }
            take_error(message);
            wait = std::max(milliseconds{0},
                            std::chrono::ceil<milliseconds>(until - steady_clock::now()));
        }
    }

    bool take_revoked() { return std::exchange(revoked_, false); }

    // Checks whether the member reads the logs to which the group's committed offsets belong.
    // False: one of them is another log, because its topic was recreated. The offset at which to
    // begin in it is then committed, and a new client must begin there. Call it only while no
    // record is in hand.
    bool reads_right_logs() {
        const auto layouts = watch_.look();
        if (!layouts) return true;
        ++answers_;
        std::vector<MemberPositions::Commit> begin;
        for (const auto& [topic, layout] : *layouts) {
            if (positions_.is_log(topic, layout.log)) continue;
            spdlog::warn("kafka: topic {} was recreated, reading it from its start", topic);
            for (const Place& place : assigned()) {
                if (place.first == topic) begin.push_back({topic, place.second, 0, layout.log});
            }
        }
        for (const PartitionPosition& at : unverified(*layouts)) {
            if (positions_.verify(at)) continue;
            spdlog::warn(
                "kafka: {}/{} was recreated after the group committed offset {}: reading it from "
                "its start",
                at.topic, at.partition, *at.committed);
            begin.push_back({at.topic, at.partition, 0, at.log});
        }
        if (begin.empty()) return true;
        // Records that were handled in the old log are not committed any more.
        for (const auto& [topic, partition, offset, log] : begin) {
            positions_.assign(topic, partition);
        }
        send(begin, true);
        return false;
    }

    void processed(const Record& record) {
        positions_.processed(record.topic, record.partition, record.offset);
    }

    void commit(bool wait) {
        last_commit_ = steady_clock::now();
        const auto commits = positions_.to_commit();
        if (commits.empty()) return;
        send(commits, wait);
        positions_.committed(commits);
    }

    bool joined() const { return !expects_assignment_; }
    std::uint64_t answers() const { return answers_; }

    std::vector<Lag> partition_lags() const {
        std::vector<Lag> all;
        for (const auto& [topic, partition, processed] : positions_.processed()) {
            std::int64_t low = 0;
            std::int64_t end = 0;
            if (rd_kafka_get_watermark_offsets(handle_.get(), topic.c_str(), partition, &low,
                                               &end) ||
                end < 0) {
                continue;
            }
            all.push_back({topic, partition, end, std::max<std::int64_t>(0, end - processed)});
        }
        return all;
    }

    void commit_if_due() {
        if (steady_clock::now() - last_commit_ >= kCommitEvery) commit(false);
    }

    void pause(bool on) {
        const Topics list = assignment();
        (on ? rd_kafka_pause_partitions : rd_kafka_resume_partitions)(handle_.get(), list.get());
    }

    // Returns true if the broker has records that this member should have received, if the group
    // has not answered the member (an assignment of no partitions is an answer), or if some
    // partitions are assigned to no member.
    bool lags() {
        if (expects_assignment_) return true;
        const auto mine = assigned();
        try {
            const GroupPositions group = read_group(handle_.get(), group_, topics_, kAskBroker);
            if (group.rebalancing) return false;
            return std::ranges::any_of(group.partitions, [&](const PartitionPosition& at) {
                if (at.assigned == false) return true;
                const bool is_mine =
                    std::ranges::find(mine, Place(at.topic, at.partition)) != mine.end();
                const auto position = positions_.position(at.topic, at.partition);
                return is_mine && !at.nothing_left() && position.value_or(0) < at.readable_end;
            });
        } catch (const NoAnswer&) {
            return true;  // not even a request works: a new client may find a living broker
        }
    }

    // Leaves the group at once. If the broker does not answer in time, the group notices it by the
    // session timeout, and records that were not committed are delivered again.
    void close() {
        if (brokers_down_) return;
        verify_within(kLastCommit);
        if (!commit_within(kLastCommit)) return;
        rd_kafka_consumer_close(handle_.get());
    }

private:
    using Place = std::pair<std::string, std::int32_t>;
    using Handle = std::unique_ptr<rd_kafka_t, DestroyConsumer>;

    Handle make_handle(const Settings& settings, const FetchSettings& fetch) {
        Conf conf = base_conf(settings, settings.client_id);
        set(conf.get(), "group.id", settings.group_id);
        set(conf.get(), "enable.auto.commit", "false");
        set(conf.get(), "enable.auto.offset.store", "false");
        set(conf.get(), "auto.offset.reset", "earliest");
        // A position also passes offsets without records: transactions' markers, deleted records.
        set(conf.get(), "enable.partition.eof", "true");
        set(conf.get(), "partition.assignment.strategy", "range");
        set(conf.get(), "session.timeout.ms", "6000");
        set(conf.get(), "heartbeat.interval.ms", "1500");
        set(conf.get(), "fetch.min.bytes", std::to_string(fetch.min_bytes));
        set(conf.get(), "fetch.wait.max.ms", std::to_string(fetch.max_wait.count()));
        set(conf.get(), "fetch.queue.backoff.ms", "10");
        set(conf.get(), "queued.max.messages.kbytes", "4096");
        set(conf.get(), "fetch.max.bytes", "1048576");  // an answer; the default is 50 MiB
        set_all(conf.get(), settings.properties.all);
        set_all(conf.get(), settings.properties.consumer);
        rd_kafka_conf_set_opaque(conf.get(), this);
        rd_kafka_conf_set_rebalance_cb(conf.get(), &Client::on_rebalance);
        rd_kafka_conf_set_offset_commit_cb(conf.get(), &Client::on_commit);
        rd_kafka_conf_set_error_cb(conf.get(), &Client::on_error);
        char error[256];
        Handle handle(rd_kafka_new(RD_KAFKA_CONSUMER, conf.get(), error, sizeof error));
        if (!handle) throw std::runtime_error(error);
        conf.release();  // owned by the handle now
        return handle;
    }

    // Handles a message that is not a record. Throws when the client is broken.
    void take_error(rd_kafka_message_t* raw) {
        const std::unique_ptr<rd_kafka_message_t, Destroyer<&rd_kafka_message_destroy>> message(
            raw);
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            positions_.at_end(rd_kafka_topic_name(message->rkt), message->partition,
                              message->offset);
            return;
        }
        const std::string text = rd_kafka_message_errstr(message.get());
        if (message->err == RD_KAFKA_RESP_ERR__FATAL) throw std::runtime_error("kafka: " + text);
        spdlog::warn("kafka consumer: {}", text);
    }

    // Returns the group's commits in the partitions that wait for them; none if there is no answer.
    std::vector<PartitionPosition> unverified(const TopicLayouts& layouts) {
        Topics list(rd_kafka_topic_partition_list_new(0));
        for (const Place& place : positions_.unverified()) {
            if (!layouts.contains(place.first)) continue;
            rd_kafka_topic_partition_list_add(list.get(), place.first.c_str(), place.second);
        }
        std::vector<PartitionPosition> positions;
        if (list->cnt == 0) return positions;
        if (rd_kafka_committed(handle_.get(), list.get(), kAskBrokerMs)) {
            watch_.ask_soon();
            return positions;
        }
        for (int i = 0; i < list->cnt; ++i) {
            const auto& elem = list->elems[i];
            if (elem.err) continue;
            PartitionPosition at;
            at.topic = elem.topic;
            at.partition = elem.partition;
            at.log = layouts.at(at.topic).log;
            if (elem.offset >= 0) at.committed = elem.offset;
            if (elem.metadata_size > 0) {
                at.committed_log.assign(static_cast<const char*>(elem.metadata),
                                        elem.metadata_size);
            }
            positions.push_back(std::move(at));
        }
        return positions;
    }

    // The metadata of the commit is the id of the log.
    static Topics list_of(const std::vector<MemberPositions::Commit>& commits) {
        Topics list(rd_kafka_topic_partition_list_new(static_cast<int>(commits.size())));
        for (const auto& commit : commits) {
            auto* elem = rd_kafka_topic_partition_list_add(list.get(), commit.topic.c_str(),
                                                           commit.partition);
            elem->offset = commit.offset;
            elem->metadata = ::strdup(commit.log.c_str());  // freed with the list
            elem->metadata_size = commit.log.size();
        }
        return list;
    }

    void send(const std::vector<MemberPositions::Commit>& commits, bool wait) {
        const Topics list = list_of(commits);
        const auto err = rd_kafka_commit(handle_.get(), list.get(), wait ? 0 : 1);
        if (err) spdlog::warn("kafka commit: {}", rd_kafka_err2str(err));
    }

    // A member that leaves soon after it has joined may have processed records that it may not
    // commit yet.
    void verify_within(milliseconds time) {
        const auto until = steady_clock::now() + time;
        while (positions_.waits_to_commit() && reads_right_logs() && steady_clock::now() < until) {
            std::this_thread::sleep_for(kLookForAnswer);
        }
    }

    bool commit_within(milliseconds time) {
        const auto commits = positions_.to_commit();
        if (commits.empty()) return true;
        const Topics list = list_of(commits);
        const Queue answers(rd_kafka_queue_new(handle_.get()));
        if (rd_kafka_commit_queue(handle_.get(), list.get(), answers.get(), nullptr, nullptr)) {
            return false;
        }
        positions_.committed(commits);
        const ClientEvent answer(
            rd_kafka_queue_poll(answers.get(), static_cast<int>(time.count())));
        return answer && !rd_kafka_event_error(answer.get());
    }

    Topics assignment() {
        rd_kafka_topic_partition_list_t* list = nullptr;
        rd_kafka_assignment(handle_.get(), &list);
        return Topics(list ? list : rd_kafka_topic_partition_list_new(0));
    }

    std::vector<Place> assigned() {
        const Topics list = assignment();
        std::vector<Place> places;
        for (int i = 0; i < list->cnt; ++i) {
            places.emplace_back(list->elems[i].topic, list->elems[i].partition);
        }
        return places;
    }

    static void on_error(rd_kafka_t*, int error, const char* reason, void* opaque) {
        if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
            static_cast<Client*>(opaque)->brokers_down_ = true;
        }
        spdlog::warn("kafka consumer: {}", reason);
    }

    static void on_commit(rd_kafka_t*, rd_kafka_resp_err_t err,
                          rd_kafka_topic_partition_list_t* offsets, void* opaque) {
        for (int i = 0; offsets && i < offsets->cnt; ++i) {
            const auto& elem = offsets->elems[i];
            if (!err && !elem.err) continue;
            static_cast<Client*>(opaque)->positions_.not_committed(elem.topic, elem.partition);
        }
    }

    static void on_rebalance(rd_kafka_t* handle, rd_kafka_resp_err_t err,
                             rd_kafka_topic_partition_list_t* partitions, void* opaque) {
        auto* self = static_cast<Client*>(opaque);
        if (err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
            spdlog::info("kafka: {} partitions assigned", partitions->cnt);
            spdlog::debug("kafka: assigned {}", text_of(partitions));
            self->brokers_down_ = false;
            self->expects_assignment_ = false;
            for (int i = 0; i < partitions->cnt; ++i) {
                self->positions_.assign(partitions->elems[i].topic, partitions->elems[i].partition);
            }
            self->watch_.ask_soon();
            rd_kafka_assign(handle, partitions);
            return;
        }
        spdlog::info("kafka: {} partitions revoked", partitions->cnt);
        spdlog::debug("kafka: revoked {}", text_of(partitions));
        self->revoked_ = true;
        if (!rd_kafka_assignment_lost(handle) && self->handle_) self->commit(true);
        self->positions_.clear();
        self->expects_assignment_ = true;
        // librdkafka remembers a pause across assignments: the partitions that hold() paused would
        // deliver nothing.
        rd_kafka_resume_partitions(handle, partitions);
        rd_kafka_assign(handle, nullptr);
    }

    const std::string group_;
    const std::vector<std::string>& topics_;
    MemberPositions positions_;
    bool revoked_ = false;
    bool brokers_down_ = false;
    bool expects_assignment_ = true;
    std::uint64_t answers_ = 0;
    steady_clock::time_point last_commit_{};
    Handle handle_;   // after the members that its callbacks use
    LogWatch watch_;  // its queue must be destroyed before the handle
};
Consumer::Consumer(Settings settings, std::vector<std::string> topics, FetchSettings fetch,
                   OnFetch on_fetch)
    : settings_(std::move(settings)),
      topics_(std::move(topics)),
      fetch_(fetch),
      on_fetch_(std::move(on_fetch)),
      client_(std::make_unique<Client>(settings_, topics_, fetch_)),
      last_progress_(steady_clock::now()) {}

Consumer::~Consumer() = default;

std::vector<Record> Consumer::poll(Gathering& gathering, milliseconds idle) {
    if (early_.empty() && !client_->reads_right_logs()) restart();
    std::vector<Record> records = std::exchange(early_, {});
    milliseconds wait = records.empty() ? idle : milliseconds{0};
    steady_clock::time_point gather_until{};
    while (records.size() < gathering.limits().max_records) {
        auto record = client_->poll_one(wait);
        // Records that were polled before a rebalance are delivered again, here or to another
        // member; the record in hand was delivered after the rebalance.
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
        if (on_fetch_) on_fetch_(records);
    } else {
        restart_if_stalled();
    }
    return records;
}

// Checks twice: records that have just arrived after a quiet time are lag as well, but not a stall.
void Consumer::restart_if_stalled() {
    const auto now = steady_clock::now();
    if (now - last_progress_ < kStalledAfter || now < next_look_) return;
    const bool lagged = std::exchange(lagged_, client_->lags());
    next_look_ = now + (lagged_ ? kLookAgain : kStalledAfter);
    if (!lagged || !lagged_) return;
    spdlog::warn("kafka: no progress for {} s although there is lag, creating a new client",
                 kStalledAfter.count());
    restart();
}

void Consumer::restart() {
    client_->close();
    client_.reset();
    client_ = std::make_unique<Client>(settings_, topics_, fetch_);
    progressed();
}

void Consumer::progressed() {
    last_progress_ = steady_clock::now();
    lagged_ = false;
}

void Consumer::processed(const std::vector<Record>& records) {
    for (const Record& record : records) client_->processed(record);
    client_->commit_if_due();
}

bool Consumer::hold(milliseconds time, std::stop_token stop) {
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

void Consumer::close() { client_->close(); }

bool Consumer::joined() const { return client_->joined(); }

std::uint64_t Consumer::answers() const { return client_->answers(); }

std::vector<Consumer::Lag> Consumer::lags() const { return client_->partition_lags(); }

}  // namespace orderflow::kafka
