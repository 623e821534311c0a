#include "analytics/kafka_page/kafka_page_api.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "core/await_callback.hpp"
#include "core/shared_reading.hpp"
#include "core/unavailable.hpp"
#include "events/announcements.hpp"
#include "events/codec.hpp"
#include "json/json.hpp"
#include "events/personal.hpp"
#include "http/integer_param.hpp"
#include "http/problem.hpp"
#include "kafka/positions.hpp"
#include "kafka/record.hpp"
#include "kafka/settings.hpp"
#include "kafka/topic_layout.hpp"
#include "service/problems.hpp"

namespace orderflow::analytics {

namespace asio = boost::asio;
using events::Service;
using json::write_member;
using json::Writer;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct PartitionView {
    std::int64_t partition = 0;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::optional<std::int64_t> leader;
    std::int64_t replicas = 0;
    std::int64_t in_sync = 0;
};
BOOST_DESCRIBE_STRUCT(PartitionView, (), (partition, begin, end, leader, replicas, in_sync))
struct TopicView {
    std::string topic;
    std::vector<PartitionView> partitions;
    std::optional<std::string> trouble;
};
BOOST_DESCRIBE_STRUCT(TopicView, (), (topic, partitions, trouble))
struct TopicsAnswer {
    std::vector<TopicView> topics;
};
BOOST_DESCRIBE_STRUCT(TopicsAnswer, (), (topics))

struct MemberView {
    std::string id;
    std::string client_id;
    std::string host;
    std::int64_t partitions = 0;
};
BOOST_DESCRIBE_STRUCT(MemberView, (), (id, client_id, host, partitions))
struct ReadView {
    std::string topic;
    std::int64_t partition = 0;
    std::optional<std::int64_t> committed;
    std::int64_t end = 0;
    std::int64_t lag = 0;
    std::optional<std::string> owner;  // a member's id
};
BOOST_DESCRIBE_STRUCT(ReadView, (), (topic, partition, committed, end, lag, owner))
struct GroupView {
    std::string service;
    std::string group;
    std::int64_t lag = 0;
    std::optional<std::int64_t> idle;  // members without a partition
    bool rebalancing = false;
    std::vector<MemberView> members;
    std::vector<ReadView> partitions;
    std::optional<std::string> trouble;
};
BOOST_DESCRIBE_STRUCT(GroupView, (),
                      (service, group, lag, idle, rebalancing, members, partitions, trouble))
struct GroupsAnswer {
    std::vector<GroupView> groups;
};
BOOST_DESCRIBE_STRUCT(GroupsAnswer, (), (groups))

namespace {

constexpr std::size_t kMostWaiting = 16;
constexpr milliseconds kRunWithin{4'000};
constexpr milliseconds kGiveUp{4'800};  // kRunWithin, and the end of a client
constexpr milliseconds kFresh{1'000};
constexpr std::chrono::seconds kKeepClient{30};  // after the last request

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr http::IntegerParam kPartition{"partition", 0, std::numeric_limits<std::int32_t>::max(),
                                        -1};
constexpr http::IntegerParam kBefore{"before", 0, kMost, kMost};
constexpr http::IntegerParam kLimit{"limit", 1, 100, 20};

// The values of these headers are shown. A header that is not in the catalog may contain anything.
constexpr std::array<std::string_view, 7> kOpenHeaders{
    "ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "traceparent", "content-type"};
constexpr std::size_t kMostHeaderBytes = 256;

constexpr std::array kServices{Service::order, Service::payment, Service::inventory,
                               Service::shipping, Service::analytics};

// The view of a record for the page, by the catalog.
struct Meaning {
    std::optional<std::string> value;  // masked; empty: it is not an event
    std::string product;               // whose stock the event is about; empty: no product's
};

Meaning meaning_of(const kafka::Record& record) {
    const std::string_view type = record.header("ce_type");
    Meaning meaning{events::without_persons(record.topic, type, record.value), {}};
    if (meaning.value && type == type_name(events::EventKind::StockAdjusted)) {
        const auto event = events::decode(events::EventKind::StockAdjusted, record.value);
        meaning.product = std::get<events::StockAdjusted>(*event).product_id;
    }
    return meaning;
}

// A key, or the subject of an event: shown if it is an order's id, or the event's product.
std::string open_key(std::string_view key, const Meaning& meaning) {
    const bool is_product = !key.empty() && key == meaning.product;
    if (!is_product && !OrderId::parse(key)) return std::string(events::kMask);
    return events::printable(key, events::kMaxKeyBytes);
}

std::string open_header(std::string_view name, std::string_view value, const Meaning& meaning) {
    if (name == "ce_subject") return open_key(value, meaning);
    const bool open = meaning.value && std::ranges::find(kOpenHeaders, name) != kOpenHeaders.end();
    return open ? events::printable(value, kMostHeaderBytes) : std::string(events::kMask);
}

void write_headers(Writer& writer, const kafka::Record& record, const Meaning& meaning) {
    writer.Key("headers");
    writer.StartArray();
    const std::size_t shown = std::min(record.headers.size(), events::kMaxHeaderFields);
    for (const auto& [name, value] : std::span(record.headers).first(shown)) {
        json::write_value(writer, events::HeaderField{events::printable(name, kMostHeaderBytes),
                                                      open_header(name, value, meaning)});
    }
    writer.EndArray();
    if (const auto more = static_cast<std::int64_t>(record.headers.size() - shown)) {
        write_member(writer, "moreHeaders", more);
    }
}

void write_record(Writer& writer, const kafka::TimedRecord& timed) {
    const kafka::Record& record = timed.record;
    const Meaning meaning = meaning_of(record);
    writer.StartObject();
    write_member(writer, "offset", record.offset);
    if (timed.time) write_member(writer, "time", *timed.time);
    if (record.key) write_member(writer, "key", open_key(*record.key, meaning));
    write_headers(writer, record, meaning);
    write_member(writer, "bytes", static_cast<std::int64_t>(record.value.size()));
    if (meaning.value) {
        writer.Key("value");
        writer.RawValue(meaning.value->data(), meaning.value->size(), rapidjson::kObjectType);
    }
    writer.EndObject();
}

std::vector<std::string> all_topics() {
    std::vector<std::string> names;
    for (const auto& topic : events::topics()) names.emplace_back(topic.name);
    return names;
}

// The partitions without an answer, whose lag is in no figure; empty: there are none.
std::optional<std::string> trouble_of(const std::vector<std::string>& unknown) {
    if (unknown.empty()) return std::nullopt;
    std::string text = "not counted: " + unknown.front();
    if (unknown.size() > 1) text += ", and " + std::to_string(unknown.size() - 1) + " more";
    return text;
}

GroupView view_of(const ServiceGroup& of) {
    const kafka::GroupPositions& group = of.positions;
    GroupView view;
    view.service = events::names_of(of.service).name;
    view.group = of.name;
    if (!of.trouble.empty()) {
        view.trouble = of.trouble;
        return view;
    }
    view.trouble = trouble_of(group.unknown);
    view.rebalancing = group.rebalancing;
    view.idle = group.idle_members();
    std::map<std::pair<std::string, std::int32_t>, std::string> owners;
    for (const kafka::GroupMember& member : group.members) {
        for (const auto& place : member.partitions) owners[place] = member.id;
        view.members.push_back({member.id, member.client_id, member.host,
                                static_cast<std::int64_t>(member.partitions.size())});
    }
    for (const kafka::PartitionPosition& at : group.partitions) {
        const auto owner = owners.find({at.topic, at.partition});
        view.partitions.push_back(
            {at.topic, at.partition, at.committed, at.end, at.lag(),
             owner == owners.end() ? std::nullopt : std::optional(owner->second)});
        view.lag += at.lag();
    }
    return view;
}

// A group without an answer has the reason, unless the group took all the time that there is.
std::string read_groups(const KafkaWorker& worker, kafka::Reader& reader, milliseconds at_most) {
    const auto until = steady_clock::now() + at_most;
    std::vector<ServiceGroup> groups;
    for (const Service service : kServices) {
        ServiceGroup& group = groups.emplace_back(service, worker.group_of(service));
        const auto consumed = events::topics_consumed_by(service);
        const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
        try {
            group.positions = reader.group(group.name, {consumed.begin(), consumed.end()}, left);
        } catch (const Unavailable& error) {
            if (reader.is_stopping() || steady_clock::now() >= until) throw;
            group.trouble = error.what();
        }
    }
    return groups_json(groups);
}

using Body = SharedReading<std::string>;

asio::awaitable<http::Response> get_shared(std::shared_ptr<Body> readings, http::Request) {
    const auto body = co_await readings->get();
    co_return http::json_response(200, *body);
}

struct RecordsQuery {
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t before = 0;
    std::int64_t limit = 0;
};

Result<RecordsQuery> read_query(const http::Request& request) {
    const auto query = request.query_params({"topic", "partition", "before", "limit"});
    if (!query) return query.error();
    for (const char* needed : {"topic", "partition"}) {
        if (!query->contains(needed)) return Error{"query", std::string(needed) + " is required"};
    }
    const auto partition = kPartition.in(*query);
    if (!partition) return partition.error();
    const auto before = kBefore.in(*query);
    if (!before) return before.error();
    const auto limit = kLimit.in(*query);
    if (!limit) return limit.error();
    return RecordsQuery{query->find("topic")->second, static_cast<std::int32_t>(*partition),
                        *before, *limit};
}

asio::awaitable<http::Response> get_records(KafkaWorker& worker, http::Request request) {
    const auto query = read_query(request);
    if (!query) co_return service::bad_input(query.error());
    const auto nothing = [] {
        return http::problem(404, "not-found", "No such partition",
                             "no topic of the catalog has this partition");
    };
    if (std::ranges::find(events::topics(), query->topic, &events::TopicSettings::name) ==
        events::topics().end()) {
        co_return nothing();
    }
    KafkaWorker::Task read = [query = *query](kafka::Reader& reader, milliseconds at_most) {
        const auto latest =
            reader.records(query.topic, query.partition, query.before, query.limit, at_most);
        return latest ? records_json(query.topic, query.partition, *latest) : std::string();
    };
    std::string body = co_await worker.run(std::move(read));
    if (body.empty()) co_return nothing();
    co_return http::json_response(200, std::move(body));
}

}  // namespace

KafkaWorker::KafkaWorker(kafka::Settings settings)
    : settings_(std::move(settings)), jobs_(kMostWaiting, GatherLimits{.max_records = 1}) {}

void KafkaWorker::request_stop() {
    thread_.request_stop();
    jobs_.close();
}

void KafkaWorker::stop() {
    request_stop();
    if (thread_.joinable()) thread_.join();
}

asio::awaitable<std::string> KafkaWorker::run(Task task) {
    if (!thread_.joinable()) {
        thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
    }
    const auto until = steady_clock::now() + kRunWithin;
    auto start = [this, until, task = std::move(task)](std::function<void(Outcome)> done) {
        Job job = [done, until, task](kafka::Reader& reader) {
            Outcome outcome;
            try {
                const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
                if (left.count() <= 0)
                    throw Unavailable("Kafka answered the earlier requests too slowly");
                outcome.body = task(reader, left);
            } catch (...) {
                outcome.error = std::current_exception();
            }
            done(std::move(outcome));
        };
        if (jobs_.push(std::move(job))) return;
        Outcome full;
        full.error = std::make_exception_ptr(Unavailable(
            jobs_.closed() ? "the process is stopping" : "too many requests wait for Kafka"));
        done(std::move(full));
    };
    auto outcome = co_await await_callback<Outcome>(std::move(start), kGiveUp);
    if (!outcome) throw Unavailable("Kafka does not answer");
    if (outcome->error) std::rethrow_exception(outcome->error);
    co_return std::move(outcome->body);
}

std::string KafkaWorker::group_of(Service service) const {
    const std::string_view own = events::names_of(Service::analytics).name;
    std::string name(events::names_of(service).name);
    if (service == Service::analytics) return settings_.group_id;
    if (!settings_.group_id.ends_with(own)) return name;
    return settings_.group_id.substr(0, settings_.group_id.size() - own.size()) + name;
}

void KafkaWorker::serve(const std::stop_token& stop) {
    std::optional<kafka::Reader> reader;
    for (;;) {
        const auto jobs = jobs_.take(kKeepClient);
        if (jobs.empty()) {
            if (stop.stop_requested()) return;
            reader.reset();
        }
        for (const Job& job : jobs) {
            if (!reader) reader.emplace(settings_, stop);
            job(*reader);
        }
    }
}

std::string topics_json(const kafka::TopicDescriptions& topics) {
    TopicsAnswer answer;
    for (const auto& topic : events::topics()) {
        TopicView view;
        view.topic = topic.name;
        const auto found = topics.find(view.topic);
        if (found == topics.end()) {
            view.trouble = "no answer";
        } else if (!found->second.trouble.empty()) {
            view.trouble = found->second.trouble;
        } else {
            for (const kafka::PartitionState& at : found->second.partitions) {
                if (at.leader >= 0 && !at.has_ends) view.trouble = "no answer about offsets";
                view.partitions.push_back(
                    {at.partition, at.start, at.end,
                     at.leader < 0 ? std::nullopt : std::optional<std::int64_t>(at.leader),
                     at.replicas, at.in_sync});
            }
        }
        answer.topics.push_back(std::move(view));
    }
    return json::to_json(answer);
}

std::string groups_json(std::span<const ServiceGroup> groups) {
    GroupsAnswer answer;
    for (const ServiceGroup& group : groups) answer.groups.push_back(view_of(group));
    return json::to_json(answer);
}

std::string records_json(std::string_view topic, std::int32_t partition,
                         const kafka::LatestRecords& latest) {
    std::string body;
    json::StringSink sink{body};
    Writer writer(sink);
    writer.StartObject();
    write_member(writer, "topic", topic);
    write_member(writer, "partition", partition);
    write_member(writer, "begin", latest.start);
    write_member(writer, "end", latest.end);
    write_member(writer, "from", latest.window.from);
    write_member(writer, "before", latest.window.before);
    writer.Key("records");
    writer.StartArray();
    for (const kafka::TimedRecord& record : latest.records) write_record(writer, record);
    writer.EndArray();
    writer.EndObject();
    return body;
}

void add_kafka_page_routes(http::Router& router, KafkaWorker& worker) {
    const auto shared = [&](const char* path, KafkaWorker::Task task) {
        auto readings = std::make_shared<Body>(
            [&worker, task = std::move(task)] { return worker.run(task); }, kFresh);
        router.get(path, [readings](http::Request request) {
            return get_shared(readings, std::move(request));
        });
    };
    shared("/api/kafka/topics", [](kafka::Reader& reader, milliseconds at_most) {
        return topics_json(reader.topics(all_topics(), at_most));
    });
    shared("/api/kafka/groups", [&worker](kafka::Reader& reader, milliseconds at_most) {
        return read_groups(worker, reader, at_most);
    });
    router.get("/api/kafka/records", [&worker](http::Request request) {
        return get_records(worker, std::move(request));
    });
}

}  // namespace orderflow::analytics
