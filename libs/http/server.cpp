#include "http/server.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include "core/trace.hpp"
#include "core/unavailable.hpp"
#include "http/deadlines.hpp"
#include "http/problem.hpp"
#include "http/request_parser.hpp"
#include "http/wire.hpp"

namespace orderflow::http {

namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::redirect_error;
using asio::use_awaitable;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Clock = Deadline::Clock;

constexpr std::size_t kHeadReadBytes = 4 * 1024;
constexpr std::size_t kBodyReadBytes = 16 * 1024;
constexpr std::size_t kLingerBytes = 256 * 1024;
constexpr std::chrono::milliseconds kLingerTimeout{1'000};
constexpr std::chrono::milliseconds kSweepEvery{250};
constexpr std::chrono::milliseconds kAcceptBackoff{100};  // when file descriptors have run out

Response to_response(const Refusal& why) {
    return problem(why.status, why.type, why.title, why.detail);
}

}  // namespace

// What the server and its sessions share. Kept alive by both.
struct Server::Core {
    Core(asio::io_context& io_, Router router_, Limits limits_, Hooks hooks_)
        : io(io_), router(std::move(router_)), limits(limits_), hooks(std::move(hooks_)),
          acceptor(io_), sweep(std::make_shared<DeadlineSweep>(io_, kSweepEvery)) {}

    void stop();
    void abort();
    void connection_closed();

    asio::io_context& io;
    const Router router;
    const Limits limits;
    const Hooks hooks;
    tcp::acceptor acceptor;
    std::shared_ptr<DeadlineSweep> sweep;
    ServerStats stats;
    HttpDate date;
    bool stopping = false;
    std::vector<asio::steady_timer*> waiting_for_drained;

    class Session;
    static awaitable<void> accept_loop(std::shared_ptr<Core> core);
    static awaitable<void> run_session(std::shared_ptr<Core> core, tcp::socket socket);
};

// One connection. Its coroutine is the only one that touches it, but for expired() and close().
class Server::Core::Session final : public Deadline {
public:
    Session(Core& core, tcp::socket socket) : core_(core), socket_(std::move(socket)) {
        ++core_.stats.connections;
        core_.sweep->watch(*this);
    }
    ~Session() { core_.connection_closed(); }

    awaitable<void> run() {
        error_code ignored;
        socket_.set_option(tcp::no_delay(true), ignored);
        socket_.non_blocking(true, ignored);
        while (co_await serve_one()) {}
    }

    void close_if_idle() {
        if (phase_ == Phase::idle) close();
    }

    void close() {
        error_code ignored;
        socket_.close(ignored);
    }

private:
    enum class Phase { idle, head, body, handler, writing, lingering };
    enum class Read { complete, refused, gone };  // refused: refused_ says why

    void expired() override {
        timed_out_ = true;
        error_code ignored;
        if (phase_ == Phase::head || phase_ == Phase::body) {
            socket_.cancel(ignored);  // the session goes on and answers 408
        } else {
            socket_.close(ignored);
        }
    }

    void enter(Phase phase, std::chrono::milliseconds timeout) {
        phase_ = phase;
        at = Clock::now() + timeout;
    }

    std::string_view received() const {
        const auto bytes = in_.cdata();
        return {static_cast<const char*>(bytes.data()), bytes.size()};
    }

    Read refuse(const Refusal& why) {
        refused_ = why;
        return Read::refused;
    }

    // False: the client has gone, or a deadline struck.
    awaitable<bool> fill(std::size_t bytes) {
        error_code ec;
        const auto room = in_.prepare(bytes);
        const std::size_t n =
            co_await socket_.async_read_some(room, redirect_error(use_awaitable, ec));
        in_.commit(n);
        co_return !ec && !timed_out_;
    }

