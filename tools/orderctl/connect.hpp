#pragma once
// Where the stack is: command line options, environment, and the stack.env that scripts/up writes,
// in this order. Parsed once in `main`; nothing else reads the environment.
#include <array>
#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "http/client.hpp"
#include "kafka/settings.hpp"
#include "orderctl/facts.hpp"
#include "orderctl/proposals.hpp"

namespace orderflow::orderctl {

// Something that the command needs cannot be had: exit code 2.
struct CannotDo : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Endpoints {
public:
    // Adds the options to the command line.
    void describe(CLI::App& app);
    // After parsing: fills what is still empty from stack.env. `program`: how it was called.
    void complete(const std::string& program);

    // The audit views of a service. All of these throw CannotDo for what was not given.
    const std::string& auditor(Service service) const;
    // The service's own database with the rights of an operator.
    const std::string& operator_url(Service service) const;
    // Throws std::invalid_argument for a property that cannot be set.
    kafka::Settings kafka() const;
    http::ClientSettings gateway() const;
    const std::string& group(Service service) const;
    std::map<std::string, std::string> groups() const;  // by the service's name
    // Where its process answers HTTP; empty if nobody says.
    const std::string& service_url(Service service) const { return service_url_[at(service)]; }
    // Where clients go, and whose certificates they believe; empty: nobody says.
    const std::string& edge() const { return edge_; }
    const std::string& edge_ca_file() const { return edge_ca_file_; }
    // Replicas that the stack's topics have; 0: as the catalog says.
    int topic_replication() const { return topic_replication_; }
    const Proposals& proposals() const { return proposals_; }

private:
    static const std::string& need(const std::string& value, const std::string& flag);
    // To every URL that there is.
    static void add_password(std::array<std::string, 5>& urls, const std::string& file);
    static std::size_t at(Service service) { return static_cast<std::size_t>(service); }
    void make_proposals(const std::string& program,
                        const std::map<std::string, std::string>& settings);

    std::string stack_env_;
    std::array<std::string, 5> auditor_;
    std::array<std::string, 5> operator_;
    std::string auditor_password_file_;
    std::string operator_password_file_;
    std::array<std::string, 5> group_;
    std::array<std::string, 5> service_url_;
    std::string brokers_;
    std::vector<std::string> kafka_;  // NAME=VALUE
    std::string kafka_password_file_;
    http::ClientSettings gateway_;
    int topic_replication_ = 0;
    std::string edge_;
    std::string edge_ca_file_;
    std::vector<const CLI::Option*> carried_;  // to be repeated by what is proposed
    Proposals proposals_;
};

// NAME="value" lines with the escapes of a shell's double quotes. Throws CannotDo.
std::map<std::string, std::string> read_stack_env(const std::string& file);

}  // namespace orderflow::orderctl
