#pragma once
// Requests over HTTP, one after the other: to the gateway and to services. One thread; each call
// blocks until its answer is there.
#include <chrono>
#include <string>

#include <boost/asio/io_context.hpp>

#include "http/client.hpp"

namespace orderflow::orderctl {

class HttpAsker {
public:
    HttpAsker(const http::ClientSettings& settings, std::chrono::seconds patience);

    // Returns any answer, whatever its status. Throws CannotDo without an answer, with `whom` in
    // the text.
    http::ClientResult get(const std::string& target, const std::string& whom);

private:
    const std::chrono::seconds patience_;
    boost::asio::io_context io_{1};
    http::Client client_;
};

}  // namespace orderflow::orderctl
