#pragma once
// Parses one HTTP/1.1 request from bytes into a Request. Inside libs/http only, on the io thread;
// includes Beast's parser. Beast splits lines, fields and chunks. It accepts some input that a
// proxy in front may read differently (request smuggling, RFC 9112 §6.1, §6.3, §11.2). Such input
// is refused here: a Transfer-Encoding that is not exactly "chunked", or is beside a
// Content-Length, or on HTTP/1.0; a second Content-Length or a list of them; folded lines; bare LF;
// a missing or second Host.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>

#include <boost/beast/http/basic_parser.hpp>

#include "http/request.hpp"
#include "http/server.hpp"
#include "http/wire.hpp"

namespace orderflow::http {

// Why a request was refused before any handler saw it; all strings are literals.
struct Refusal {
    int status;
    const char* type;
    const char* title;
    const char* detail;
};

namespace refusal {
inline constexpr Refusal malformed{400, "malformed-request", "Malformed request",
                                   "The request line or a header field is not valid HTTP/1.1."};
inline constexpr Refusal framing{400, "framing", "Ambiguous message framing",
                                 "The end of the request cannot be determined for certain."};
inline constexpr Refusal uri{414, "uri-too-long", "URI too long",
                             "The request target is too long."};
inline constexpr Refusal headers{431, "headers-too-large", "Header fields too large",
                                 "The header is too long or has too many fields."};
inline constexpr Refusal body{413, "body-too-large", "Body too large",
                              "The request body is larger than this resource accepts."};
inline constexpr Refusal timeout{408, "timeout", "Request timeout",
                                 "The request did not arrive in time."};
inline constexpr Refusal too_early{400, "websocket-handshake", "Bad WebSocket handshake",
                                   "The client sent data after the request and before the answer."};
inline constexpr Refusal expectation{417, "expectation", "Expectation failed",
                                     "The only supported expectation is 100-continue."};
}  // namespace refusal

// Finds the end of a header block that arrives in pieces, without reading whole lines twice.
class HeadScanner {
public:
    enum class Verdict { incomplete, complete, malformed };

    // `bytes` is everything that has arrived of this request so far.
    Verdict scan(std::string_view bytes) {
        for (;;) {
            const auto* lf = static_cast<const char*>(
                std::memchr(bytes.data() + line_, '\n', bytes.size() - line_));
            if (lf == nullptr) return Verdict::incomplete;
            const std::size_t end = static_cast<std::size_t>(lf - bytes.data());
            const bool crlf = end > line_ && bytes[end - 1] == '\r';
            const bool folded = line_ > 0 && (bytes[line_] == ' ' || bytes[line_] == '\t');
            if (!crlf || folded) return Verdict::malformed;
            const bool empty = end == line_ + 1;
            line_ = end + 1;
            if (request_line_ == 0) request_line_ = line_;
            if (empty) return line_ == 2 ? Verdict::malformed : Verdict::complete;
        }
    }

    std::size_t size() const { return line_; }  // of the head, once complete
    // The size of the request line, as far as it has arrived.
    std::size_t request_line_size(std::string_view bytes) const {
        return request_line_ > 0 ? request_line_ : bytes.size();
    }

private:
    std::size_t line_ = 0;          // the beginning of the line that has not ended yet
    std::size_t request_line_ = 0;  // its size, once it has ended
};

class RequestParser : public boost::beast::http::basic_parser<true> {
    using Base = boost::beast::http::basic_parser<true>;
    using Code = boost::system::error_code;
    using Text = boost::beast::string_view;
    using Field = boost::beast::http::field;

public:
    RequestParser(Request& request, const Limits& limits) : request_(request), limits_(limits) {
        // The session checks a declared length as soon as it has a route.
        body_limit(boost::none);
        header_limit(static_cast<std::uint32_t>(limits.header_bytes) + 2);
    }

    // `head` is a complete header block.
    std::optional<Refusal> parse_head(std::string_view head) {
        eager(false);
        Code ec;
        put({head.data(), head.size()}, ec);
        if (refused_) return refused_;
        if (ec) return is_framing(ec) ? refusal::framing : refusal::malformed;
        if (!is_header_done()) return refusal::malformed;
        const bool http11 = version_ == 11;
        if (transfer_encodings_ > 0 && (!http11 || content_lengths_ > 0 || !chunked())) {
            return refusal::framing;
        }
        if (hosts_ > 1 || (http11 && hosts_ == 0)) return refusal::malformed;
        if (has_expect_ && !wants_continue_) return refusal::expectation;
        return std::nullopt;
    }

    void begin_body(std::size_t limit_bytes) {
        body_limit(limit_bytes);
        eager(true);
        request_.body.reserve(content_length() ? static_cast<std::size_t>(*content_length()) : 0);
    }

    // Parses as much of `bytes` as it can. `taken` may be less than all; then call it again with
    // more.
    std::optional<Refusal> parse_body(std::string_view bytes, std::size_t& taken) {
        // A chunked body ends with at least five bytes; Beast's assertions require them in one
        // piece.
        if (chunked() && bytes.size() < kLastChunkBytes) {
            taken = 0;
            return std::nullopt;
        }
        Code ec;
        taken = put({bytes.data(), bytes.size()}, ec);
        if (refused_) return refused_;
        if (!ec) return std::nullopt;
        if (ec == boost::beast::http::error::body_limit) return refusal::body;
        if (ec != boost::beast::http::error::need_more) return refusal::framing;
        // Beast needs the header line of a chunk, and all trailers, in one piece.
        if (bytes.size() - taken > limits_.header_bytes) return refusal::framing;
        return std::nullopt;
    }

