#include "kafka/membership.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <thread>

#include <spdlog/spdlog.h>

#include "kafka/asking_client.hpp"
#include "kafka/group_positions.hpp"
#include "kafka/topic_reading.hpp"

namespace orderflow::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kCommitEvery{200};
constexpr int kAskBrokerMs = 1'000;
constexpr milliseconds kAskBroker{2'000};   // for all requests about a group
constexpr milliseconds kWatchEvery{3'000};  // between two requests for the topics' ids
constexpr milliseconds kLastCommit{2'000};
constexpr milliseconds kLookForAnswer{5};

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

// The metadata of the commit is the id of the log.
Topics list_of(const std::vector<MemberPositions::Commit>& commits) {
    Topics list(rd_kafka_topic_partition_list_new(static_cast<int>(commits.size())));
    for (const auto& commit : commits) {
        auto* elem =
            rd_kafka_topic_partition_list_add(list.get(), commit.topic.c_str(), commit.partition);
        elem->offset = commit.offset;
        elem->metadata = ::strdup(commit.log.c_str());  // freed with the list
        elem->metadata_size = commit.log.size();
    }
    return list;
}

}  // namespace

LogWatch::LogWatch(rd_kafka_t* handle, const std::vector<std::string>& topics)
    : handle_(handle), topics_(topics), answers_(rd_kafka_queue_new(handle)) {}

std::optional<TopicLayouts> LogWatch::look() {
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

Membership::Membership(const Settings& settings, const std::vector<std::string>& topics,
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

Membership::Handle Membership::make_handle(const Settings& settings, const FetchSettings& fetch) {
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
    rd_kafka_conf_set_rebalance_cb(conf.get(), &Membership::on_rebalance);
    rd_kafka_conf_set_offset_commit_cb(conf.get(), &Membership::on_commit);
    rd_kafka_conf_set_error_cb(conf.get(), &Membership::on_error);
    char error[256];
    Handle handle(rd_kafka_new(RD_KAFKA_CONSUMER, conf.get(), error, sizeof error));
    if (!handle) throw std::runtime_error(error);
    conf.release();  // owned by the handle now
    return handle;
}

std::optional<Record> Membership::poll_one(milliseconds wait) {
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
        wait =
            std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(until - steady_clock::now()));
    }
}

// Handles a message that is not a record. Throws when the client is broken.
void Membership::take_error(rd_kafka_message_t* raw) {
    const std::unique_ptr<rd_kafka_message_t, Destroyer<&rd_kafka_message_destroy>> message(raw);
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        positions_.at_end(rd_kafka_topic_name(message->rkt), message->partition, message->offset);
        return;
    }
    const std::string text = rd_kafka_message_errstr(message.get());
    if (message->err == RD_KAFKA_RESP_ERR__FATAL) throw std::runtime_error("kafka: " + text);
    spdlog::warn("kafka consumer: {}", text);
}

bool Membership::reads_right_logs() {
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

// Returns the group's commits in the partitions that wait for them; none if there is no answer.
std::vector<PartitionPosition> Membership::unverified(const TopicLayouts& layouts) {
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
            at.committed_log.assign(static_cast<const char*>(elem.metadata), elem.metadata_size);
        }
        positions.push_back(std::move(at));
    }
    return positions;
}

void Membership::pause(bool on) {
    const Topics list = assignment();
    (on ? rd_kafka_pause_partitions : rd_kafka_resume_partitions)(handle_.get(), list.get());
}

void Membership::processed(const Record& record) {
    positions_.processed(record.topic, record.partition, record.offset);
}

void Membership::commit_if_due() {
    if (steady_clock::now() - last_commit_ >= kCommitEvery) commit(false);
}

void Membership::commit(bool wait) {
    last_commit_ = steady_clock::now();
    const auto commits = positions_.to_commit();
    if (commits.empty()) return;
    send(commits, wait);
    positions_.committed(commits);
}

void Membership::send(const std::vector<MemberPositions::Commit>& commits, bool wait) {
    const Topics list = list_of(commits);
    const auto err = rd_kafka_commit(handle_.get(), list.get(), wait ? 0 : 1);
    if (err) spdlog::warn("kafka commit: {}", rd_kafka_err2str(err));
}

void Membership::close() {
    if (brokers_down_) return;
    verify_within(kLastCommit);
    if (!commit_within(kLastCommit)) return;
    rd_kafka_consumer_close(handle_.get());
}

// A member that leaves soon after it has joined may have processed records that it may not commit
// yet.
void Membership::verify_within(milliseconds time) {
    const auto until = steady_clock::now() + time;
    while (positions_.waits_to_commit() && reads_right_logs() && steady_clock::now() < until) {
        std::this_thread::sleep_for(kLookForAnswer);
    }
}

bool Membership::commit_within(milliseconds time) {
    const auto commits = positions_.to_commit();
    if (commits.empty()) return true;
    const Topics list = list_of(commits);
    const Queue answers(rd_kafka_queue_new(handle_.get()));
    if (rd_kafka_commit_queue(handle_.get(), list.get(), answers.get(), nullptr, nullptr)) {
        return false;
    }
    positions_.committed(commits);
    const ClientEvent answer(rd_kafka_queue_poll(answers.get(), static_cast<int>(time.count())));
    return answer && !rd_kafka_event_error(answer.get());
}

std::vector<Consumer::Lag> Membership::partition_lags() const {
    std::vector<Consumer::Lag> all;
    for (const auto& [topic, partition, processed] : positions_.processed()) {
        std::int64_t low = 0;
        std::int64_t end = 0;
        if (rd_kafka_get_watermark_offsets(handle_.get(), topic.c_str(), partition, &low, &end) ||
            end < 0) {
            continue;
        }
        all.push_back({topic, partition, end, std::max<std::int64_t>(0, end - processed)});
    }
    return all;
}

bool Membership::lags() {
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

Topics Membership::assignment() {
    rd_kafka_topic_partition_list_t* list = nullptr;
    rd_kafka_assignment(handle_.get(), &list);
    return Topics(list ? list : rd_kafka_topic_partition_list_new(0));
}

std::vector<Membership::Place> Membership::assigned() {
    const Topics list = assignment();
    std::vector<Place> places;
    for (int i = 0; i < list->cnt; ++i) {
        places.emplace_back(list->elems[i].topic, list->elems[i].partition);
    }
    return places;
}

void Membership::on_error(rd_kafka_t*, int error, const char* reason, void* opaque) {
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        static_cast<Membership*>(opaque)->brokers_down_ = true;
    }
    spdlog::warn("kafka consumer: {}", reason);
}

void Membership::on_commit(rd_kafka_t*, rd_kafka_resp_err_t err,
                           rd_kafka_topic_partition_list_t* offsets, void* opaque) {
    for (int i = 0; offsets && i < offsets->cnt; ++i) {
        const auto& elem = offsets->elems[i];
        if (!err && !elem.err) continue;
        static_cast<Membership*>(opaque)->positions_.not_committed(elem.topic, elem.partition);
    }
}

void Membership::on_rebalance(rd_kafka_t* handle, rd_kafka_resp_err_t err,
                              rd_kafka_topic_partition_list_t* partitions, void* opaque) {
    auto* self = static_cast<Membership*>(opaque);
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

}  // namespace orderflow::kafka
