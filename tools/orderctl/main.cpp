// orderctl: shows an operator the state of orderflow on the command line, and makes the changes
// that the operator decides.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <sstream>

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "core/line_writer.hpp"
#include "core/parse_options.hpp"
#include "orderctl/commands.hpp"
#include "orderctl/terminal.hpp"
#include "postgres/connection.hpp"

namespace {

using orderflow::orderctl::Context;

constexpr const char* kFooter = R"(
Examples, from looking to repairing:
  orderctl stuck                          which orders wait, for whom, why, and what to do
  orderctl lag                            how far the services and relays are
  orderctl order ID                       one order's steps and all its events
  orderctl check --quiesce 30             is anything lost, doubled or inconsistent
  orderctl rebuild --verify               do the tables match the ledgers
  orderctl records list                   what the services could not handle
  orderctl records retry 12 --service payment --reason 'mended'
  orderctl republish --order ID           send an order's events again
  orderctl payment settle ID --as refunded    settle in place of the gateway
  orderctl topics show                    do the topics match the catalog
  orderctl preflight                      is everything ready for load
  orderctl products load FILE             products for a new shop
orderctl COMMAND --help has its options and more examples; docs/orderctl.md explains them all.

Exit code: 0 clean or done; 1 something is wrong (check, rebuild: with the data; stuck: an order
waits; lag: more than --max-lag); 2 the command failed, or an option is wrong.
All commands read with the role auditor. Only republish, payment settle, records retry|discard,
products load and topics apply|hold|grow|release write, and they print what they wrote.)";

// The list of commands shows only the first clause of each description.
class ShortFormatter : public CLI::Formatter {
public:
    std::string make_subcommand(const CLI::App* command) const override {
        std::string text = command->get_description();
        const auto end = std::min(text.find(". "), text.find("; "));
        if (end != std::string::npos) text = text.substr(0, end) + ".";
        return "  " + command->get_name() +
               std::string(12 - std::min<std::size_t>(11, command->get_name().size()), ' ') + text +
               "\n";
    }
};

// Prints what is wrong, which commands exist, and where to read more.
int refuse(const CLI::App& app, const CLI::ParseError& error) {
    std::string command = "orderctl";
    const CLI::App* at = &app;
    for (; !at->get_subcommands().empty(); command += " " + at->get_name()) {
        at = at->get_subcommands().front();
    }
    std::string names;
    for (const CLI::App* each : at->get_subcommands({})) {
        if (!each->get_name().empty()) names += " " + each->get_name();  // not a group of options
    }
    const auto rest = app.remaining(true);  // options unknown to a command are passed up to it
    std::string what = error.what();
    const bool odd_option = !rest.empty() && rest.front().starts_with('-');
    if (odd_option || (!names.empty() && !rest.empty())) {
        what = (odd_option ? "unknown option '" : "unknown command '") + rest.front() + "'";
        if (!names.empty()) what += ". The commands are:" + names;
    } else if (!names.empty()) {
        what = "a command is missing. The commands are:" + names;
    }
    std::fprintf(stderr, "%s: %s\nSee: %s --help\n", command.c_str(),
                 orderflow::orderctl::shown(what).c_str(), command.c_str());
    return orderflow::orderctl::kCannotDo;
}

void add_commands(CLI::App& app, Context& context) {
    add_stuck(app, context);
    add_lag(app, context);
    add_order(app, context);
    add_check(app, context);
    add_rebuild(app, context);
    add_records(app, context);
    add_republish(app, context);
    add_payment(app, context);
    add_topics(app, context);
    add_preflight(app, context);
    add_products(app, context);
}

int run(int argc, char** argv) {
    CLI::App app("The operator's command line of orderflow.", "orderctl");
    app.formatter(std::make_shared<ShortFormatter>());
    app.footer(kFooter);
    app.require_subcommand(1);
    Context context;
    app.add_flag("--json", context.json, "one JSON document instead of text");
    context.endpoints.describe(app);
    add_commands(app, context);
    try {
        orderflow::parse_options(app, argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() != 0) return refuse(app, error);
        std::ostringstream help;
        app.exit(error, help);
        orderflow::orderctl::say(help.str().c_str());  // our own text
        return orderflow::orderctl::kClean;
    }
    context.endpoints.complete(argv[0]);
    return context.run();
}

}  // namespace

int main(int argc, char** argv) {
    using namespace orderflow::orderctl;
    orderflow::keep_standard_streams();
    spdlog::set_default_logger(spdlog::stderr_logger_mt("orderctl"));
    spdlog::set_level(spdlog::level::err);
    orderflow::postgres::ignore_environment();
    try {
        const int code = run(argc, argv);
        flush_output();
        return code;
    } catch (const OutputError& error) {
        if (!error.closed) std::fprintf(stderr, "orderctl: %s\n", error.what());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "orderctl: %s\n", shown(error.what()).c_str());
    }
    return kCannotDo;
}
