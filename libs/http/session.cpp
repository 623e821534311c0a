#include <algorithm>
#include <array>
#include <optional>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include "core/trace.hpp"
#include "core/unavailable.hpp"
#include "http/handshake.hpp"
#include "http/origin.hpp"
#include "http/problem.hpp"
#include "http/request_parser.hpp"
#include "http/server_core.hpp"

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
constexpr std::string_view kNotServed = "The request could not be served.";
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kJsonBelow = "/api/";  // all successful answers there are JSON
constexpr std::chrono::milliseconds kLingerTimeout{1'000};
constexpr int kSwitchingProtocols = 101;

Response to_response(const Refusal& why) {
    return problem(why.status, why.type, why.title, why.detail);
}

}  // namespace

// One connection. Only its coroutine uses it, except for expired(), stop() and abort().
class Server::Core::Session final : public Connection {
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

    void stop() override {
        if (phase_ == Phase::idle) abort();
    }

    void abort() override {
        error_code ignored;
        socket_.close(ignored);
    }

private:
    enum class Phase { idle, head, body, handler, writing, lingering };
    enum class Read { complete, refused, gone };  // refused: the reason is in refused_

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

    // False: the client has gone, or a deadline has passed.
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
        if (read == Read::complete) read = check_head();
        if (read == Read::complete && !skip_body_) read = co_await read_body();
        if (read == Read::complete && !early_) read = check_body();
        if (read == Read::gone) co_return false;
        if (read == Read::complete && !early_ && match_.route->websocket) {
            hand_over();
            co_return false;
        }

