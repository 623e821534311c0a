#pragma once
// The addresses of the stack: from command line options, the environment, and the stack.env that
// scripts/up writes, in this order. Parsed once in `main`; no other code reads the environment. One
// thread.
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

// Something that the command needs is unavailable: exit code 2.
struct CannotDo : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Endpoints {
public:
    // Adds the options to the command line.
    void describe(CLI::App& app);
    // Call it after parsing: fills empty values from stack.env. `program`: the path of this
    // program.
    void complete(const std::string& program);

    // The URL of a service's audit views. All these functions throw CannotDo for a value that is
    // missing.
    const std::string& auditor(Service service) const;
    // The service's own database with the rights of an operator.
    const std::string& operator_url(Service service) const;
    // Throws std::invalid_argument for a property that cannot be set.
    kafka::Settings kafka() const;
    http::ClientSettings gateway() const;
    const std::string& group(Service service) const;
    std::map<std::string, std::string> groups() const;  // by the service's name
    // The address of its HTTP server; empty if unknown.
    const std::string& service_url(Service service) const { return service_url_[at(service)]; }
    // The address for clients, and the file with the certificates that they trust; empty if
    // unknown.
    const std::string& edge() const { return edge_; }
    const std::string& edge_ca_file() const { return edge_ca_file_; }
    // Number of replicas of the stack's topics; 0: the catalog's.
    int topic_replication() const { return topic_replication_; }
    const Proposals& proposals() const { return proposals_; }

private:
    static void require(const std::string& value, const std::string& flag);
    // Adds the password to every URL that is not empty.
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
    std::vector<const CLI::Option*> carried_;  // proposed commands repeat these
    Proposals proposals_;
};

// Reads NAME="value" lines with the escapes of a shell's double quotes. Throws CannotDo.
std::map<std::string, std::string> read_stack_env(const std::string& file);

}  // namespace orderflow::orderctl
