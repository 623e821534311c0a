#include "support/stack.hpp"

#include <cstdlib>
#include <map>
#include <stdexcept>

#include "orderctl/connect.hpp"

namespace orderflow::test {
namespace {

std::map<std::string, std::string> read_stack_file() {
    const char* path = std::getenv("ORDERFLOW_TEST_STACK");
    if (!path) throw std::runtime_error("ORDERFLOW_TEST_STACK is not set (see scripts/test)");
    return orderctl::read_stack_env(path);
}

}  // namespace

std::string stack_setting(const std::string& name) {
    static const auto settings = read_stack_file();
    const auto found = settings.find(name);
    if (found == settings.end()) throw std::runtime_error("stack.env does not name " + name);
    return found->second;
}

}  // namespace orderflow::test
