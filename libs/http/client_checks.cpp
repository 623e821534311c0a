#include "http/client_checks.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <vector>

#include <curl/curl.h>

namespace orderflow::http {
namespace {

struct UrlCleanup {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct TextFree {
    void operator()(char* text) const { curl_free(text); }
};

class Url {
public:
    explicit Url(const std::string& text) : url_(curl_url()) {
        good_ = url_ && text.find_first_of(" \t\r\n") == std::string::npos &&
                curl_url_set(url_.get(), CURLUPART_URL, text.c_str(), 0) == CURLUE_OK;
    }
    bool good() const { return good_; }
    // Empty if there is none.
    std::string part(CURLUPart part) const {
        char* text = nullptr;
        if (curl_url_get(url_.get(), part, &text, 0) != CURLUE_OK) return {};
        return std::unique_ptr<char, TextFree>(text).get();
    }
    bool has_only_host_and_port() const {
        if (part(CURLUPART_PATH) != "/" || part(CURLUPART_HOST).empty()) return false;
        return std::ranges::all_of(
            std::vector{CURLUPART_QUERY, CURLUPART_FRAGMENT, CURLUPART_USER, CURLUPART_PASSWORD},
            [this](CURLUPart none) { return part(none).empty(); });
    }

private:
    std::unique_ptr<CURLU, UrlCleanup> url_;
    bool good_ = false;
};

}  // namespace

// libcurl repairs many malformed URLs, for example "http:///x" and "http://x:". They are refused
// here.
std::string checked_origin(std::string text) {
    if (text.ends_with('/')) text.pop_back();
    const Url url(text);
    const std::string scheme = url.good() ? url.part(CURLUPART_SCHEME) : std::string();
    const std::string start = scheme + "://";
    if ((scheme != "http" && scheme != "https") || !text.starts_with(start) ||
        !url.has_only_host_and_port() || text.ends_with(':') ||
        text.find_first_of("@?#/", start.size()) != std::string::npos) {
        const bool may_hold_password = text.find('@') != text.npos;
        throw std::invalid_argument("not http:// or https://host[:port]" +
                                    (may_hold_password ? "" : ": " + text));
    }
    return text;
}

void check_proxy(const std::string& text) {
    const Url url(text);
    const bool known = text.starts_with("http://") || text.starts_with("https://");
    if (!known || !url.good() || url.part(CURLUPART_HOST).empty() ||
        url.part(CURLUPART_PATH) != "/") {
        throw std::invalid_argument("the proxy is not http://[user:password@]host:port");
    }
}

void check_ca_file(const std::string& file) {
    std::ifstream in(file);
    const std::string text(std::istreambuf_iterator<char>(in), {});
    if (!in || text.empty()) throw std::runtime_error("cannot read a CA certificate from " + file);
    if (text.find("-----BEGIN CERTIFICATE-----") == std::string::npos &&
        text.find("-----BEGIN TRUSTED CERTIFICATE-----") == std::string::npos) {
        throw std::runtime_error(file + " contains no CA certificate in PEM format");
    }
}

}  // namespace orderflow::http
