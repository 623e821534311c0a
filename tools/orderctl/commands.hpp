#pragma once
// The subcommands. To add one: a function `add_<name>` in its own file, declared here and called in
// main.cpp; it puts its options on a subcommand and sets `context.run` in its callback.
#include <functional>

#include <CLI/CLI.hpp>

#include "orderctl/connect.hpp"

namespace orderflow::orderctl {

enum ExitCode : int { kClean = 0, kViolated = 1, kCannotDo = 2 };

// What every command gets.
struct Context {
    Endpoints endpoints;
    bool json = false;
    std::function<int()> run;  // the chosen command; returns the exit code
};

void add_check(CLI::App& app, Context& context);
void add_order(CLI::App& app, Context& context);
void add_rebuild(CLI::App& app, Context& context);
void add_republish(CLI::App& app, Context& context);
void add_stuck(CLI::App& app, Context& context);
void add_lag(CLI::App& app, Context& context);
void add_records(CLI::App& app, Context& context);
void add_payment(CLI::App& app, Context& context);
void add_preflight(CLI::App& app, Context& context);
void add_products(CLI::App& app, Context& context);
void add_topics(CLI::App& app, Context& context);
void add_growth(CLI::App& topics, Context& context);  // of the subcommand topics

}  // namespace orderflow::orderctl
