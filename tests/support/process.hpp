#pragma once
// A service's program as a test runs it: a real process that can be killed at any instant.
#include <string>
#include <vector>

#include <sys/types.h>

namespace orderflow::test {

class ServiceProcess {
public:
    // Starts STACK_BIN/<name> on a free port and waits until /readyz says that it can serve; its
    // log goes to the stack's log directory. Throws std::runtime_error when it ends instead.
    ServiceProcess(const std::string& name, const std::vector<std::string>& arguments);
    ~ServiceProcess();  // kill -9
    ServiceProcess(const ServiceProcess&) = delete;
    ServiceProcess& operator=(const ServiceProcess&) = delete;

    int port() const { return port_; }

    // SIGKILL, and waits until the process is gone.
    void kill();
    // SIGTERM; the exit code.
    int stop();

private:
    int wait();
    bool has_ended();
    bool is_ready() const;

    pid_t pid_ = -1;
    int port_ = 0;
    int code_ = 127;  // once it has ended
};

}  // namespace orderflow::test
