#include "analytics/kafka_page/kafka_page_api.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "analytics/kafka_page/kafka_documents.hpp"
#include "analytics/kafka_page/kafka_worker.hpp"
#include "core/shared_reading.hpp"
#include "core/unavailable.hpp"
#include "events/catalog.hpp"
#include "http/integer_param.hpp"
#include "http/problem.hpp"
#include "service/problems.hpp"

namespace orderflow::analytics {
namespace {

namespace asio = boost::asio;
using events::Service;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kFresh{1'000};

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr http::IntegerParam kPartition{"partition", 0, std::numeric_limits<std::int32_t>::max(),
                                        -1};
constexpr http::IntegerParam kBefore{"before", 0, kMost, kMost};
constexpr http::IntegerParam kLimit{"limit", 1, 100, 20};

constexpr std::array kServices{Service::order, Service::payment, Service::inventory,
                               Service::shipping, Service::analytics};

std::vector<std::string> all_topics() {
    std::vector<std::string> names;
    for (const auto& topic : events::topics()) names.emplace_back(topic.name);
    return names;
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
