#include "support/process.hpp"

#include <csignal>
#include <cstdio>
#include <stdexcept>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/stack.hpp"

extern char** environ;

namespace orderflow::test {

ServiceProcess::ServiceProcess(const std::string& name, const std::vector<std::string>& arguments) {
    const std::string program = stack_setting("STACK_BIN") + "/" + name;
    const std::string log = stack_setting("STACK_STATE") + "/log/test-" + name + ".log";
    std::vector<const char*> argv{program.c_str(), "--port", "0"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    argv.push_back(nullptr);

    int out[2];
    if (::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0644);
    const int error = ::posix_spawn(&pid_, program.c_str(), &actions, nullptr,
                                    const_cast<char**>(argv.data()), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(out[1]);
    std::FILE* lines = ::fdopen(out[0], "r");
    int code = 127;
    if (error == 0 && std::fscanf(lines, "ready port=%d", &port_) != 1) code = wait();
    std::fclose(lines);
    if (port_ == 0) {
        throw std::runtime_error(program + " did not start (exit code " + std::to_string(code) +
                                 "), see " + log);
    }
}

ServiceProcess::~ServiceProcess() { kill(); }

void ServiceProcess::kill() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    wait();
}

int ServiceProcess::stop() {
    ::kill(pid_, SIGTERM);
    return wait();
}

int ServiceProcess::wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace orderflow::test