        Response response;
        if (read == Read::refused) {
            response = to_response(*refused_);
        } else if (early_) {
            response = std::move(*early_);
        } else {
            response = co_await call_handler();
        }
        if (response.hang_up) co_return false;
        const bool client_closes = read == Read::complete && !parser_->keeps_alive();
        const bool keep =
            read == Read::complete && !client_closes && !skip_body_ && !core_.stopping;
        const bool written = co_await write(std::move(response), keep);
        if (written && !keep && !client_closes) co_await linger();
        co_return written&& keep;
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
        if (request_.headers.count("traceparent") == 1) {
            request_.traceparent = read_traceparent(request_.header("traceparent"));
        }
        trace_ = request_.traceparent;
        co_return refused_ ? Read::refused : Read::complete;
    }

    // Decides everything that can be decided before the body is read. An answer that is already
    // known is kept in early_. The body is then still read, so that the connection can be used
    // again, unless the client waits for a 100-continue before it sends the body.
    Read check_head() {
        match_ = core_.router.match(request_.method, request_.path);
        head_only_ = request_.method == "HEAD";
        const bool declared = parser_->content_length().value_or(0) > 0;
        if (wants_change() && is_foreign(request_.headers, core_.limits.allowed_origins)) {
            early_ = problem(403, "foreign-origin", "Foreign origin",
                             "Pages of this origin may read, but may not change anything.");
        } else if (match_.route == nullptr) {
            early_ = no_route();
        } else if (match_.route->websocket) {
            const bool follows = in_.size() > 0 && !parser_->chunked();
            if (asked_for_websocket() && (declared || follows)) return refuse(refusal::too_early);
            early_ = refuse_websocket();
        } else if (request_.path.starts_with(kJsonBelow) && !accepts(request_.headers, kJson)) {
            early_ = problem(406, "not-acceptable", "Not acceptable",
                             "This resource is available only as " + std::string(kJson) + ".");
        } else if (declared && !acceptable_body()) {
            early_ = unacceptable_body();
        }
        if (parser_->content_length().value_or(0) > body_limit()) return refuse(refusal::body);
        skip_body_ = early_ && (declared || parser_->chunked()) && parser_->wants_continue();
        return Read::complete;
    }

    // Decides what depends on the bytes of the body. For example, a chunked body may be empty.
    Read check_body() {
        if (match_.route->websocket) {
            const bool follows = !request_.body.empty() || in_.size() > 0;
            return follows ? refuse(refusal::too_early) : Read::complete;
        }
        if (!request_.body.empty() && !acceptable_body()) early_ = unacceptable_body();
        return Read::complete;
    }

    bool asked_for_websocket() const { return asks_for_websocket(request_, parser_->http11()); }

    // Whether the request is one that a page of another origin must not make: everything except
    // reading (RFC 9110 §9.2.1). Opening a WebSocket is not reading.
    bool wants_change() const {
        if (request_.method == "GET" || request_.method == "HEAD" || request_.method == "OPTIONS") {
            return match_.route != nullptr && match_.route->websocket && asked_for_websocket();
        }
        return true;
    }

    Response unacceptable_body() const {
        return problem(415, "media-type", "Unsupported media type",
                       "This resource accepts " + match_.route->options.content_type +
                           " in UTF-8, without a content encoding.");
    }

    Response no_route() const {
        if (match_.allow.empty()) {
            if (const auto& not_found = core_.router.not_found()) return not_found(request_);
            return problem(404, "not-found", "Not found", "There is no such resource.");
        }
        Response response = problem(405, "method", "Method not allowed",
                                    "This resource allows " + match_.allow + ".");
        response.headers.emplace_back("Allow", match_.allow);
        return response;
    }

    std::optional<Response> refuse_websocket() {
        auto why = refuse_handshake(request_, parser_->http11());
        const bool room = core_.stats.websockets < core_.limits.websocket.sockets;
        if (!why && (core_.stopping || !room)) {
            ++core_.stats.refused;
            why = problem_unavailable(room ? "The server is stopping." : "Too many WebSockets.",
                                      core_.limits.retry_after_s);
        }
        return why;
    }

    void hand_over() {
        core_.open_websocket(std::move(socket_), *match_.route,
                             request_.header("Sec-WebSocket-Key"), trace_);
        count_request(kSwitchingProtocols);
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
        at = kNever;  // a handler limits its own time
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
        co_return problem_internal(kNotServed);
    }

    void report(const Route& route, std::string_view what) const {
        if (core_.hooks.on_exception) core_.hooks.on_exception(route.method, route.pattern, what);
    }

    // False: the client has gone or does not read.
    awaitable<bool> write(Response response, bool keep_alive) {
        if (!fit_for_header(response)) {
            ++core_.stats.internal_errors;
            if (match_.route != nullptr) report(*match_.route, "control character in a header");
            response = problem_internal(kNotServed);
        }
        // The traceparent (W3C Trace Context) is sent back, so that a client can find its call
        // again.
        if (!trace_.empty()) response.headers.emplace_back("traceparent", trace_);
        // By default HTTP/1.0 closes a connection after the answer, and a client then waits for
        // that. So keep-alive must be sent to it.
        const std::string_view connection = !keep_alive         ? "close"
                                            : parser_->http11() ? ""
                                                                : "keep-alive";
        write_head(out_, response, core_.date.now(), connection);
        const bool with_body = !head_only_ && may_have_body(response.status);
        std::array<asio::const_buffer, 2> parts{
            asio::buffer(out_),
            asio::buffer(with_body ? std::string_view(response.body) : std::string_view())};
        // Nearly always the whole answer fits into the socket's buffer at once.
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
        count_request(response.status);
        co_return !ec;
    }

    void count_request(int status) {
        ++core_.stats.requests;
        if (!core_.hooks.on_request) return;
        const bool routed = match_.route != nullptr;
        core_.hooks.on_request(!routed      ? "other"
                               : head_only_ ? "HEAD"
                                            : std::string_view(match_.route->method),
                               routed ? std::string_view(match_.route->pattern) : "", status,
                               Clock::now() - started_);
    }

    // Closing a socket with unread bytes resets the connection, which may destroy the answer on its
    // way (RFC 9112 §9.6). So this stops sending, and then reads and drops bytes for a moment.
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

    // Of the current request:
    Request request_;
    std::string trace_;  // the request's traceparent, if it is valid
    std::optional<RequestParser> parser_;
    std::optional<Refusal> refused_;
    Router::Match match_;
    std::optional<Response> early_;  // known before the body was read
    bool skip_body_ = false;         // early_ is sent and the body is not read
    bool head_only_ = false;
    Clock::time_point started_;
};

awaitable<void> Server::Core::run_session(std::shared_ptr<Core> core, tcp::socket socket) {
    Session session(*core, std::move(socket));
    try {
        co_await session.run();
    } catch (const std::exception& e) {
        ++core->stats.internal_errors;
        if (core->hooks.on_exception) core->hooks.on_exception("", "", e.what());
    }
}

}  // namespace orderflow::http
