#pragma once
// How clients reach the brokers, and how consumers fetch. Values; any thread.
#include <chrono>
#include <string>

#include "kafka/properties.hpp"

namespace orderflow::kafka {

struct Settings {
    std::string brokers;  // host:port,host:port
    std::string client_id;
    std::string group_id;  // consumers only
    ClientProperties properties = {};
};

// How long, and for how many bytes, a fetch waits at the broker. By default the broker answers at
// the first byte.
struct FetchSettings {
    int min_bytes = 1;
    std::chrono::milliseconds max_wait{500};
};

}  // namespace orderflow::kafka
