#include "http/client.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include "http/deadlines.hpp"
#include "http/response_parser.hpp"

namespace orderflow::http {

namespace {

namespace asio = boost::asio;
namespace beast_http = boost::beast::http;
using asio::awaitable;
using asio::redirect_error;
using asio::use_awaitable;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Clock = Deadline::Clock;
using Outcome = ClientResult::Outcome;

constexpr std::chrono::milliseconds kSweepEvery{50};
constexpr std::size_t kReadBytes = 4 * 1024;

struct Origin {
    std::string host;
    std::string port = "80";
    std::string authority;  // as it stands in the URL, for the Host field
};

Origin parse_origin(const std::string& url) {
    const auto refuse = [&] { throw std::invalid_argument("not an http://host:port URL: " + url); };
    constexpr std::string_view scheme = "http://";
    std::string_view rest = url;
    if (!rest.starts_with(scheme)) refuse();
    rest.remove_prefix(scheme.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
    Origin origin;
    origin.authority = rest;
    const std::size_t bracket = rest.starts_with('[') ? rest.find(']') : 0;  // [::1]:3010
    const std::size_t colon = rest.find(':', std::min(bracket, rest.size()));
    origin.host = rest.substr(bracket > 0 ? 1 : 0, bracket > 0 ? bracket - 1 : colon);
    if (colon != std::string_view::npos) origin.port = rest.substr(colon + 1);
    const bool digits = origin.port.find_first_not_of("0123456789") == std::string::npos;
    if (origin.host.empty() || origin.port.empty() || origin.port.size() > 5 || !digits ||
        rest.find_first_of("/?#@ \r\n") != std::string_view::npos) {
        refuse();
    }
    return origin;
}

// Cancels a timer that waits for the end of time: a condition variable for coroutines.
class Event {
public:
    explicit Event(asio::io_context& io) : timer_(io, Clock::time_point::max()) {}
    void set() { timer_.cancel(); }
    awaitable<void> wait() {
        error_code ignored;
        co_await timer_.async_wait(redirect_error(use_awaitable, ignored));
    }

private:
    asio::steady_timer timer_;
};

struct Connection {
    explicit Connection(asio::io_context& io) : socket(io) {}

    tcp::socket socket;
    boost::beast::flat_buffer in;
    std::string out;
    bool reused = false;
    Clock::time_point idle_since;

    // A kept-alive connection with something to read between requests is closed, or confused.
    bool looks_alive() {
        char byte = 0;
        error_code ec;
        socket.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, ec);
        return ec == asio::error::would_block;
    }
};

// One call: its deadline, and what to interrupt when it strikes.
class Call final : public Deadline {
public:
    explicit Call(Clock::time_point deadline) { at = deadline; }

    void expired() override { interrupt("timeout"); }
    void interrupt(const char* why) {
        if (interrupted != nullptr) return;
        interrupted = why;
        error_code ignored;
        if (connection) connection->socket.close(ignored);
        if (waiting_on != nullptr) waiting_on->set();
    }

    const char* interrupted = nullptr;
    std::unique_ptr<Connection> connection;
    Event* waiting_on = nullptr;
    bool has_slot = false;  // counted in Core::open
    std::string error;
};

bool is_idempotent(std::string_view method) {
    return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE";
}

void check_request_line(std::string_view method, std::string_view target) {
    const auto printable = [](char c) { return c > ' ' && c < 0x7f; };
    if (method.empty() || !target.starts_with('/') ||
        !std::all_of(method.begin(), method.end(), printable) ||
        !std::all_of(target.begin(), target.end(), printable)) {
        throw std::invalid_argument("not a request line: " + std::string(method) + " " +
                                    std::string(target));
    }
}

}  // namespace

struct Client::Core final : std::enable_shared_from_this<Client::Core> {
    Core(asio::io_context& io_, Origin origin_, ClientLimits limits_)
        : io(io_), origin(std::move(origin_)), limits(limits_), resolver(io_),
          sweep(std::make_shared<DeadlineSweep>(io_, kSweepEvery)), reaper(*this) {
        error_code not_an_address;
        const auto address = asio::ip::make_address(origin.host, not_an_address);
        if (!not_an_address) {
            endpoints.emplace_back(address, static_cast<unsigned short>(std::stoi(origin.port)));
            endpoints_until = Clock::time_point::max();
        }
    }