    // False: close the connection.
    awaitable<bool> serve_one() {
        Read read = co_await read_head();
        started_ = Clock::now();
        if (read == Read::complete) {
            read = check_head();
            // A route that takes over the stream (WebSocket) would go here: it needs socket_,
            // in_ (bytes already read) and request_, and serve_one would return false.
            if (read == Read::complete && !skip_body_) read = co_await read_body();
        }
        if (read == Read::gone) co_return false;

        Response response;
        if (read == Read::refused) {
            response = to_response(*refused_);
        } else if (early_) {
            response = std::move(*early_);
        } else {
            response = co_await call_handler();
        }
        if (response.hang_up) co_return false;
        const bool client_closes = read == Read::complete && !parser_->keep_alive();
        const bool keep = read == Read::complete && !client_closes && !skip_body_ &&
                          !core_.stopping;
        const bool written = co_await write(std::move(response), keep);
        if (written && !keep && !client_closes) co_await linger();
        co_return written && keep;
    }

    awaitable<Read> read_head() {
        HeadScanner scanner;
        match_ = {};
        head_only_ = false;
        skip_body_ = false;
        early_.reset();
        enter(Phase::idle, core_.limits.idle_timeout);
        for (;;) {
            if (in_.size() > 0) {
                if (phase_ == Phase::idle) enter(Phase::head, core_.limits.header_timeout);
                const auto verdict = scanner.scan(received());
                if (verdict == HeadScanner::Verdict::malformed) {
                    co_return refuse(refusal::malformed);
                }
                const bool complete = verdict == HeadScanner::Verdict::complete;
                if ((complete ? scanner.size() : in_.size()) > core_.limits.header_bytes) {
                    const std::size_t line = scanner.request_line_size(received());
                    co_return refuse(line > core_.limits.uri_bytes ? refusal::uri
                                                                   : refusal::headers);
                }
                if (complete) break;
            } else if (core_.stopping) {
                co_return Read::gone;
            }
            if (!co_await fill(kHeadReadBytes)) {
                const bool late = timed_out_ && phase_ == Phase::head;
                co_return late ? refuse(refusal::timeout) : Read::gone;
            }
        }
        request_ = {};
        parser_.emplace(request_, core_.limits);
        refused_ = parser_->parse_head(received().substr(0, scanner.size()));
        in_.consume(scanner.size());
        const auto trace = request_.header("traceparent");
        trace_ = valid_traceparent(trace) ? trace : std::string_view();
        co_return refused_ ? Read::refused : Read::complete;
    }

    // Decides what can be decided before the body is read. An answer that is already known is
    // kept in early_; the body is then still read, so that the connection can be used again,
    // unless the client waits for a 100-continue before it sends one.
    Read check_head() {
        match_ = core_.router.match(request_.method, request_.path);
        head_only_ = request_.method == "HEAD";
        const bool has_body = parser_->chunked() || parser_->content_length().value_or(0) > 0;
        if (match_.route == nullptr) {
            early_ = no_route();
        } else if (has_body && !acceptable_body()) {
            early_ = problem(415, "media-type", "Unsupported media type",
                             "This resource accepts " + match_.route->options.content_type +
                                 " in UTF-8, not encoded.");
        }
        if (parser_->content_length().value_or(0) > body_limit()) return refuse(refusal::body);
        skip_body_ = early_ && has_body && parser_->wants_continue();
        return Read::complete;
    }

    Response no_route() const {
        if (match_.allow.empty()) {
            return problem(404, "not-found", "Not found", "There is no such resource.");
        }
        Response response = problem(405, "method", "Method not allowed",
                                    "This resource allows " + match_.allow + ".");
        response.headers.emplace_back("Allow", match_.allow);
        return response;
    }

    bool acceptable_body() const {
        const std::string& wanted = match_.route->options.content_type;
        const std::string_view encoding = request_.header("Content-Encoding");
        return (encoding.empty() || equals_ignoring_case(encoding, "identity")) &&
               (wanted.empty() || acceptable_media_type(request_.header("Content-Type"), wanted));
    }

    std::size_t body_limit() const {
        const bool own = match_.route != nullptr && match_.route->options.body_limit_bytes > 0;
        return own ? match_.route->options.body_limit_bytes : core_.limits.body_bytes;
    }

