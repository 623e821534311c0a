#pragma once
// Properties of librdkafka that an operator may set, and those that an operator may not set,
// because orderflow's promise depends on them. Used where a command line is parsed; values only,
// any thread.
#include <map>
#include <string>
#include <string_view>

namespace orderflow::kafka {

// Name → value, as librdkafka's CONFIGURATION.md has them.
using Properties = std::map<std::string, std::string>;

// Properties of all clients, and of one kind of them. The properties of a kind win.
struct ClientProperties {
    Properties all;
    Properties producer;
    Properties consumer;
};

// Checks a text like "linger.ms=5". Empty: it may be set. Otherwise the reason: it is not
// NAME=VALUE, librdkafka does not know the name or the value, or the property must not be set.
std::string refusal_of_property(const std::string& text);

// Adds "linger.ms=5", which refusal_of_property() has accepted.
void add_property(Properties& properties, const std::string& text);

// Returns whether the property's value must not appear in a log.
bool is_secret_property(std::string_view name);

// "linger.ms=5", "sasl.password=***".
std::string masked_property(const std::string& text);

}  // namespace orderflow::kafka
