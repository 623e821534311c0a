#include "support/process.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string_view>

#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/eventually.hpp"
#include "support/stack.hpp"

extern char** environ;

namespace orderflow::test {
namespace {

int exit_code(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

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
    const bool listens = error == 0 && std::fscanf(lines, "ready port=%d", &port_) == 1;
    if (error == 0 && !listens) wait();
    std::fclose(lines);
    const auto settled = [&] { return has_ended() || is_ready(); };
    if (listens && eventually(std::chrono::seconds{60}, settled) && pid_ >= 0) {
        return;
    }
    kill();
    throw std::runtime_error(program + " did not start (exit code " + std::to_string(code_) +
                             "), see " + log);
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
    return code_ = exit_code(status);
}

bool ServiceProcess::has_ended() {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
    pid_ = -1;
    code_ = exit_code(status);
    return true;
}

bool ServiceProcess::is_ready() const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    constexpr std::string_view kRequest =
        "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    constexpr std::string_view kReady = "HTTP/1.1 200 ";
    std::array<char, kReady.size()> answer{};
    const bool answered =
        ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        ::send(socket, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) > 0 &&
        ::recv(socket, answer.data(), answer.size(), MSG_WAITALL) > 0;
    ::close(socket);
    return answered && std::string_view(answer.data(), answer.size()) == kReady;
}

}  // namespace orderflow::test
