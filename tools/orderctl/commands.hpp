#pragma once
// The subcommands. To add one, write a function `add_<name>` in its own file, declare it here and
// call it in main.cpp. It adds its options to a subcommand and sets `context.run` in its callback.
// All run on the main thread.
#include <functional>

#include <CLI/CLI.hpp>

#include "orderctl/connect.hpp"

namespace orderflow::orderctl {

enum ExitCode : int { kClean = 0, kViolated = 1, kCannotDo = 2 };

// The input of every command.
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
void add_growth(CLI::App& topics, Context& context);  // belongs to the subcommand topics

}  // namespace orderflow::orderctl