    awaitable<Read> read_body() {
        if (parser_->is_done()) co_return Read::complete;
        parser_->begin_body(body_limit());
        enter(Phase::body, core_.limits.body_timeout);
        if (parser_->wants_continue() && in_.size() == 0) {
            error_code ec;
            const auto go_on = asio::buffer(std::string_view("HTTP/1.1 100 Continue\r\n\r\n"));
            co_await asio::async_write(socket_, go_on, redirect_error(use_awaitable, ec));
            if (ec) co_return Read::gone;
        }
        for (;;) {
            if (in_.size() > 0) {
                std::size_t taken = 0;
                refused_ = parser_->parse_body(received(), taken);
                in_.consume(taken);
                if (refused_) co_return Read::refused;
                if (parser_->is_done()) co_return Read::complete;
            }
            if (!co_await fill(kBodyReadBytes)) {
                co_return timed_out_ ? refuse(refusal::timeout) : Read::gone;
            }
        }
    }

    awaitable<Response> call_handler() {
        phase_ = Phase::handler;
        at = kNever;  // a handler bounds its own time
        if (core_.stats.in_flight >= core_.limits.in_flight) {
            ++core_.stats.refused;
            co_return problem_unavailable("Too many requests are in progress.",
                                          core_.limits.retry_after_s);
        }
        struct InFlight {
            std::size_t& count;
            explicit InFlight(std::size_t& n) : count(n) { ++count; }
            ~InFlight() { --count; }
        } const in_flight(core_.stats.in_flight);

        const Route& route = *match_.route;
        request_.params = std::move(match_.params);
        if (head_only_) request_.method = "GET";
        std::string what;
        try {
            co_return co_await route.handler(std::move(request_));
        } catch (const Unavailable& e) {
            report(route, e.what());
            co_return problem_unavailable("Try again later.", core_.limits.retry_after_s);
        } catch (const std::exception& e) {
            what = e.what();
        } catch (...) {
            what = "not a std::exception";
        }
        ++core_.stats.internal_errors;
        report(route, what);
        co_return internal_error();
    }

    static Response internal_error() {
        return problem(500, "internal", "Internal error", "The request could not be served.");
    }

    void report(const Route& route, std::string_view what) const {
        if (core_.hooks.on_exception) core_.hooks.on_exception(route.method, route.pattern, what);
    }

    // False: the client has gone or does not read.
    awaitable<bool> write(Response response, bool keep_alive) {
        if (!fit_for_header(response)) {
            ++core_.stats.internal_errors;
            if (match_.route != nullptr) report(*match_.route, "control character in a header");
            response = internal_error();
        }
        // W3C Trace Context goes back as it came, so that a client can find its call again.
        if (!trace_.empty()) response.headers.emplace_back("traceparent", trace_);
        write_head(out_, response, core_.date.now(), keep_alive);
        const bool with_body = !head_only_ && may_have_body(response.status);
        std::array<asio::const_buffer, 2> parts{
            asio::buffer(out_), asio::buffer(with_body ? std::string_view(response.body)
                                                       : std::string_view())};
        // Nearly always all of it fits into the socket's buffer at once.
        error_code ec;
        std::size_t sent = socket_.write_some(parts, ec);
        if (ec == asio::error::would_block) ec = {};
        if (!ec && sent < asio::buffer_size(parts)) {
            for (auto& part : parts) {
                const std::size_t done = std::min(sent, part.size());
                part += done;
                sent -= done;
            }
            enter(Phase::writing, core_.limits.write_timeout);
            co_await asio::async_write(socket_, parts, redirect_error(use_awaitable, ec));
        }
        ++core_.stats.requests;
        if (core_.hooks.on_request) {
            const bool routed = match_.route != nullptr;
            core_.hooks.on_request(!routed      ? "other"
                                   : head_only_ ? "HEAD"
                                                : std::string_view(match_.route->method),
                                   routed ? std::string_view(match_.route->pattern) : "",
                                   response.status, Clock::now() - started_);
        }
        co_return !ec;
    }

    // Closing a socket with unread bytes resets the connection and may destroy the answer on its
    // way (RFC 9112 §9.6): stop sending, then read and drop for a moment.
    awaitable<void> linger() {
        error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
        timed_out_ = false;
        enter(Phase::lingering, kLingerTimeout);
        for (std::size_t dropped = 0; dropped < kLingerBytes; dropped += in_.size()) {
            in_.clear();
            if (!co_await fill(kBodyReadBytes)) break;
        }
    }

