#include "orderctl/service_calls.hpp"

#include <algorithm>
#include <exception>

#include <boost/asio/co_spawn.hpp>

#include "orderctl/connect.hpp"

namespace orderflow::orderctl {
namespace {

namespace asio = boost::asio;

http::ClientLimits limits() {
    http::ClientLimits limits;
    limits.requests = 1;
    limits.response_bytes = 4 * 1024 * 1024;
    return limits;
}

asio::awaitable<void> ask(http::Client& client, std::string target, std::chrono::seconds patience,
                          http::ClientResult& result) {
    std::string method = "GET";
    result = co_await client.request(std::move(method), std::move(target), std::string(), patience);
}

}  // namespace

HttpAsker::HttpAsker(const http::ClientSettings& settings, std::chrono::seconds patience)
    : patience_(patience), client_(io_, settings, limits()) {}

http::ClientResult HttpAsker::get(const std::string& target, const std::string& whom) {
    http::ClientResult result;
    std::exception_ptr failed;
    asio::co_spawn(io_, ask(client_, target, patience_, result), [&](std::exception_ptr error) {
        failed = error;
        io_.stop();
    });
    io_.restart();
    io_.run();
    if (failed) std::rethrow_exception(failed);
    if (!result.is_response()) throw CannotDo(whom + ": " + result.error);
    return result;
}

std::pair<std::string, std::string> split_address(std::string_view text,
                                                  std::string_view default_port) {
    const auto colon = text.rfind(':');
    const bool has_port = colon != text.npos && text.find(']', colon) == text.npos;
    std::string_view host = has_port ? text.substr(0, colon) : text;
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return {std::string(host), std::string(has_port ? text.substr(colon + 1) : default_port)};
}

ServiceAddress address_of(const std::string& origin) {
    std::string_view rest = origin;
    const bool tls = rest.starts_with("https://");
    rest.remove_prefix(std::min(rest.size(), rest.find("://") + 3));
    if (rest.ends_with('/')) rest.remove_suffix(1);
    auto [host, port] = split_address(rest, tls ? "443" : "80");
    return {tls, std::move(host), std::move(port)};
}

}  // namespace orderflow::orderctl