    bool wants_continue() const { return wants_continue_ && version_ == 11; }
    bool http11() const { return version_ == 11; }
    // Whether the client wants to use the connection again (RFC 9112 §9.3). Beast's keep_alive() is
    // not used: on HTTP/1.0 it overlooks a `close` beside a `keep-alive`.
    bool keeps_alive() const { return !close_ && (http11() || keep_alive_); }

private:
    static constexpr std::size_t kMaxChunkExtension = 1024;
    static constexpr std::size_t kLastChunkBytes = 5;  // "0\r\n\r\n"

    static bool is_framing(Code ec) {
        using boost::beast::http::error;
        return ec == error::bad_content_length || ec == error::multiple_content_length ||
               ec == error::bad_transfer_encoding;
    }

    void refuse(const Refusal& why, Code& ec) {
        refused_ = why;
        ec = boost::beast::http::error::bad_value;
    }

    void on_request_impl(boost::beast::http::verb, Text method, Text target, int version,
                         Code& ec) override {
        version_ = version;
        if (target.size() > limits_.uri_bytes) return refuse(refusal::uri, ec);
        std::string_view rest{target.data(), target.size()};
        if (!rest.empty() && rest.front() != '/' && rest != "*") {  // absolute form, as for a proxy
            constexpr std::string_view scheme = "http://";
            if (!equals_ignoring_case(rest.substr(0, scheme.size()), scheme)) {
                return refuse(refusal::malformed, ec);
            }
            rest.remove_prefix(std::min(rest.find_first_of("/?", scheme.size()), rest.size()));
        }
        rest = rest.substr(0, rest.find('#'));
        const std::size_t mark = rest.find('?');
        request_.method.assign(method.data(), method.size());
        request_.path.assign(rest.substr(0, mark));
        if (request_.path.empty()) request_.path = "/";
        if (mark != std::string_view::npos) request_.query.assign(rest.substr(mark + 1));
    }

    void on_field_impl(Field field, Text name, Text value, Code& ec) override {
        if (++fields_ > limits_.header_fields) return refuse(refusal::headers, ec);
        const std::string_view text{value.data(), value.size()};
        if (in_body_) return on_trailer(field, ec);
        if (field == Field::content_length) {
            const bool digits = text.find_first_not_of("0123456789") == std::string_view::npos;
            if (++content_lengths_ > 1 || !digits) return refuse(refusal::framing, ec);
        } else if (field == Field::transfer_encoding) {
            ++transfer_encodings_;
            if (!equals_ignoring_case(text, "chunked")) return refuse(refusal::framing, ec);
        } else if (field == Field::host) {
            ++hosts_;
        } else if (field == Field::expect) {
            has_expect_ = true;
            wants_continue_ = equals_ignoring_case(text, "100-continue");
        } else if (field == Field::connection) {
            for (std::string_view rest = text; !rest.empty();) {
                const std::string_view option = take_item(rest, ',');
                close_ = close_ || equals_ignoring_case(option, "close");
                keep_alive_ = keep_alive_ || equals_ignoring_case(option, "keep-alive");
            }
        }
        request_.headers.add({name.data(), name.size()}, text);
    }

    // Trailers are dropped. Those that would change how the request is read are refused. (Beast
    // itself refuses Content-Length and Transfer-Encoding after a chunked body.)
    void on_trailer(Field field, Code& ec) {
        if (field == Field::host || field == Field::authorization || field == Field::cookie ||
            field == Field::connection || field == Field::content_type ||
            field == Field::content_encoding) {
            refuse(refusal::framing, ec);
        }
    }

    void on_header_impl(Code&) override {}

    void on_body_init_impl(const boost::optional<std::uint64_t>&, Code&) override {
        in_body_ = true;
    }

    std::size_t on_body_impl(Text bytes, Code&) override {
        request_.body.append(bytes.data(), bytes.size());
        return bytes.size();
    }

    void on_chunk_header_impl(std::uint64_t, Text extensions, Code& ec) override {
        if (extensions.size() > kMaxChunkExtension) refuse(refusal::framing, ec);
    }

    std::size_t on_chunk_body_impl(std::uint64_t, Text bytes, Code& ec) override {
        return on_body_impl(bytes, ec);
    }

    void on_finish_impl(Code&) override {}
    void on_response_impl(int, Text, int, Code&) override {}

    Request& request_;
    const Limits& limits_;
    std::optional<Refusal> refused_;
    int version_ = 0;
    std::size_t fields_ = 0;
    unsigned content_lengths_ = 0;
    unsigned transfer_encodings_ = 0;
    unsigned hosts_ = 0;
    bool has_expect_ = false;
    bool wants_continue_ = false;
    bool close_ = false;       // of the Connection field
    bool keep_alive_ = false;  // likewise
    bool in_body_ = false;
};

}  // namespace orderflow::http
