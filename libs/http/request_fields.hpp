#pragma once
// The fields that each request carries, and in them the credentials from a file, which may be
// replaced at any time. Inside libs/http only, for http::Client, on the io thread.

#include <chrono>
#include <memory>
#include <string>

#include <curl/curl.h>

namespace orderflow::http {

// A request keeps the list that it was begun with.
using Fields = std::shared_ptr<curl_slist>;

class RequestFields {
public:
    // `credentials_file`: empty: none are sent. Throws std::runtime_error.
    explicit RequestFields(std::string credentials_file);

    // Reads the file again if the last time was a second ago.
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
