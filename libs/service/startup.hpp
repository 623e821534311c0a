#pragma once
// What a service waits for beside serving, without a time limit and in whatever order it comes: the
// database with the schema in it, and the topics. Owned by Host; each wait has a thread of its own,
// and loops wait at the gates that they open.
#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "core/gate.hpp"
#include "core/pulse.hpp"
#include "core/start_steps.hpp"
#include "events/catalog.hpp"
#include "postgres/connection.hpp"
#include "postgres/migration.hpp"
#include "service/config.hpp"

namespace orderflow::service {

// Writes into the database what the service's settings ask for, once the schema is ready. May be
// run again. Throws DatabaseError.
using Prepare = std::function<void(postgres::Connection&)>;

class Startup {
public:
    // `config` and what `migrations` points to must outlive it.
    Startup(const CommonConfig& config, events::Service service, postgres::Migrations migrations,
            Prepare prepare);

    // Begins to wait. `on_failure` gets what no waiting mends: a schema that this program cannot
    // work on, a wrong password, a database error that is not of the infrastructure. On a thread of
    // this object.
    void start(std::function<void(std::exception_ptr)> on_failure);
    void request_stop();
    void stop();  // blocks

    // The own database and the schema in it, for every connection of the service.
    postgres::Url url() const;
    // Open when the schema has all that this program needs, and is prepared.
    const Gate& database() const { return database_; }
    // Open when the topics are there that the service consumes or emits its events to. Those that
    // parked records are announced on may still be missing.
    const Gate& topics() const { return topics_; }
    // Kafka says that one of those is not there. False while it does not answer: orders are
    // accepted without it.
    bool topics_missing() const { return topics_missing_; }
    StartSteps& steps() { return steps_; }
    const postgres::Usage& database_usage() const { return *usage_; }  // of url()'s connections
    Pulse& kafka_pulse() { return kafka_pulse_; }

private:
    void await_schema(const std::stop_token& stop);
    void await_topics(const std::stop_token& stop);

    const CommonConfig& config_;
    const events::Service service_;
    const postgres::Migrations migrations_;
    const Prepare prepare_;
    const std::shared_ptr<postgres::Usage> usage_ = std::make_shared<postgres::Usage>();
    Pulse kafka_pulse_;
    StartSteps steps_;
    StartStep database_step_{&steps_, "database"};
    StartStep kafka_step_{&steps_, "kafka"};
    Gate database_;
    Gate topics_;
    std::atomic<bool> topics_missing_ = false;
    std::jthread database_thread_;  // last: they use everything above
    std::jthread topics_thread_;
};

// Applies what the service's schema lacks, as the owner that --database-url names; waits for the
// database without a time limit. Throws what no waiting mends.
void migrate(const CommonConfig& config, events::Service service, postgres::Migrations migrations);

}  // namespace orderflow::service
