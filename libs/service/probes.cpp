#include "service/probes.hpp"

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe.hpp>
#include <prometheus/text_serializer.h>

#include "http/problem.hpp"
#include "json/json.hpp"

namespace orderflow::service {

extern const std::string_view kOpenApiYaml;  // api/openapi.yaml

namespace probes {

// The answer of /readyz, as a described struct.
struct Ready {
    std::string status;
    std::vector<std::string> waiting;
};
BOOST_DESCRIBE_STRUCT(Ready, (), (status, waiting))

// The answer of /actuator/health, in the form that monitors of other platforms read.
struct Health {
    std::string status;
    std::optional<std::string> detail;  // of a component that is DOWN
};
BOOST_DESCRIBE_STRUCT(Health, (), (status, detail))
struct HealthComponents {
    Health db, kafka, schema;
};
BOOST_DESCRIBE_STRUCT(HealthComponents, (), (db, kafka, schema))
struct WholeHealth {
    std::string status;
    HealthComponents components;
};
BOOST_DESCRIBE_STRUCT(WholeHealth, (), (status, components))

namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr milliseconds kReadyWithin{900};  // probes give up after a second
constexpr milliseconds kPulse{10'000};     // clients ask every 3 s

// Also true on a standby that has not been promoted.
const postgres::Statement kReadOnly{"read_only",
                                    "SELECT current_setting('transaction_read_only')::boolean"};

constexpr auto kIsReadOnly = [](postgres::Connection& connection) {
    return connection.exec(kReadOnly).boolean(0, 0);
};

// "database: schema orders lacks …. kafka: …. "
std::string waited_for(Startup& startup) {
    std::string text;
    for (const std::string& step : startup.steps().list()) text += step + ". ";
    return text;
}

Health up_if(bool up, const std::string& why_not) {
    return up ? Health{"UP", std::nullopt} : Health{"DOWN", why_not};
}

asio::awaitable<Health> database_health(postgres::Pool& pool, Startup& startup) {
    // Before the schema is ready, no query goes through the pool; Startup has the state.
    if (!startup.database().is_open()) {
        const bool connected = startup.database_usage().connections > 0;
        co_return up_if(connected, "no connection");
    }
    std::string failure;
    try {
        if (co_await pool.run(kIsReadOnly, kReadyWithin)) failure = "it does not accept writes";
    } catch (const std::exception&) {
        failure = "no answer";
    }
    co_return up_if(failure.empty(), failure);
}

}  // namespace

Answer livez(http::Request) {
    http::Response response;
    response.body = R"({"status":"alive"})";
    co_return response;
}

Answer readyz(postgres::Pool& pool, Startup& startup, const bool& stopping, http::Request) {
    if (stopping) co_return http::problem_unavailable("The process is stopping.");
    if (!startup.database().is_open() || startup.topics_missing()) {
        co_return http::problem_unavailable("The service waits for: " + waited_for(startup));
    }
    if (co_await pool.run(kIsReadOnly, kReadyWithin)) {
        co_return http::problem_unavailable("The database does not accept writes.");
    }
    const Ready ready{"ready", startup.steps().list()};
    co_return http::json_response(200, json::to_json(ready));
}

Answer health(postgres::Pool& pool, Startup& startup, http::Request) {
    const std::string waiting = waited_for(startup);
    WholeHealth whole;
    whole.components.db = co_await database_health(pool, startup);
    whole.components.schema = up_if(startup.database().is_open(), waiting);
    whole.components.kafka = startup.topics_missing() ? up_if(false, waiting)
                                                      : up_if(startup.kafka_pulse().alive(kPulse),
                                                              "no answer for 10 s or longer");
    const auto& all = whole.components;
    const bool up = all.db.status == "UP" && all.kafka.status == "UP" && all.schema.status == "UP";
    whole.status = up ? "UP" : "DOWN";
    co_return http::json_response(up ? 200 : 503, json::to_json(whole));
}

Answer metrics(prometheus::Registry& registry, const std::function<void()>& refresh,
               http::Request) {
    refresh();
    http::Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = prometheus::TextSerializer().Serialize(registry.Collect());
    co_return response;
}

Answer openapi(http::Request) {
    http::Response response;
    response.content_type = "application/yaml";
    response.body = kOpenApiYaml;
    co_return response;
}

}  // namespace probes
}  // namespace orderflow::service
