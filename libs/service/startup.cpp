#include "service/startup.hpp"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include <spdlog/spdlog.h>

#include "core/pause.hpp"
#include "kafka/topics.hpp"
#include "postgres/refusal.hpp"
#include "core/backoff.hpp"

namespace orderflow::service {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLongestPause{1'000};  // between two checks of the database
constexpr std::chrono::seconds kSayAgain{30};
constexpr std::string_view kWrongPassword = "28P01";

// Logs why the start still waits: when the reason changes, and every 30 s.
class Report {
public:
    Report(StartStep& step, const char* what) : step_(step), what_(what) {}

    void operator()(const std::string& why) {
        step_.because(why);
        const auto now = steady_clock::now();
        if (why == last_ && now < next_) return;
        spdlog::warn("waiting for {}: {}", what_, why);
        last_ = why;
        next_ = now + kSayAgain;
    }

private:
    StartStep& step_;
    const char* const what_;
    std::string last_;
    steady_clock::time_point next_{};
};

// Tries until `work` returns that nothing is missing, through all failures of the infrastructure;
// false if a stop came first. Throws failures that waiting does not remove.
bool try_until_done(postgres::Connection& connection, const std::string& url, Report& report,
                    const std::stop_token& stop, const std::function<std::string()>& work) {
    Backoff backoff;
    while (!stop.stop_requested()) {
        try {
            const std::string missing = work();
            if (missing.empty()) return true;
            report(missing);
        } catch (const postgres::DatabaseError& error) {
            if (!error.transient()) throw;
            // Other refusals may end by themselves: an operator may be about to create the
            // database, the role without a password, or the entry in pg_hba.conf.
            const bool refused =
                !connection.connected() && postgres::refusal(url, stop) == kWrongPassword;
            if (refused) throw;
            report(error.what());
            connection.reset();
        }
        pause(stop, std::min(backoff.next(), kLongestPause));
    }
    return false;
}

// The saga needs these topics; the others are for announcements of parked records.
bool is_needed(events::Service service, std::string_view topic) {
    const auto consumed = events::topics_consumed_by(service);
    return topic == events::names_of(service).topic ||
           std::ranges::find(consumed, topic) != consumed.end();
}

}  // namespace

Startup::Startup(const CommonConfig& config, events::Service service,
                 postgres::Migrations migrations, Prepare prepare)
    : config_(config), service_(service), migrations_(migrations), prepare_(std::move(prepare)) {}

void Startup::start(std::function<void(std::exception_ptr)> on_failure) {
    const auto thread = [this, on_failure = std::move(on_failure)](auto wait) {
        return std::jthread([this, on_failure, wait](std::stop_token stop) {
            try {
                (this->*wait)(stop);
            } catch (...) {
                on_failure(std::current_exception());
            }
        });
    };
    database_thread_ = thread(&Startup::await_schema);
    topics_thread_ = thread(&Startup::await_topics);
}

postgres::Url Startup::url() const {
    postgres::Url url(config_.database_url, events::names_of(service_).schema);
    url.usage = usage_;
    return url;
}

void Startup::request_stop() {
    database_thread_.request_stop();
    topics_thread_.request_stop();
}

void Startup::stop() {
    request_stop();
    for (std::jthread* thread : {&database_thread_, &topics_thread_}) {
        if (thread->joinable()) thread->join();
    }
}

void Startup::await_schema(const std::stop_token& stop) {
    postgres::Connection connection(url());
    Report report(database_step_, "the database");
    const std::string schema(events::names_of(service_).schema);
    const auto look = [&] {
        std::string missing = postgres::missing_in(connection, schema, migrations_);
        if (missing.empty() && prepare_) prepare_(connection);
        return missing;
    };
    if (!try_until_done(connection, config_.database_url, report, stop, look)) return;
    spdlog::info("the database is ready");
    database_step_.done();
    database_.open();
}

void Startup::await_topics(const std::stop_token& stop) {
    Report report(kafka_step_, "Kafka");
    const auto look = [&](std::span<const kafka::TopicProblem> problems) {
        std::string text;
        bool unknown = false;
        bool missing = false;
        for (const auto& [topic, why] : problems) {
            if (!text.empty()) text += "; ";
            if (!topic.empty()) text.append(topic).append(": ");
            text += why;
            unknown = unknown || topic.empty();
            missing = missing || is_needed(service_, topic);
        }
        if (!text.empty()) report(text);
        topics_missing_ = missing;
        if (!unknown) kafka_pulse_.beat();
        if (!unknown && !missing) topics_.open();
    };
    if (!kafka::await_topics(config_.kafka(), service_, stop, look)) return;
    spdlog::info("the topics are ready");
    kafka_step_.done();
}

void migrate(const CommonConfig& config, events::Service service, postgres::Migrations migrations) {
    postgres::Connection connection(config.database_url);
    StartStep step(nullptr, "database");
    Report report(step, "the database");
    const std::string schema(events::names_of(service).schema);
    try_until_done(connection, config.database_url, report, {}, [&] {
        postgres::migrate(connection, schema, migrations,
                          [](const std::string& line) { spdlog::info("{}", line); });
        return std::string();
    });
    spdlog::info("schema {} is up to date", schema);
}

}  // namespace orderflow::service
