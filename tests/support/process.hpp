#pragma once
// A service's program that a test starts: a real process that can be killed at any instant. One
// thread.
#include <string>
#include <vector>

#include <sys/types.h>

namespace orderflow::test {

class ServiceProcess {
public:
    // Starts STACK_BIN/<name> on a free port and waits until /readyz answers that it is ready. The
    // program's log goes to the stack's log directory. Throws std::runtime_error if the program
    // ends instead.
    ServiceProcess(const std::string& name, const std::vector<std::string>& arguments);
    ~ServiceProcess();  // kill -9
    ServiceProcess(const ServiceProcess&) = delete;
    ServiceProcess& operator=(const ServiceProcess&) = delete;

    int port() const { return port_; }

    // Sends SIGKILL, and waits until the process is gone.
    void kill();
    // Sends SIGTERM; returns the exit code.
    int stop();

private:
    int wait();
    bool has_ended();
    bool is_ready() const;

    pid_t pid_ = -1;
    int port_ = 0;
    int code_ = 127;  // valid once the process has ended
};

}  // namespace orderflow::test
