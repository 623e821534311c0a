#pragma once
// Properties of librdkafka that an operator chooses, and those that he cannot, since what orderflow
// promises rests on them. Used by whoever reads a command line; values only, any thread.
#include <map>
#include <string>
#include <string_view>

namespace orderflow::kafka {

// Name → value, as librdkafka's CONFIGURATION.md has them.
using Properties = std::map<std::string, std::string>;

// For every client, and for one kind of them; the latter wins.
struct ClientProperties {
    Properties all;
    Properties producer;
    Properties consumer;
};

// Of "linger.ms=5": empty if it may be set, otherwise why not: no NAME=VALUE, a name or value that
// librdkafka does not know, or one that is refused, with the reason.
std::string refusal_of_property(const std::string& text);

// Adds "linger.ms=5", which refusal_of_property() has let pass.
void add_property(Properties& properties, const std::string& text);

// Whether its value must not stand in a log.
bool is_secret_property(std::string_view name);

// "linger.ms=5", "sasl.password=***".
std::string masked_property(const std::string& text);

}  // namespace orderflow::kafka