    static awaitable<ClientResult> run(std::shared_ptr<Core> core, std::string method,
                                       std::string target, std::string body,
                                       std::chrono::milliseconds timeout);
    awaitable<bool> acquire(Call& call, bool fresh);
    awaitable<bool> resolve(Call& call);
    awaitable<bool> connect(Call& call);
    awaitable<std::size_t> send(Call& call);
    awaitable<bool> receive(Call& call, ClientResult& result, bool head, bool& any, bool& keep);
    awaitable<void> wait(Call& call, std::vector<Event*>& list);

    void compose(Connection& connection, const std::string& method, const std::string& target,
                 const std::string& body) const;
    std::unique_ptr<Connection> take_idle();
    void release(Call& call, bool keep);
    void wake_one();
    void start_resolving();
    void close();

    // Drops connections that nobody has used for a while.
    struct Reaper final : Deadline {
        explicit Reaper(Core& c) : core(c) {}
        void expired() override;
        Core& core;
    };

    asio::io_context& io;
    const Origin origin;
    const ClientLimits limits;
    bool closed = false;

    tcp::resolver resolver;
    bool resolving = false;
    std::vector<tcp::endpoint> endpoints;
    Clock::time_point endpoints_until{};
    std::string resolve_error;
    std::vector<Event*> waiting_for_name;

    std::vector<std::unique_ptr<Connection>> idle;  // oldest first; the youngest is used again
    std::size_t open = 0;                           // idle, in use or being opened
    std::vector<Event*> waiting_for_slot;           // longest waiting first

