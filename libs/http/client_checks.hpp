#pragma once
// What a client is told to use, before it is used. Inside libs/http only, for http::Client.
#include <string>

namespace orderflow::http {

// http:// or https://host[:port], without a slash at its end. Throws std::invalid_argument, without
// repeating a text with an @.
std::string checked_origin(std::string text);

// http:// or https://[user:password@]host[:port]. Throws std::invalid_argument, without repeating
// the text.
void check_proxy(const std::string& text);

// It can be read and holds a certificate in PEM. Throws std::runtime_error.
void check_ca_file(const std::string& file);

}  // namespace orderflow::http
