#include "support/stack.hpp"

#include <cstdlib>
#include <fstream>
#include <map>
#include <stdexcept>

namespace orderflow::test {
namespace {

// NAME="value" with the escapes of a shell's double quotes.
std::map<std::string, std::string> read_stack_file() {
    const char* path = std::getenv("ORDERFLOW_TEST_STACK");
    if (!path) throw std::runtime_error("ORDERFLOW_TEST_STACK is not set (see scripts/test)");
    std::ifstream file(path);
    if (!file) throw std::runtime_error(std::string("cannot read ") + path);
    std::map<std::string, std::string> settings;
    for (std::string line; std::getline(file, line);) {
        const auto equals = line.find('=');
        if (line.starts_with('#') || equals == std::string::npos) continue;
        std::string value;
        for (std::size_t i = equals + 1; i < line.size(); ++i) {
            if (line[i] == '"') continue;
            if (line[i] == '\\' && i + 1 < line.size()) ++i;
            value += line[i];
        }
        settings[line.substr(0, equals)] = value;
    }
    return settings;
}

}  // namespace

std::string stack_setting(const std::string& name) {
    static const auto settings = read_stack_file();
    const auto found = settings.find(name);
    if (found == settings.end()) throw std::runtime_error("stack.env does not name " + name);
    return found->second;
}

}  // namespace orderflow::test
