#pragma once
// The command line of bench-load. main parses it once, before any load runs.

#include "bench/load_mix.hpp"

#include <cstdint>
#include <string>

namespace orderflow::bench {

struct LoadOptions {
    std::string host = "127.0.0.1";
    std::string port = "3000";
    double rate_per_s = 0;  // open loop when > 0
    int closed = 0;         // closed loop with this many connections when > 0
    int duration_s = 30;
    int warmup_s = 0;
    int connections = 1024;
    bool poisson = false;
    int products = 1000;
    double zipf = 1.0;
    int customers = 10000;
    int lines = 1;
    Mix mix = Mix::Clean;
    bool keys = false;  // each order has its own Idempotency-Key
    std::uint64_t seed = 1;
    int timeout_ms = 10000;
    std::string catalogue;  // file; empty = read it from the target
    std::string out;        // CSV file; empty = none
};

// Exits with 0 after --help; throws std::invalid_argument for an unknown flag or a bad value.
LoadOptions parse_load_options(int argc, char** argv);

}  // namespace orderflow::bench
