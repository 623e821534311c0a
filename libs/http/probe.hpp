#pragma once
// `PROGRAM --probe URL`: a health check where there is neither a shell nor curl. Blocks.
#include <optional>
#include <string>

namespace orderflow::http {

// The exit code of a health check: 0 if a GET of http://host:port/path is answered with 2xx within
// 2 s; otherwise 1, and why on standard error.
int probe(const std::string& url);

// The same for a command line `PROGRAM --probe URL`; empty: it is another one.
std::optional<int> probe_of(int argc, char** argv);

}  // namespace orderflow::http