    std::shared_ptr<DeadlineSweep> sweep;
    Reaper reaper;
};

void Client::Core::Reaper::expired() {
    auto& connections = core.idle;
    const auto before = Clock::now() - core.limits.idle_timeout;
    while (!connections.empty() && connections.front()->idle_since <= before) {
        connections.erase(connections.begin());
        --core.open;
    }
    if (!connections.empty()) {
        at = connections.front()->idle_since + core.limits.idle_timeout;
    } else {
        unlink();  // nothing to watch: the sweep may rest
    }
}

void Client::Core::compose(Connection& connection, const std::string& method,
                           const std::string& target, const std::string& body) const {
    std::string& out = connection.out;
    out.clear();
    out.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: ");
    out.append(origin.authority).append("\r\nAccept: application/json");
    if (!body.empty()) out.append("\r\nContent-Type: application/json");
    if (!body.empty() || method == "POST" || method == "PUT") {
        out.append("\r\nContent-Length: ").append(std::to_string(body.size()));
    }
    out.append("\r\n\r\n").append(body);
}

awaitable<void> Client::Core::wait(Call& call, std::vector<Event*>& list) {
    Event event(io);
    struct Waiting {
        std::vector<Event*>& list;
        Call& call;
        Event* event;
        Waiting(std::vector<Event*>& l, Call& c, Event* e) : list(l), call(c), event(e) {
            list.push_back(event);
            call.waiting_on = event;
        }
        ~Waiting() {
            std::erase(list, event);
            call.waiting_on = nullptr;
        }
    } const waiting(list, call, &event);
    co_await event.wait();
}

std::unique_ptr<Connection> Client::Core::take_idle() {
    while (!idle.empty()) {
        std::unique_ptr<Connection> connection = std::move(idle.back());
        idle.pop_back();
        if (connection->looks_alive()) return connection;
        --open;
    }
    return nullptr;
}

// Gives the call a connection to use or a slot to open one.
awaitable<bool> Client::Core::acquire(Call& call, bool fresh) {
    while (!call.interrupted) {
        call.connection = take_idle();
        if (call.connection) {
            if (!fresh) {
                call.connection->reused = true;
                call.has_slot = true;
                co_return true;
            }
            call.connection.reset();  // its slot is free for the new one
            --open;
        }
        if (open < limits.connections) {
            ++open;
            call.has_slot = true;
            co_return co_await connect(call);
        }
        co_await wait(call, waiting_for_slot);
    }
    wake_one();  // this call may have been woken for a slot that it now leaves to others
    call.error = std::string(call.interrupted) + " waiting for a connection";
    co_return false;
}

void Client::Core::start_resolving() {
    resolving = true;
    resolver.async_resolve(
        origin.host, origin.port,
        [weak = weak_from_this()](error_code ec, const tcp::resolver::results_type& results) {
            const auto core = weak.lock();
            if (!core) return;
            core->resolving = false;
            core->resolve_error = ec ? ec.message() : "";
            core->endpoints.clear();
            for (const auto& result : results) core->endpoints.push_back(result.endpoint());
            core->endpoints_until = Clock::now() + core->limits.resolve_again_after;
            for (Event* event : core->waiting_for_name) event->set();
        });
}

// The name is looked up apart from the call: a lookup in progress cannot be interrupted.
awaitable<bool> Client::Core::resolve(Call& call) {
    if (!endpoints.empty() && Clock::now() < endpoints_until) co_return true;
    if (!resolving) start_resolving();
    while (resolving && !call.interrupted) co_await wait(call, waiting_for_name);
    if (call.interrupted) {
        call.error = std::string(call.interrupted) + " looking up the name";
    } else if (endpoints.empty()) {
        call.error = "name lookup: " + resolve_error;
    }
    co_return call.error.empty();
}

awaitable<bool> Client::Core::connect(Call& call) {
    if (!co_await resolve(call)) co_return false;
    const std::vector<tcp::endpoint> candidates = endpoints;
    error_code ec = asio::error::host_not_found;
    call.connection = std::make_unique<Connection>(io);
    tcp::socket& socket = call.connection->socket;
    for (const tcp::endpoint& endpoint : candidates) {
        socket.close(ec);
        co_await socket.async_connect(endpoint, redirect_error(use_awaitable, ec));
        if (!ec || call.interrupted) break;
    }
    if (call.interrupted) {
        call.error = std::string(call.interrupted) + " connecting";
        co_return false;
    }
    if (ec) {
        call.error = "connect: " + ec.message();
        if (endpoints_until != Clock::time_point::max()) endpoints_until = {};  // look it up again
        co_return false;
    }
    socket.set_option(tcp::no_delay(true), ec);
    socket.non_blocking(true, ec);
    co_return true;
}

// Returns how many bytes the kernel took; fewer than all if call.error says why.
awaitable<std::size_t> Client::Core::send(Call& call) {
    Connection& connection = *call.connection;
    error_code ec;
    std::size_t sent = connection.socket.write_some(asio::buffer(connection.out), ec);
    if (ec == asio::error::would_block) ec = {};
    if (!ec && sent < connection.out.size()) {
        const auto rest = asio::buffer(connection.out) + sent;
        sent += co_await asio::async_write(connection.socket, rest,
                                           redirect_error(use_awaitable, ec));
    }
    if (ec) call.error = "send: " + ec.message();
    co_return sent;
}

// `any`: a byte of an answer came. `keep`: the connection can be used again.
awaitable<bool> Client::Core::receive(Call& call, ClientResult& result, bool head, bool& any,
                                      bool& keep) {
    Connection& connection = *call.connection;
    std::optional<ResponseParser> parser;
    parser.emplace(result, limits, head);
    error_code ec;
    for (bool done = false; !done;) {
        const auto room = connection.in.prepare(kReadBytes);
        const std::size_t n =
            co_await connection.socket.async_read_some(room, redirect_error(use_awaitable, ec));
        connection.in.commit(n);
        any = any || n > 0;
        if (ec == asio::error::eof && parser->got_some()) {
            parser->put_eof(ec);
            if (!ec) break;
        }
        if (ec) {
            call.error = "receive: " + ec.message();
            co_return false;
        }
        while (connection.in.size() > 0 && !done) {
            connection.in.consume(parser->put(connection.in.cdata(), ec));
            if (ec == beast_http::error::need_more) break;
            if (ec) {
                call.error = "unreadable answer: " + ec.message();
                co_return false;
            }
            const bool interim = parser->is_done() && result.status < 200;  // 100 Continue
            if (interim) parser.emplace(result, limits, head);
            done = parser->is_done();
        }
        if (connection.in.size() > limits.header_bytes) {
            call.error = "unreadable answer: too large";
            co_return false;
        }
    }
    keep = !ec && parser->keep_alive() && connection.in.size() == 0;
    co_return true;
}

void Client::Core::release(Call& call, bool keep) {
    if (!call.has_slot) return;
    call.has_slot = false;
    if (keep && call.connection && !call.interrupted && !closed) {
        if (!reaper.is_linked()) {
            reaper.at = Clock::now() + limits.idle_timeout;
            sweep->watch(reaper);
        }
        call.connection->idle_since = Clock::now();
        idle.push_back(std::move(call.connection));
    } else {
        call.connection.reset();
        --open;
    }
    wake_one();
}

// Who waits is told once, then looks for itself.
void Client::Core::wake_one() {
    if (waiting_for_slot.empty() || (idle.empty() && open >= limits.connections)) return;
    waiting_for_slot.front()->set();
    waiting_for_slot.erase(waiting_for_slot.begin());
}

awaitable<ClientResult> Client::Core::run(std::shared_ptr<Core> core, std::string method,
                                          std::string target, std::string body,
                                          std::chrono::milliseconds timeout) {
    ClientResult result;
    Call call(Clock::now() + timeout);
    core->sweep->watch(call);
    struct Release {  // also if this coroutine is destroyed half way
        Core& core;
        Call& call;
        bool keep = false;
        Release(Core& c, Call& k) : core(c), call(k) {}
        ~Release() { core.release(call, keep); }
    } slot(*core, call);

    for (bool fresh = false;; fresh = true) {
        if (core->closed || !co_await core->acquire(call, fresh)) {
            result.error = core->closed ? "client closed" : call.error;
            co_return result;  // never_sent
        }
        core->compose(*call.connection, method, target, body);
        bool any = false;
        const std::size_t sent = co_await core->send(call);
        const bool complete = sent == call.connection->out.size();
        if (complete && co_await core->receive(call, result, method == "HEAD", any, slot.keep)) {
            result.outcome = Outcome::response;
            co_return result;
        }
        const bool stale = call.connection->reused && !any && !call.interrupted;
        if (!stale || (sent > 0 && !is_idempotent(method))) {
            result = {};
            result.outcome = sent > 0 ? Outcome::maybe_sent : Outcome::never_sent;
            result.error = call.interrupted ? call.interrupted : call.error;
            co_return result;
        }
        core->release(call, false);
        call.error.clear();
    }
}

void Client::Core::close() {
    closed = true;
    resolver.cancel();
    reaper.unlink();
    open -= idle.size();
    idle.clear();
    sweep->for_each([](Deadline& call) { static_cast<Call&>(call).interrupt("client closed"); });
}

Client::Client(asio::io_context& io, const std::string& origin, ClientLimits limits)
    : core_(std::make_shared<Core>(io, parse_origin(origin), limits)) {}

Client::~Client() { core_->close(); }

awaitable<ClientResult> Client::request(std::string method, std::string target, std::string body,
                                        std::chrono::milliseconds timeout) {
    check_request_line(method, target);
    return Core::run(core_, std::move(method), std::move(target), std::move(body), timeout);
}

std::size_t Client::open_connections() const { return core_->open; }

}  // namespace orderflow::http