    Core& core_;
    tcp::socket socket_;
    boost::beast::flat_buffer in_;
    std::string out_;
    Phase phase_ = Phase::idle;
    bool timed_out_ = false;

    // Of the request at hand:
    Request request_;
    std::string trace_;  // the request's traceparent, if it is one
    std::optional<RequestParser> parser_;
    std::optional<Refusal> refused_;
    Router::Match match_;
    std::optional<Response> early_;  // known before the body was read
    bool skip_body_ = false;         // early_ goes out without the body being read
    bool head_only_ = false;
    Clock::time_point started_;
};

namespace {

bool out_of_descriptors(error_code ec) {
    return ec == boost::system::errc::too_many_files_open ||
           ec == boost::system::errc::too_many_files_open_in_system ||
           ec == boost::system::errc::no_buffer_space ||
           ec == boost::system::errc::not_enough_memory;
}

// One attempt, without waiting: what does not fit into an empty socket's buffer is not worth it.
void turn_away(tcp::socket& socket, std::string_view date, unsigned retry_after_s) {
    const Response response = problem_unavailable("Too many connections.", retry_after_s);
    std::string text;
    write_head(text, response, date, false);
    text += response.body;
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(text), ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace

awaitable<void> Server::Core::run_session(std::shared_ptr<Core> core, tcp::socket socket) {
    Session session(*core, std::move(socket));
    try {
        co_await session.run();
    } catch (const std::exception& e) {
        ++core->stats.internal_errors;
        if (core->hooks.on_exception) core->hooks.on_exception("", "", e.what());
    }
}

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
    sweep->for_each([](Deadline& deadline) { static_cast<Session&>(deadline).close_if_idle(); });
    for (asio::steady_timer* timer : waiting_for_drained) timer->cancel();
}

void Server::Core::abort() {
    stopping = true;
    error_code ignored;
    acceptor.close(ignored);
    sweep->for_each([](Deadline& deadline) { static_cast<Session&>(deadline).close(); });
}

void Server::Core::connection_closed() {
    if (--stats.connections > 0 || !stopping) return;
    for (asio::steady_timer* timer : waiting_for_drained) timer->cancel();
}

Server::Server(asio::io_context& io, Router router, Limits limits, Hooks hooks)
    : core_(std::make_shared<Core>(io, std::move(router), limits, std::move(hooks))) {}

Server::~Server() { core_->abort(); }

unsigned short Server::listen(const std::string& address, unsigned short port) {
    const tcp::endpoint endpoint(asio::ip::make_address(address), port);
    core_->acceptor.open(endpoint.protocol());
    core_->acceptor.set_option(tcp::acceptor::reuse_address(true));
    core_->acceptor.bind(endpoint);
    core_->acceptor.listen(asio::socket_base::max_listen_connections);
    asio::co_spawn(core_->io, Core::accept_loop(core_), asio::detached);
    return core_->acceptor.local_endpoint().port();
}

void Server::stop() {
    asio::post(core_->io, [core = core_] { core->stop(); });
}

awaitable<bool> Server::drained(std::chrono::milliseconds at_most) {
    const std::shared_ptr<Core> core = core_;
    const auto gone = [&] { return core->stopping && core->stats.connections == 0; };
    asio::steady_timer timer(core->io, at_most);
    struct Waiting {
        std::vector<asio::steady_timer*>& list;
        asio::steady_timer* timer;
        Waiting(std::vector<asio::steady_timer*>& l, asio::steady_timer* t) : list(l), timer(t) {
            list.push_back(timer);
        }
        ~Waiting() { std::erase(list, timer); }
    } const waiting(core->waiting_for_drained, &timer);
    while (!gone() && Clock::now() < timer.expiry()) {
        error_code ignored;
        co_await timer.async_wait(redirect_error(use_awaitable, ignored));
    }
    co_return gone();
}

ServerStats Server::stats() const { return core_->stats; }

}  // namespace orderflow::http
