#pragma once
// The header fields of each request of a client. One of them has the credentials from a file, which
// may be replaced at any time. Inside libs/http only, for http::Client, on the io thread.

#include <chrono>
#include <memory>
#include <string>

#include <curl/curl.h>

namespace orderflow::http {

// A running request keeps the list with which it began.
using Fields = std::shared_ptr<curl_slist>;

class RequestFields {
public:
    // If `credentials_file` is empty, no credentials are sent. Throws std::runtime_error if there
    // are none in the file.
    explicit RequestFields(std::string credentials_file);

    // Returns the fields of a request with or without a body. Reads the file again if it was last
    // read a second ago or earlier.
    const Fields& of(bool has_body);

private:
    void make(const std::string& credentials);

    const std::string file_;
    std::string credentials_;
    std::chrono::steady_clock::time_point next_look_;
    Fields with_body_;
    Fields without_;
};

}  // namespace orderflow::http
