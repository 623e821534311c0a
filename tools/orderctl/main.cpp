// orderctl: what an operator asks of orderflow and does to it from the command line.
#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "orderctl/commands.hpp"

namespace {

constexpr const char* kFooter = R"(
Exit code: 0 clean, 1 something is wrong with the data, 2 could not do it.
Everything is read with the role auditor; only republish and payment settle write.)";

}  // namespace

int main(int argc, char** argv) {
    using namespace orderflow::orderctl;
    spdlog::set_default_logger(spdlog::stderr_logger_mt("orderctl"));
    spdlog::set_level(spdlog::level::err);

    CLI::App app("The operator's command line of orderflow.", "orderctl");
    app.footer(kFooter);
    app.require_subcommand(1);
    Context context;
    app.add_flag("--json", context.json, "one JSON document instead of text");
    context.endpoints.describe(app);
    add_stuck(app, context);
    add_lag(app, context);
    add_order(app, context);
    add_check(app, context);
    add_rebuild(app, context);
    add_republish(app, context);
    add_payment(app, context);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kClean : kCannotDo;
    }
    try {
        context.endpoints.complete();
        return context.run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "orderctl: %s\n", error.what());
        return kCannotDo;
    }
}
