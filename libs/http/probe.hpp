#pragma once
// `PROGRAM --probe URL`: a health check for containers that have neither a shell nor curl. Used by
// the services, the sandbox and tools/probe at the start of main. Blocks.
#include <optional>
#include <string>

namespace orderflow::http {

// Returns the exit code of a health check: 0 if a GET of http://host:port/path gets an answer 2xx
// within 2 s. Otherwise 1, and the reason is written to standard error.
int probe(const std::string& url);

// The same for a command line `PROGRAM --probe URL`; nullopt for any other command line.
std::optional<int> probe_of(int argc, char** argv);

}  // namespace orderflow::http
