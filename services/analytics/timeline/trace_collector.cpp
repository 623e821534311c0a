#include "analytics/timeline/trace_collector.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <rapidjson/document.h>

#include "events/announcements.hpp"
#include "http/retry_after.hpp"

namespace orderflow::analytics {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using Verdict = CollectorAnswer::Verdict;

constexpr milliseconds kLookForStop{50};
constexpr std::size_t kShown = 200;  // bytes of a collector's text

constexpr bool may_pass(int status) {
    return status == 429 || status == 502 || status == 503 || status == 504;
}

// The reason why a collector that answers 2xx left spans out; nullopt: it accepted all. The number
// of them is a string in protobuf's JSON, and may be a number.
std::optional<std::string> left_out(const std::string& body) {
    rapidjson::Document answer;
    answer.Parse<rapidjson::kParseIterativeFlag>(body.data(), body.size());
    if (answer.HasParseError() || !answer.IsObject()) return std::nullopt;
    const auto partial = answer.FindMember("partialSuccess");
    if (partial == answer.MemberEnd() || !partial->value.IsObject()) return std::nullopt;
    const auto count = partial->value.FindMember("rejectedSpans");
    if (count == partial->value.MemberEnd()) return std::nullopt;
    const auto& n = count->value;
    const bool none = n.IsString() ? n.GetString() == std::string_view("0") : n == 0;
    if (none) return std::nullopt;
    return "some spans are left out: " + events::printable(body, kShown);
}

// The client needs the origin and the rest separately.
struct Endpoint {
    explicit Endpoint(const std::string& url) {
        const auto host = url.find("://");
        const auto path = host == std::string::npos ? host : url.find('/', host + 3);
        origin = url.substr(0, path);
        target = path == std::string::npos ? "/" : url.substr(path);
        if (!std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7f; })) {
            throw std::invalid_argument("not http:// or https://host[:port]/path");
        }
    }
    std::string origin;
    std::string target;
};

// Runs the client's io_context on the caller's thread, while there is a request.
class HttpCollector final : public Collector {
public:
    HttpCollector(const Endpoint& endpoint, const std::string& ca_file)
        : client_(io_, {.origin = endpoint.origin, .ca_file = ca_file}), target_(endpoint.target) {}

    CollectorAnswer post(const std::string& body, milliseconds timeout,
                         const std::stop_token& stop) override {
        const auto result = std::make_shared<std::optional<http::ClientResult>>();
        asio::co_spawn(io_, client_.request("POST", target_, body, timeout),
                       [result](std::exception_ptr failure, http::ClientResult answer) {
                           if (failure) answer.error = "the request cannot be made";
                           *result = std::move(answer);
                       });
        io_.restart();
        while (!*result && !stop.stop_requested()) io_.run_one_for(kLookForStop);
        if (*result) return read_answer(**result);
        return {Verdict::failed, milliseconds{0}, "the process is stopping"};
    }

private:
    asio::io_context io_{1};
    http::Client client_;
    const std::string target_;
};

}  // namespace

CollectorAnswer read_answer(const http::ClientResult& result) {
    if (!result.is_response()) return {Verdict::failed, milliseconds{0}, result.error};
    if (result.status / 100 == 2) {
        auto why = left_out(result.body);
        if (why) return {Verdict::partial, milliseconds{0}, std::move(*why)};
        return {};
    }
    std::string why = "status " + std::to_string(result.status);
    if (may_pass(result.status)) {
        return {Verdict::failed, http::retry_after(result.headers), std::move(why)};
    }
    if (!result.body.empty()) why += ": " + events::printable(result.body, kShown);
    return {Verdict::refused, milliseconds{0}, std::move(why)};
}

// The message must name the setting for the operator.
std::unique_ptr<Collector> make_collector(const TraceSettings& settings) {
    try {
        return std::make_unique<HttpCollector>(Endpoint(settings.endpoint), settings.ca_file);
    } catch (const std::exception& error) {
        throw std::invalid_argument(std::string("traces' endpoint: ") + error.what());
    }
}

}  // namespace orderflow::analytics
