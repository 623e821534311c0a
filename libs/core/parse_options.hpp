#pragma once
// Reads a program's options from its arguments and its environment, with the same result in every
// version of CLI11. Used by each program at its start, on the main thread.
//
// CLI11 2.4 (Debian 13) checks the whole text of a variable before it splits a list. If it does not
// accept the text, it ignores the variable without an error, and a service would run on with the
// default.
#include <cstdlib>

#include <CLI/CLI.hpp>

namespace orderflow {

inline void take_environment(CLI::App& app) {
    for (CLI::Option* option : app.get_options()) {
        if (option->count() > 0 || option->get_envname().empty()) continue;
        const char* text = std::getenv(option->get_envname().c_str());
        if (!text || !*text) continue;
        option->add_result(text);
        option->run_callback();
    }
    for (CLI::App* command : app.get_subcommands()) take_environment(*command);
}

// Throws CLI::ParseError, as App::parse() does.
inline void parse_options(CLI::App& app, int argc, char** argv) {
    app.parse(argc, argv);
    take_environment(app);
}

}  // namespace orderflow
