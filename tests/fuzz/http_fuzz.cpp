// Bytes of a connection → head, route, body, answer: what the server does with a request, without
// its sockets. However the bytes are cut into pieces, the outcome must be the same; only that a
// request which never ends is refused may be noticed sooner or later. A whole request is answered
// by the services' own handlers, of a service that has no database: whatever they do not refuse
// ends in a queue that is full.
#include <algorithm>
#include <optional>
#include <string>

#include <rapidjson/document.h>

#include "core/trace.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/services.hpp"
#include "http/origin.hpp"
#include "http/request_parser.hpp"
#include "http/wire.hpp"

namespace orderflow::fuzz {
namespace {

using http::Limits;

// What became of the bytes, in words that two runs can be compared by.
struct Outcome {
    enum class Kind { incomplete, refused, complete } kind = Kind::incomplete;
    std::string what;  // the refusal's type, or the route
    std::string body;
    bool operator==(const Outcome& other) const {
        return kind == other.kind && what == other.what && body == other.body;
    }

    http::Request request = {};  // if it is complete
    const http::Route* route = nullptr;
};

Outcome refused(const http::Refusal& why) { return {Outcome::Kind::refused, why.type, {}}; }

// A request that is wrong in two ways may be refused for either, by how much of it has been seen.
bool agree(const Outcome& a, const Outcome& b) {
    if (a.kind == Outcome::Kind::refused && b.kind == Outcome::Kind::refused) return true;
    const bool one_waits =
        a.kind == Outcome::Kind::incomplete || b.kind == Outcome::Kind::incomplete;
    const bool one_is_complete =
        a.kind == Outcome::Kind::complete || b.kind == Outcome::Kind::complete;
    return a == b || (one_waits && !one_is_complete);
}

Outcome run(std::string_view bytes, std::size_t piece) {
    const Limits limits;
    http::HeadScanner scanner;
    auto verdict = http::HeadScanner::Verdict::incomplete;
    for (std::size_t got = std::min(piece, bytes.size()); got > 0; got += piece) {
        verdict = scanner.scan(bytes.substr(0, got));
        if (verdict != http::HeadScanner::Verdict::incomplete || got >= bytes.size()) break;
    }
    if (verdict == http::HeadScanner::Verdict::malformed) return refused(http::refusal::malformed);
    if (verdict == http::HeadScanner::Verdict::incomplete) return {};
    if (scanner.size() > limits.header_bytes) return refused(http::refusal::headers);

    http::Request request;
    http::RequestParser parser(request, limits);
    if (const auto why = parser.parse_head(bytes.substr(0, scanner.size()))) return refused(*why);
    const auto match = Services::instance().match(request);
    expect(match.route != nullptr || match.params.empty() || !match.allow.empty(),
           "variables belong to a path");
    if (parser.content_length().value_or(0) > limits.body_bytes) {
        return refused(http::refusal::body);
    }
    std::string_view rest = bytes.substr(scanner.size());
    if (!parser.is_done()) parser.begin_body(limits.body_bytes);
    std::size_t shown = 0;  // of `rest`, which shrinks as the parser takes it
    while (!parser.is_done()) {
        if (shown >= rest.size()) return {};
        shown = std::min(shown + piece, rest.size());
        std::size_t taken = 0;
        if (const auto why = parser.parse_body(rest.substr(0, shown), taken)) return refused(*why);
        expect(taken <= shown, "no more is taken than there is");
        rest.remove_prefix(taken);
        shown -= taken;
    }
    expect(request.body.size() <= limits.body_bytes, "a body is within its limit");
    request.params = match.params;
    Outcome complete{
        Outcome::Kind::complete,
        match.route != nullptr ? match.route->method + " " + match.route->pattern : "no route",
        request.body};
    complete.request = std::move(request);
    complete.route = match.route;
    return complete;
}

std::string percent_encode(std::string_view text) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
    return out;
}

// The two readers of a query agree, and what is decoded is encoded and decoded again.
void check_query(const http::Request& request) {
    const auto query = request.query_params({"customerId", "status", "limit", "cursor"});
    if (!query) return expect(query.error().code == "query", "a bad query is told as one");
    for (const auto& [name, value] : *query) {
        expect(request.query_param(name) == value, "one parameter is as all of them");
        expect(http::percent_decode(percent_encode(value)) == value, "what is encoded is decoded");
        expect(http::percent_decode(percent_encode(value), true) == value, "in a query too");
    }
}

// An answer that a client can read: RFC 9457 for a refusal, JSON in any case.
void check_answer(const http::Request& request, const http::Response& response) {
    expect(response.status < 500, "no request makes a handler fail");
    expect(http::fit_for_header(response), "no line is broken out of");
    rapidjson::Document body;
    body.Parse<rapidjson::kParseValidateEncodingFlag>(response.body.data(), response.body.size());
    expect(!body.HasParseError() && body.IsObject(), "an answer is JSON");
    if (response.status >= 400) {
        expect(response.content_type == "application/problem+json", "a refusal is a problem");
        expect(body.HasMember("type") && body["status"].GetInt() == response.status, "of RFC 9457");
    }
    const std::size_t keys = request.headers.count("Idempotency-Key");
    if (keys > 1 && request.method == "POST") {
        expect(response.status >= 400, "of two keys none is taken");
    }
}

void answer(Outcome whole) {
    check_query(whole.request);
    (void)http::accepts(whole.request.headers, "application/json");
    (void)http::is_foreign(whole.request.headers, {"https://shop.example"});
    const std::string trace = read_traceparent(whole.request.header("traceparent"));
    expect(read_traceparent(trace) == trace, "a trace that was read is read again as the same");
    (void)http::acceptable_media_type(whole.request.header("Content-Type"), "application/json");
    if (whole.route == nullptr || !whole.route->handler) return;  // none, or a WebSocket
    const http::Request request = whole.request;
    const auto response = Services::instance().answer(*whole.route, std::move(whole.request));
    if (response) return check_answer(request, *response);
    const std::string_view key = request.header("Idempotency-Key");
    expect(request.headers.count("Idempotency-Key") == 0 || request.method != "POST" ||
               (key.size() >= 8 && key.size() <= 128),
           "a request with a bad key gets no further");
}

}  // namespace
}  // namespace orderflow::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace orderflow;
    const std::string_view bytes = fuzz::text_of(data, size);
    fuzz::Outcome whole = fuzz::run(bytes, std::max<std::size_t>(bytes.size(), 1));
    fuzz::expect(agree(whole, fuzz::run(bytes, 1)), "pieces make no difference");
    if (whole.kind == fuzz::Outcome::Kind::complete) fuzz::answer(std::move(whole));
    return 0;
}
