#include "http/server.hpp"

#include <stdexcept>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "http/problem.hpp"
#include "http/server_core.hpp"

namespace orderflow::http {

namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::redirect_error;
using asio::use_awaitable;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr std::chrono::milliseconds kSweepEvery{250};
constexpr std::chrono::milliseconds kAcceptBackoff{100};  // after file descriptors have run out

bool out_of_descriptors(error_code ec) {
    return ec == boost::system::errc::too_many_files_open ||
           ec == boost::system::errc::too_many_files_open_in_system ||
           ec == boost::system::errc::no_buffer_space ||
           ec == boost::system::errc::not_enough_memory;
}

// Blocks if it must look up a name.
asio::ip::address address_of(asio::io_context& io, std::string text) {
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    error_code no_literal;
    auto literal = asio::ip::make_address(text, no_literal);
    if (!no_literal) return literal;
    if (text.empty()) throw boost::system::system_error(asio::error::host_not_found);
    tcp::resolver resolver(io);
    const auto found = resolver.resolve(text, "", tcp::resolver::passive);
    for (const auto& entry : found) {
        if (entry.endpoint().address().is_v4()) return entry.endpoint().address();
    }
    return found.begin()->endpoint().address();
}

// Sends the answer in one attempt, without waiting. A new socket's buffer is empty; an answer that
// does not fit into it is not worth more effort.
void turn_away(tcp::socket& socket, std::string_view date, unsigned retry_after_s) {
    const Response response = problem_unavailable("Too many connections.", retry_after_s);
    std::string text;
    write_head(text, response, date, "close");
    text += response.body;
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(text), ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace

Server::Core::Core(asio::io_context& io_, Router router_, Limits limits_, Hooks hooks_)
    : io(io_),
      router(std::move(router_)),
      limits(limits_),
      hooks(std::move(hooks_)),
      acceptor(io_),
      sweep(std::make_shared<DeadlineSweep>(io_, kSweepEvery)) {}

awaitable<void> Server::Core::accept_loop(std::shared_ptr<Core> core) {
    asio::steady_timer pause(core->io);
    while (!core->stopping) {
        error_code ec;
        tcp::socket socket =
            co_await core->acceptor.async_accept(redirect_error(use_awaitable, ec));
        if (out_of_descriptors(ec)) {
            pause.expires_after(kAcceptBackoff);
            co_await pause.async_wait(redirect_error(use_awaitable, ec));
        } else if (ec || core->stopping) {
            continue;
        } else if (core->stats.connections >= core->limits.connections) {
            ++core->stats.refused;
            turn_away(socket, core->date.now(), core->limits.retry_after_s);
        } else {
            asio::co_spawn(core->io, run_session(core, std::move(socket)), asio::detached);
        }
    }
}

void Server::Core::stop() {
    if (stopping) return;
    stopping = true;
    error_code ignored;
    acceptor.close(ignored);
    sweep->for_each([](Deadline& deadline) { static_cast<Connection&>(deadline).stop(); });
    for (asio::steady_timer* timer : waiting_for_drained) timer->cancel();
}

void Server::Core::abort() {
    stopping = true;
    error_code ignored;
    acceptor.close(ignored);
    sweep->for_each([](Deadline& deadline) { static_cast<Connection&>(deadline).abort(); });
}

void Server::Core::connection_closed() {
    if (--stats.connections > 0 || !stopping) return;
    for (asio::steady_timer* timer : waiting_for_drained) timer->cancel();
}

Server::Server(asio::io_context& io, Router router, Limits limits, Hooks hooks)
    : core_(std::make_shared<Core>(io, std::move(router), limits, std::move(hooks))) {}

Server::~Server() { core_->abort(); }

unsigned short Server::listen(const std::string& address, unsigned short port) {
    try {
        const tcp::endpoint endpoint(address_of(core_->io, address), port);
        core_->acceptor.open(endpoint.protocol());
        core_->acceptor.set_option(tcp::acceptor::reuse_address(true));
        core_->acceptor.bind(endpoint);
        core_->acceptor.listen(asio::socket_base::max_listen_connections);
    } catch (const boost::system::system_error& error) {
        throw std::runtime_error("cannot listen on " + address + ", port " + std::to_string(port) +
                                 ": " + error.code().message());
    }
    asio::co_spawn(core_->io, Core::accept_loop(core_), asio::detached);
    return core_->acceptor.local_endpoint().port();
}

bool Server::is_open_to_others() const {
    return !core_->acceptor.local_endpoint().address().is_loopback();
}

void Server::stop() {
    asio::post(core_->io, [core = core_] { core->stop(); });
}

awaitable<bool> Server::drained(std::chrono::milliseconds at_most) {
    const std::shared_ptr<Core> core = core_;
    const auto gone = [&] { return core->stopping && core->stats.connections == 0; };
    asio::steady_timer timer(core->io, at_most);
    struct DrainWaiter {
        std::vector<asio::steady_timer*>& list;
        asio::steady_timer* timer;
        DrainWaiter(std::vector<asio::steady_timer*>& l, asio::steady_timer* t)
            : list(l), timer(t) {
            list.push_back(timer);
        }
        ~DrainWaiter() { std::erase(list, timer); }
    } const waiter(core->waiting_for_drained, &timer);
    while (!gone() && Deadline::Clock::now() < timer.expiry()) {
        error_code ignored;
        co_await timer.async_wait(redirect_error(use_awaitable, ignored));
    }
    co_return gone();
}

ServerStats Server::stats() const { return core_->stats; }

}  // namespace orderflow::http
