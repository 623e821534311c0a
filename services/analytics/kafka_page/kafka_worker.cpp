#include "analytics/kafka_page/kafka_worker.hpp"

#include <optional>
#include <utility>

#include "core/attempt.hpp"
#include "core/await_callback.hpp"
#include "core/unavailable.hpp"

namespace orderflow::analytics {

namespace asio = boost::asio;
using events::Service;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t kMostWaiting = 16;
constexpr milliseconds kRunWithin{4'000};
constexpr milliseconds kGiveUp{4'800};           // kRunWithin, and the end of a client
constexpr std::chrono::seconds kKeepClient{30};  // after the last request

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
    auto start = [this, until,
                  task = std::move(task)](std::function<void(Attempt<std::string>)> done) {
        Job job = [done, until, task](kafka::Reader& reader) {
            Attempt<std::string> body;
            try {
                const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
                if (left.count() <= 0)
                    throw Unavailable("Kafka answered the earlier requests too slowly");
                body.value = task(reader, left);
            } catch (...) {
                body.error = std::current_exception();
            }
            done(std::move(body));
        };
        if (jobs_.push(std::move(job))) return;
        Attempt<std::string> full;
        full.error = std::make_exception_ptr(Unavailable(
            jobs_.closed() ? "the process is stopping" : "too many requests wait for Kafka"));
        done(std::move(full));
    };
    auto body = co_await await_callback<Attempt<std::string>>(std::move(start), kGiveUp);
    if (!body) throw Unavailable("Kafka does not answer");
    co_return std::move(*body).take();
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

}  // namespace orderflow::analytics
