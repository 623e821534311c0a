// Bytes of a connection → head, route, body, order: what the server does with a request, without
// its sockets. However the bytes are cut into pieces, the outcome must be the same; only that a
// request which never ends is refused may be noticed sooner or later.
#include <algorithm>
#include <optional>
#include <string>

#include "fuzz/fuzz.hpp"
#include "http/request_parser.hpp"
#include "http/router.hpp"
#include "order/order_api.hpp"

namespace orderflow::fuzz {
namespace {

using http::Limits;

const http::Router& routes() {
    static const http::Router router = [] {
        http::Router all;
        for (const char* path : {"/api/orders", "/api/orders/{id}", "/api/orders/{id}/timeline",
                                 "/api/products/{id}", "/livez"}) {
            all.get(path, nullptr);
        }
        all.post("/api/orders", nullptr);
        all.post("/api/orders/{id}/cancellations", nullptr);
        all.put("/api/products/{id}", nullptr);
        return all;
    }();
    return router;
}

// What became of the bytes, in words that two runs can be compared by.
struct Outcome {
    enum class Kind { incomplete, refused, complete } kind = Kind::incomplete;
    std::string what;  // the refusal's type, or the route
    std::string body;
    bool operator==(const Outcome&) const = default;
};

Outcome refused(const http::Refusal& why) { return {Outcome::Kind::refused, why.type, {}}; }

// A request that is wrong in two ways may be refused for either, by how much of it has been seen.
bool agree(const Outcome& a, const Outcome& b) {
    if (a.kind == Outcome::Kind::refused && b.kind == Outcome::Kind::refused) return true;
    const bool one_waits = a.kind == Outcome::Kind::incomplete ||
                           b.kind == Outcome::Kind::incomplete;
    const bool one_is_complete = a.kind == Outcome::Kind::complete ||
                                 b.kind == Outcome::Kind::complete;
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
    const auto match = routes().match(request.method, request.path);
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
    return {Outcome::Kind::complete,
            match.route != nullptr ? match.route->method + " " + match.route->pattern : "no route",
            std::move(request.body)};
}

}  // namespace
}  // namespace orderflow::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace orderflow;
    const std::string_view bytes = fuzz::text_of(data, size);
    const fuzz::Outcome whole = fuzz::run(bytes, std::max<std::size_t>(bytes.size(), 1));
    fuzz::expect(agree(whole, fuzz::run(bytes, 1)), "pieces make no difference");
    if (whole.what == "POST /api/orders") {
        const auto order = order::parse_order(whole.body, "tok_ok");
        fuzz::expect(order.has_value() || !order.error().code.empty(), "a refusal has a code");
    }
    return 0;
}
