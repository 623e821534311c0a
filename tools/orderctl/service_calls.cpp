#include "orderctl/service_calls.hpp"

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

}  // namespace orderflow::orderctl
