#include "orderctl/connect.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/secret_file.hpp"
#include "kafka/properties.hpp"
#include "postgres/connection.hpp"

namespace orderflow::orderctl {
namespace {

constexpr const char* kDefaultStackEnv = ".stack/stack.env";
constexpr const char* kConnection = "Connection (default: the stack in .stack)";

std::string upper(std::string_view text) {
    std::string name(text);
    std::ranges::transform(name, name.begin(), [](char c) {
        return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    });
    return name;
}
// For the order service: AUDITOR_ORDERS_DATABASE_URL, ORDER_GROUP.
std::string auditor_env(Service service) {
    return "AUDITOR_" + upper(schema_of(service)) + "_DATABASE_URL";
}
std::string operator_env(Service service) {
    return "OPERATOR_" + upper(schema_of(service)) + "_DATABASE_URL";
}
std::string service_url_env(Service service) { return upper(short_name(service)) + "_URL"; }
std::string group_env(Service service) { return upper(short_name(service)) + "_GROUP"; }

}  // namespace

void Endpoints::describe(CLI::App& app) {
    const auto add = [&](const std::string& flag, std::string& value, const std::string& env,
                         const std::string& help) {
        return app.add_option(flag, value, help)->envname(env)->group(kConnection);
    };
    add("--stack-env", stack_env_, "ORDERFLOW_STACK_ENV",
        "file that scripts/up wrote, with all addresses");
    for (const Service service : kServices) {
        const std::string schema(schema_of(service));
        add("--" + schema + "-url", auditor_[at(service)], auditor_env(service),
            "libpq URL of database " + schema + ", role auditor");
    }
    for (const Service service : kServices) {
        const std::string schema(schema_of(service));
        add("--" + schema + "-operator-url", operator_[at(service)], operator_env(service),
            "the same, role operator (republish, records, settle)");
    }
    add("--auditor-password-file", auditor_password_file_, "AUDITOR_PASSWORD_FILE",
        "file whose first line is the auditor's password, for all these URLs");
    add("--operator-password-file", operator_password_file_, "OPERATOR_PASSWORD_FILE",
        "the same for the operator");
    // Proposed commands do not repeat the URLs of databases and the proxy, because these may
    // contain passwords.
    carried_ = {
        add("--brokers", brokers_, "KAFKA_BROKERS", "Kafka bootstrap servers, host:port,…"),
        add("--gateway-url", gateway_.origin, "GATEWAY_URL",
            "the payment gateway, http:// or https://host:port"),
        add("--gateway-ca-file", gateway_.ca_file, "GATEWAY_CA_FILE",
            "PEM file with the only CA certificates to trust for the gateway (default: the "
            "system's)"),
        add("--gateway-credentials-file", gateway_.credentials_file, "GATEWAY_CREDENTIALS_FILE",
            "file whose first line is sent to the gateway as Authorization: Bearer …"),
        add("--edge-url", edge_, "EDGE_URL",
            "URL of the edge, used in proposed commands; preflight checks its certificate"),
        add("--edge-ca-file", edge_ca_file_, "EDGE_CA_FILE",
            "PEM file with the CA certificates that the edge's clients trust (default: the "
            "system's)")};
    add("--gateway-proxy", gateway_.proxy, "GATEWAY_PROXY",
        "proxy to the gateway, http://[user:password@]host:port (HTTPS_PROXY is ignored)");
    app.add_option(
           "--kafka", kafka_,
           "NAME=VALUE, a librdkafka property; repeatable; in the environment separated by ;")
        ->envname("KAFKA_SETTINGS")
        ->delimiter(';')
        ->group(kConnection)
        ->check(&kafka::refusal_of_property, "NAME=VALUE", "property");
    for (const Service service : kServices) {
        const std::string name(short_name(service));
        add("--" + name + "-service-url", service_url_[at(service)], service_url_env(service),
            "HTTP address of " + name + "-service (preflight)");
    }
    add("--kafka-password-file", kafka_password_file_, "KAFKA_PASSWORD_FILE",
        "file whose first line is sasl.password");
    for (const Service service : kServices) {
        group_[at(service)] = events::names_of(service).name;
        const std::string name(short_name(service));
        carried_.push_back(app.add_option("--" + name + "-group", group_[at(service)],
                                          "consumer group of " + name + "-service")
                               ->group(kConnection)
                               ->capture_default_str());
    }
}

void Endpoints::complete(const std::string& program) {
    if (stack_env_.empty() && std::filesystem::exists(kDefaultStackEnv)) {
        stack_env_ = kDefaultStackEnv;
    }
    std::map<std::string, std::string> settings;
    if (!stack_env_.empty()) settings = read_stack_env(stack_env_);
    const auto fill = [&](std::string& value, const std::string& name) {
        const auto found = settings.find(name);
        if (value.empty() && found != settings.end()) value = found->second;
    };
    for (const Service service : kServices) {
        fill(auditor_[at(service)], auditor_env(service));
        fill(operator_[at(service)], operator_env(service));
        fill(service_url_[at(service)], service_url_env(service));
    }
    add_password(auditor_, auditor_password_file_);
    add_password(operator_, operator_password_file_);
    for (const Service service : kServices) {
        const auto found = settings.find(group_env(service));
        const std::string usual(events::names_of(service).name);
        if (group_[at(service)] == usual && found != settings.end()) {
            group_[at(service)] = found->second;
        }
    }
    fill(brokers_, "KAFKA_BROKERS");
    fill(gateway_.origin, "GATEWAY_URL");
    fill(gateway_.ca_file, "GATEWAY_CA_FILE");
    fill(gateway_.credentials_file, "GATEWAY_CREDENTIALS_FILE");
    fill(gateway_.proxy, "GATEWAY_PROXY");
    fill(edge_, "EDGE_URL");
    fill(edge_ca_file_, "EDGE_CA_FILE");
    fill(kafka_password_file_, "KAFKA_PASSWORD_FILE");
    std::string kafka;
    fill(kafka, "KAFKA_SETTINGS");
    if (kafka_.empty() && !kafka.empty()) kafka_ = CLI::detail::split(kafka, ';');
    std::string replication;
    fill(replication, "TOPIC_REPLICATION");
    if (!replication.empty()) topic_replication_ = std::stoi(replication);
    make_proposals(program, settings);
}

void Endpoints::make_proposals(const std::string& program,
                               const std::map<std::string, std::string>& settings) {
    const auto setting = [&](const char* name) {
        const auto found = settings.find(name);
        return found == settings.end() ? std::string() : found->second;
    };
    proposals_.orderctl = shell_word(program);
    if (!stack_env_.empty() && stack_env_ != kDefaultStackEnv) {
        proposals_.orderctl += " --stack-env " + shell_word(stack_env_);
    }
    for (const CLI::Option* option : carried_) {
        if (option->count() == 0) continue;  // set neither by a flag nor by the environment
        proposals_.orderctl += " " + option->get_name() + " " + shell_word(option->results()[0]);
    }
    if (!edge_.empty()) proposals_.edge = shell_word(edge_);
    if (!edge_ca_file_.empty()) proposals_.curl += " --cacert " + shell_word(edge_ca_file_);
    if (!brokers_.empty()) {
        proposals_.transactions =
            "kafka-transactions.sh --bootstrap-server " + shell_word(brokers_);
    }

    // Settings of scripts/up, for a stack that was started with other than the default ones.
    const std::filesystem::path scripts = setting("STACK_SCRIPTS");
    if (scripts.empty()) return;
    const std::filesystem::path root = scripts.parent_path();
    std::error_code unknown;
    const bool here = std::filesystem::equivalent(root, ".", unknown);
    const auto script = [&](const std::string& name) {
        std::string text = here ? "scripts/" + name : shell_word((scripts / name).string());
        if (setting("STACK_STATE") != root / ".stack") {
            text += " --state " + shell_word(setting("STACK_STATE"));
        }
        return text;
    };
    proposals_.up = script("up");
    if (setting("KAFKA_BROKERS") == brokers_) {
        proposals_.transactions = script("kafka") + " kafka-transactions";
    }
    const std::filesystem::path programs = setting("STACK_BIN");
    if (programs != root / "build/release/bin") {
        proposals_.up += " --no-build --build-dir " + shell_word(programs.parent_path().string());
    }
}

void Endpoints::require(const std::string& value, const std::string& flag) {
    if (value.empty()) throw CannotDo("missing " + flag + " (or --stack-env FILE)");
}

void Endpoints::add_password(std::array<std::string, 5>& urls, const std::string& file) {
    if (file.empty()) return;
    const std::string password = secret_in(file);
    for (std::string& url : urls) {
        if (!url.empty()) url = postgres::with_password(url, password);
    }
}

const std::string& Endpoints::auditor(Service service) const {
    const std::string& url = auditor_[at(service)];
    require(url, "--" + std::string(schema_of(service)) + "-url");
    return url;
}

const std::string& Endpoints::operator_url(Service service) const {
    const std::string& url = operator_[at(service)];
    require(url, "--" + std::string(schema_of(service)) + "-operator-url");
    return url;
}

kafka::Settings Endpoints::kafka() const {
    require(brokers_, "--brokers");
    kafka::Settings settings{brokers_, "orderctl", ""};
    for (const std::string& text : kafka_) {
        kafka::add_property(settings.properties.all, text);
    }
    if (!kafka_password_file_.empty()) {
        settings.properties.all["sasl.password"] = secret_in(kafka_password_file_);
    }
    return settings;
}

http::ClientSettings Endpoints::gateway() const {
    require(gateway_.origin, "--gateway-url");
    return gateway_;
}

const std::string& Endpoints::group(Service service) const { return group_[at(service)]; }

std::map<std::string, std::string> Endpoints::groups() const {
    std::map<std::string, std::string> groups;
    for (const Service service : kServices) {
        groups[std::string(events::names_of(service).name)] = group(service);
    }
    return groups;
}

std::map<std::string, std::string> read_stack_env(const std::string& file) {
    std::ifstream in(file);
    if (!in) throw CannotDo("cannot read " + file);
    std::map<std::string, std::string> settings;
    for (std::string line; std::getline(in, line);) {
        const auto equals = line.find('=');
        if (line.starts_with('#') || equals == std::string::npos) continue;
        std::string value;
        for (std::size_t i = equals + 1; i < line.size(); ++i) {
            if (line[i] == '"') continue;
            if (line[i] == '\\' && i + 1 < line.size()) ++i;
            value += line[i];
        }
        settings[line.substr(0, equals)] = value;
    }
    if (in.bad()) throw CannotDo("cannot read " + file);  // a directory can be opened, but not read
    return settings;
}

}  // namespace orderflow::orderctl
