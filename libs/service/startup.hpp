#pragma once
// The things that a service waits for while it serves, without a time limit and in any order: the
// database with its schema, and the topics. Owned by Host; each wait has a thread of its own, and
// loops wait at the gates that these threads open.
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

// Writes the rows that the service's settings require into the database, once the schema is ready.
// May run again. Throws DatabaseError.
using Prepare = std::function<void(postgres::Connection&)>;

class Startup {
public:
    // `config` and the data of `migrations` must outlive it.
    Startup(const CommonConfig& config, events::Service service, postgres::Migrations migrations,
            Prepare prepare);

    // Begins to wait. `on_failure` receives failures that waiting does not remove: a schema on
    // which this program cannot work, a wrong password, a database error that is not of the
    // infrastructure. It runs on a thread of this object.
    void start(std::function<void(std::exception_ptr)> on_failure);
    void request_stop();
    void stop();  // blocks

    // The service's own database and schema, for every connection of the service.
    postgres::Url url() const;
    // Opens when the schema has everything that this program needs, and is prepared.
    const Gate& database() const { return database_; }
    // Opens when the topics exist that the service consumes or emits its events to. The topics of
    // announcements may still be missing.
    const Gate& topics() const { return topics_; }
    // Whether Kafka reports that one of those topics does not exist. False while Kafka does not
    // answer, because orders are accepted without Kafka.
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
    std::jthread database_thread_;  // last: the threads use everything above
    std::jthread topics_thread_;
};

// Applies the missing migrations to the service's schema, as the owner that --database-url names;
// waits for the database without a time limit. Throws failures that waiting does not remove.
void migrate(const CommonConfig& config, events::Service service, postgres::Migrations migrations);

}  // namespace orderflow::service
