#include "orderctl/preflight.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>

#include "core/time.hpp"
#include "json/json.hpp"
#include "kafka/settings.hpp"
#include "orderctl/access.hpp"
#include "orderctl/kafka_look.hpp"
#include "orderctl/service_calls.hpp"
#include "postgres/connection.hpp"

#include <libpq-fe.h>

namespace orderflow::orderctl {
namespace {

using postgres::Rows;
using postgres::Statement;
using std::chrono::microseconds;

constexpr microseconds kClockDoubtful{500'000};
constexpr microseconds kClockBad{5'000'000};
constexpr std::chrono::milliseconds kPatience{10'000};
constexpr std::chrono::seconds kServicePatience{5};
constexpr const char* kNoCharge = "/v1/charges/00000000-0000-7000-8000-000000000000";

const Statement kClock{"preflight_clock",
                       "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"};
const Statement kMigrations{"preflight_migrations", R"(
    SELECT series, max(number) FROM audit_v1_migrations GROUP BY series ORDER BY series)"};
const Statement kHeld{"preflight_held", R"(
    SELECT held_by, to_char(held_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"')
    FROM relay_checkpoint WHERE lane = 'saga' AND held_at IS NOT NULL)"};
// Limits and sessions of the server that contains the database.
const Statement kConnections{"preflight_connections", R"(
    SELECT pg_postmaster_start_time()::text,
           current_setting('max_connections')::bigint
               - current_setting('superuser_reserved_connections')::bigint
               - coalesce(current_setting('reserved_connections', true), '0')::bigint,
           count(*) FILTER (WHERE usename IN ('orders', 'payments', 'inventory', 'shipping',
                                              'analytics')),
           count(*) FILTER (WHERE usename NOT IN ('orders', 'payments', 'inventory', 'shipping',
                                                  'analytics'))
    FROM pg_stat_activity WHERE datname IS NOT NULL)"};  // what kind it is, is not shown to all

// Returns libpq's parts of a connection string; a part that is not given is empty.
std::map<std::string, std::string> parts_of(const std::string& conninfo) {
    const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
        PQconninfoParse(conninfo.c_str(), nullptr), &PQconninfoFree);
    std::map<std::string, std::string> parts;
    for (const PQconninfoOption* at = options.get(); at && at->keyword; ++at) {
        if (at->val) parts[at->keyword] = at->val;
    }
    return parts;
}

std::string get(const std::string& origin, const std::string& target) {
    http::ClientSettings settings;
    settings.origin = origin;
    return HttpAsker(settings, kServicePatience).get(target, origin).body;
}

class Preflight {
public:
    Preflight(const Endpoints& endpoints, const PreflightWishes& wishes)
        : endpoints_(endpoints), wishes_(wishes) {}

    std::vector<Finding> run() {
        look("Kafka", [&] { look_at_kafka(); });
        for (const Service service : kServices) {
            const std::string name = "database " + std::string(schema_of(service));
            look(name, [&] { look_at_database(service, name); });
        }
        compare_schemas();
        look("gateway", [&] { look_at_gateway(); });
        look("edge", [&] { look_at_edge(); });
        for (const Service service : kServices) {
            const std::string name(events::names_of(service).name);
            look(name, [&] { look_at_service(service, name); });
        }
        compare("versions", versions_, "all programs have the same version");
        compare("environments", environments_, "all programs have the same environment");
        return std::move(findings_);
    }

private:
    template <class Look>
    void look(const std::string& what, Look at_it) {
        try {
            at_it();
        } catch (const std::exception& error) {
            add(Verdict::bad, what, error.what());
        }
    }

    void add(Verdict verdict, const std::string& what, const std::string& text) {
        findings_.push_back({verdict, what, text});
    }

    void look_at_kafka() {
        const kafka::Settings kafka = endpoints_.kafka();
        must_answer(kafka, kPatience);
        for (const TopicStanding& topic : look_at_topics(kafka, wishes_.topics)) {
            if (topic.as_wanted()) continue;
            std::string text = topic.error;
            if (!topic.there && text.empty()) text = "missing";
            for (const auto& [property, wanted, found, mended] : topic.differences) {
                text +=
                    (text.empty() ? "" : ", ") + property + " is " + found + ", wanted " + wanted;
            }
            add(Verdict::bad, "topic " + topic.topic, text + " (orderctl topics apply)");
        }
        if (findings_.empty()) add(Verdict::good, "topics", "as the catalog requires them");
        if (wishes_.access) look_at_rights(kafka);
        look_at_kafka_certificates(kafka);
    }

    void look_at_rights(const kafka::Settings& kafka) {
        const AccessStanding standing = look_at_access(kafka, wanted_rights(endpoints_.groups()));
        if (standing.as_wanted()) return add(Verdict::good, "rights in Kafka", "as published");
        add(Verdict::bad, "rights in Kafka",
            std::to_string(standing.missing.size()) + " missing, " +
                std::to_string(standing.surplus.size()) + " too many, " +
                std::to_string(standing.without_password.size()) +
                " users without a password (orderctl topics show --users DIR)");
    }

    void look_at_kafka_certificates(const kafka::Settings& kafka) {
        const auto& all = kafka.properties.all;
        for (const char* file : {"ssl.ca.location", "ssl.certificate.location"}) {
            if (const auto found = all.find(file); found != all.end()) look_at_file(found->second);
        }
        const auto protocol = all.find("security.protocol");
        const auto is_tls = [](std::string text) {  // ssl, SASL_SSL; not sasl_plaintext
            std::ranges::transform(text, text.begin(),
                                   [](unsigned char c) { return std::tolower(c); });
            return text.ends_with("ssl");
        };
        if (protocol == all.end() || !is_tls(protocol->second)) {
            return add(Verdict::doubtful, "Kafka", "the connection is not encrypted");
        }
        const auto ca = all.find("ssl.ca.location");
        std::string_view brokers = kafka.brokers;
        while (!brokers.empty()) {
            std::string_view broker = brokers.substr(0, brokers.find(','));
            brokers.remove_prefix(std::min(brokers.size(), broker.size() + 1));
            broker.remove_prefix(std::min(broker.size(), broker.find_first_not_of(' ')));
            const Address at = Address::parse(broker, "9092");
            look_at_server("broker " + at.host + ":" + at.port, at, Handshake::plain_tls,
                           ca == all.end() ? "" : ca->second);
        }
    }

    // `ca_file`: the certificates that the client trusts; empty: the system's.
    void look_at_server(const std::string& name, const Address& at, Handshake handshake,
                        const std::string& ca_file) {
        if (!seen_.insert(at.host + ":" + at.port).second) return;
        look(name, [&] {
            findings_.push_back(judge_certificate("certificate of " + name,
                                                  look_at_certificate(at, handshake, ca_file),
                                                  wishes_.certificate_days));
        });
    }

    void look_at_file(const std::string& file) {
        if (!seen_.insert(file).second) return;
        const auto days = days_left_in(file);
        if (!days) return add(Verdict::bad, "certificate " + file, "cannot be read");
        findings_.push_back(judge_days("certificate " + file, *days, wishes_.certificate_days));
    }

    void look_at_database(Service service, const std::string& name) {
        const postgres::Url url(endpoints_.auditor(service), schema_of(service));
        postgres::Connection connection(url);
        const auto before = system_now();
        const std::int64_t theirs = connection.exec(kClock).int64(0, 0);
        const auto took = std::chrono::duration_cast<microseconds>(system_now() - before);
        const std::int64_t mine = (before + took / 2).time_since_epoch().count();
        look_at_server_of(connection, name, theirs - mine, took.count());

        const Rows migrations = connection.exec(kMigrations);
        std::string text = "schema";
        for (int i = 0; i < migrations.size(); ++i) {
            text += " " + std::string(migrations.text(i, 0)) + " " +
                    std::to_string(migrations.int32(i, 1));
            if (migrations.text(i, 0) == "common") {
                common_[std::to_string(migrations.int32(i, 1))].push_back(
                    std::string(schema_of(service)));
            }
        }
        postgres::Connection operators(
            postgres::Url(endpoints_.operator_url(service), schema_of(service)));
        const Rows held = operators.exec(kHeld);
        if (held.size() == 1) {
            add(Verdict::bad, "relay of " + std::string(short_name(service)),
                "is held by " + std::string(held.text(0, 0)) + " since " +
                    std::string(held.text(0, 1)) + " (orderctl topics release)");
        }
        add(Verdict::good, name, text + "; auditor and operator can connect");
        look_at_database_certificates(url.conninfo, name);
    }

    // Clock and connections belong to the server, which several databases may share.
    void look_at_server_of(postgres::Connection& connection, const std::string& name,
                           std::int64_t ahead_us, std::int64_t took_us) {
        const Rows rows = connection.exec(kConnections);
        if (!seen_.insert(std::string(rows.text(0, 0))).second) return;
        findings_.push_back(judge_clock("clock of " + name, ahead_us, took_us));
        findings_.push_back(
            judge_connections(rows.int64(0, 1), rows.int64(0, 2), rows.int64(0, 3)));
    }

    void look_at_database_certificates(const std::string& conninfo, const std::string& name) {
        auto parts = parts_of(conninfo);
        const auto part = [&](const char* key) { return parts[key]; };
        if (part("host").empty() || part("host").starts_with('/')) return;  // a socket
        if (part("sslmode") != "verify-full") {
            return add(Verdict::doubtful, name, "sslmode is not verify-full");
        }
        if (!part("sslrootcert").empty()) look_at_file(part("sslrootcert"));
        const Address at{true, part("host"), part("port").empty() ? "5432" : part("port")};
        look_at_server("PostgreSQL", at, Handshake::postgres, part("sslrootcert"));
    }

    void compare_schemas() {
        if (common_.size() < 2) return;
        std::string text = "the common series differs:";
        for (const auto& [number, schemas] : common_) {
            text += " " + number + " in";
            for (const std::string& schema : schemas) text += " " + schema;
        }
        add(Verdict::bad, "schemas", text + " (each service's --migrate)");
    }

    void look_at_gateway() {
        const http::ClientSettings gateway = endpoints_.gateway();
        if (!gateway.ca_file.empty()) look_at_file(gateway.ca_file);
        const Address at = Address::parse(gateway.origin);
        if (at.tls) {
            look_at_server("the gateway", at, Handshake::plain_tls, gateway.ca_file);
        } else {
            add(Verdict::doubtful, "gateway", "the connection is not encrypted: " + gateway.origin);
        }
        look("gateway's answer", [&] {
            HttpAsker asker(gateway, kServicePatience);
            findings_.push_back(judge_gateway(asker.get(kNoCharge, gateway.origin).status));
        });
    }

    void look_at_edge() {
        const Address at = Address::parse(endpoints_.edge());
        if (at.tls) look_at_server("the edge", at, Handshake::plain_tls, endpoints_.edge_ca_file());
    }

    void look_at_service(Service service, const std::string& name) {
        const std::string& url = endpoints_.service_url(service);
        if (url.empty()) {
            return add(Verdict::doubtful, name, "not checked: its address is not given");
        }
        const std::string metrics = get(url, "/metrics");
        const std::string version = label_in(metrics, "orderflow_build_info", "version");
        const std::string environment = label_in(metrics, "orderflow_build_info", "environment");
        const std::string level = label_in(metrics, "orderflow_build_info", "log_level");
        versions_[version].push_back(name);
        environments_[environment].push_back(name);
        const std::string health = get(url, "/actuator/health");
        const bool up = health.starts_with(R"({"status":"UP")");
        add(up ? Verdict::good : Verdict::bad, name,
            "version " + version + ", " + environment + (up ? ", UP" : ": " + health));
        if (level == "debug" || level == "trace") {
            add(Verdict::doubtful, name, "logs at level " + level);
        }
    }

    // `said`: value → the names of those that reported it.
    void compare(const std::string& what,
                 const std::map<std::string, std::vector<std::string>>& said,
                 const std::string& alike) {
        if (said.empty()) return;
        if (said.size() == 1) return add(Verdict::good, what, alike);
        std::string text;
        for (const auto& [value, names] : said) {
            text += (text.empty() ? "" : "; ") + value + ":";
            for (const std::string& name : names) text += " " + name;
        }
        add(Verdict::doubtful, what, text);
    }

    const Endpoints& endpoints_;
    const PreflightWishes& wishes_;
    std::vector<Finding> findings_;
    std::set<std::string> seen_;  // servers and files
    std::map<std::string, std::vector<std::string>> common_, versions_, environments_;
};

}  // namespace

std::vector<Finding> preflight(const Endpoints& endpoints, const PreflightWishes& wishes) {
    return Preflight(endpoints, wishes).run();
}

Finding judge_clock(const std::string& whose, std::int64_t ahead_us, std::int64_t asked_for_us) {
    const microseconds off{std::max<std::int64_t>(std::llabs(ahead_us) - asked_for_us / 2, 0)};
    const Verdict verdict = off >= kClockBad        ? Verdict::bad
                            : off >= kClockDoubtful ? Verdict::doubtful
                                                    : Verdict::good;
    return {verdict, whose,
            verdict == Verdict::good
                ? "agrees with this machine's clock"
                : std::to_string(off.count() / 1'000) + " ms " +
                      (ahead_us > 0 ? "ahead of" : "behind") + " this machine's clock"};
}

// During an upgrade, each service may run twice.
Finding judge_connections(std::int64_t limit, std::int64_t ours, std::int64_t others) {
    const std::string text = std::to_string(ours) + " of the services, " + std::to_string(others) +
                             " of others, of " + std::to_string(limit);
    if (2 * ours + others <= limit) return {Verdict::good, "connections", text};
    return {ours + others >= limit ? Verdict::bad : Verdict::doubtful, "connections",
            text + ": an upgrade, in which each service runs twice, needs " +
                std::to_string(2 * ours + others)};
}

Finding judge_days(const std::string& whose, int days, int at_least) {
    if (days < 0) return {Verdict::bad, whose, "has expired"};
    return {days < at_least ? Verdict::doubtful : Verdict::good, whose,
            std::to_string(days) + " days left"};
}

Finding judge_certificate(const std::string& whose, const ShownCertificate& shown, int at_least) {
    Finding days = judge_days(whose, shown.days_left, at_least);
    if (days.verdict == Verdict::bad || shown.refusal.empty()) return days;
    return {Verdict::bad, whose, "is not trusted: " + shown.refusal};
}

Finding judge_gateway(int status) {
    if (status == 200 || status == 404) return {Verdict::good, "gateway's answer", "as wanted"};
    return {Verdict::bad, "gateway's answer",
            "is " + std::to_string(status) +
                (status == 401 || status == 403 ? ": it refuses the credentials" : "")};
}

std::string label_in(const std::string& metrics, const std::string& metric,
                     const std::string& label) {
    const auto line = metrics.find("\n" + metric + "{");
    if (line == metrics.npos) return {};
    const std::string_view rest =
        std::string_view(metrics).substr(line, metrics.find('}', line) - line);
    const std::string key = label + "=\"";
    const auto at = rest.find(key);
    if (at == rest.npos) return {};
    const auto begin = at + key.size();
    return std::string(rest.substr(begin, rest.find('"', begin) - begin));
}

}  // namespace orderflow::orderctl
