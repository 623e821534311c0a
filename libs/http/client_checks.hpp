#pragma once
// Checks the settings of a client before it uses them. Inside libs/http only, for http::Client; any
// thread.
#include <string>

namespace orderflow::http {

// Returns `text`, which must be http:// or https://host[:port], without a slash at its end. Throws
// std::invalid_argument; its message does not repeat a text that contains an @, because it may
// contain a password.
std::string checked_origin(std::string text);

// Checks that `text` is http:// or https://[user:password@]host[:port]. Throws
// std::invalid_argument; its message does not repeat the text.
void check_proxy(const std::string& text);

// Checks that the file can be read and contains a certificate in PEM. Throws std::runtime_error.
void check_ca_file(const std::string& file);

}  // namespace orderflow::http
