#include "http/request_fields.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "core/secret_file.hpp"

namespace orderflow::http {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kLookAgain{1};

// Throws std::runtime_error; its message does not contain what was read.
std::string credentials_in(const std::string& file) {
    std::string text = secret_in(file);
    if (text.ends_with('\r')) text.pop_back();
    const auto visible = [](char c) { return c > ' ' && c < 0x7f; };
    if (text.empty() || !std::ranges::all_of(text, visible)) {
        throw std::runtime_error(
            "the first line of " + file +
            " is not a bearer token: it must be visible ASCII characters without blanks");
    }
    return text;
}

Fields list(std::initializer_list<std::string> lines) {
    Fields fields(nullptr, &curl_slist_free_all);
    for (const std::string& line : lines) {
        curl_slist* longer = curl_slist_append(fields.get(), line.c_str());
        if (!longer) throw std::bad_alloc();
        if (!fields) fields = Fields(longer, &curl_slist_free_all);
    }
    return fields;
}

}  // namespace

RequestFields::RequestFields(std::string credentials_file) : file_(std::move(credentials_file)) {
    make(file_.empty() ? std::string() : credentials_in(file_));
    next_look_ = Clock::now() + kLookAgain;
}

const Fields& RequestFields::of(bool has_body) {
    if (!file_.empty() && Clock::now() >= next_look_) {
        next_look_ = Clock::now() + kLookAgain;
        try {
            std::string credentials = credentials_in(file_);
            if (credentials != credentials_) make(credentials);
        } catch (const std::runtime_error&) {
            // The file is being replaced, or it is gone. The last credentials stay in use; if they
            // are no longer valid, the gateway's 401 shows it.
        }
    }
    return has_body ? with_body_ : without_;
}

// A name without a value removes a field that libcurl would send by itself.
void RequestFields::make(const std::string& credentials) {
    credentials_ = credentials;
    const std::string accept = "Accept: application/json";
    const std::string authorization =
        std::string("Authorization:") + (credentials.empty() ? "" : " Bearer ") + credentials;
    with_body_ = list({accept, authorization, "Content-Type: application/json", "Expect:"});
    without_ = list({accept, authorization, "Content-Type:", "Expect:"});
}

}  // namespace orderflow::http
