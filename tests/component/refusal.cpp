// Before any component test: no service may run on the stack. The tests send events into the saga's
// topics; payment-service would charge their orders and answer, and every service would put their
// records aside. Topics and groups that earlier runs left disturb nobody.
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>

#include "orderctl/connect.hpp"

namespace orderflow::test {
namespace {

// What runs under the pid that scripts/up wrote down; the kernel keeps 15 bytes of a name.
bool runs(const std::string& program, const std::string& pid) {
    std::ifstream file("/proc/" + pid + "/comm");
    std::string name;
    return std::getline(file, name) && name == program.substr(0, 15);
}

class Refusal final : public Catch::EventListenerBase {
public:
    using EventListenerBase::EventListenerBase;

    void testRunStarting(const Catch::TestRunInfo&) override {
        const char* file = std::getenv("ORDERFLOW_TEST_STACK");
        if (!file) return;  // the tests say so themselves
        for (const auto& [name, pid] : orderctl::read_stack_env(file)) {
            if (!name.ends_with("_PID")) continue;
            std::string program = name.substr(0, name.size() - 4) + "-service";
            for (char& c : program) c = static_cast<char>(std::tolower(c));
            if (!runs(program, pid)) continue;
            std::fprintf(stderr,
                         "component_test: %s (pid %s) runs on the stack of %s and would handle the "
                         "tests' records; take a stack without services: scripts/up --state DIR "
                         "--free-ports --no-build --only postgres,kafka\n",
                         program.c_str(), pid.c_str(), file);
            std::exit(2);
        }
    }
};

CATCH_REGISTER_LISTENER(Refusal)

}  // namespace
}  // namespace orderflow::test
