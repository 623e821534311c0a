#include "http/wire.hpp"

#include <algorithm>
#include <ostream>  // which Beast's status.hpp needs and does not include

#include <boost/beast/http/status.hpp>

namespace orderflow::http {

namespace {

bool fit_for_header(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
    });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// "q=0", "q=0.00": not wanted.
bool has_no_weight(std::string_view parameters) {
    while (!parameters.empty()) {
        const std::string_view parameter = take_item(parameters, ';');
        if (!equals_ignoring_case(parameter.substr(0, 2), "q=")) continue;
        return parameter.find_first_not_of("0.", 2) == std::string_view::npos;
    }
    return false;
}

}  // namespace

std::string_view take_item(std::string_view& rest, char separator) {
    const std::string_view item = rest.substr(0, rest.find(separator));
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
    return trimmed(item);
}

bool accepts(const Headers& headers, std::string_view type) {
    const std::string_view kind = type.substr(0, type.find('/') + 1);  // "application/"
    bool any_field = false;
    bool wanted = false;
    int fits_best = 0;
    for (std::size_t i = 0; i < headers.size(); ++i) {
        auto [name, ranges] = headers[i];
        if (!equals_ignoring_case(name, "Accept")) continue;
        any_field = true;
        while (!ranges.empty()) {
            std::string_view parameters = take_item(ranges, ',');
            const std::string_view range = take_item(parameters, ';');
            const bool of_kind = range.size() == kind.size() + 1 && range.back() == '*' &&
                                 equals_ignoring_case(range.substr(0, kind.size()), kind);
            const int fits = equals_ignoring_case(range, type) ? 3 : of_kind ? 2 : range == "*/*";
            if (fits <= fits_best) continue;
            fits_best = fits;
            wanted = !has_no_weight(parameters);
        }
    }
    return wanted || !any_field;
}

std::string_view HttpDate::now() {
    const std::time_t second = std::time(nullptr);
    if (second != second_) {
        second_ = second;
        std::tm utc{};
        gmtime_r(&second, &utc);
        size_ = std::strftime(text_.data(), text_.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    }
    return {text_.data(), size_};
}

bool fit_for_header(const Response& response) {
    return fit_for_header(response.content_type) &&
           std::all_of(response.headers.begin(), response.headers.end(), [](const auto& field) {
               return fit_for_header(field.first) && fit_for_header(field.second);
           });
}

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

void write_head(std::string& out, const Response& response, std::string_view date,
                bool keep_alive) {
    namespace beast_http = boost::beast::http;
    const auto status = static_cast<unsigned>(response.status);
    const auto reason = beast_http::obsolete_reason(beast_http::int_to_status(status));
    out.clear();
    out.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
    out.append(reason.data(), reason.size());
    out.append("\r\nDate: ").append(date);
    if (may_have_body(response.status)) {
        if (!response.content_type.empty() && !response.body.empty()) {
            out.append("\r\nContent-Type: ").append(response.content_type);
        }
        out.append("\r\nContent-Length: ").append(std::to_string(response.body.size()));
    }
    for (const auto& [name, value] : response.headers) {
        out.append("\r\n").append(name).append(": ").append(value);
    }
    if (!keep_alive) out.append("\r\nConnection: close");
    out.append("\r\n\r\n");
}

bool acceptable_media_type(std::string_view sent, std::string_view wanted) {
    const std::size_t semicolon = std::min(sent.find(';'), sent.size());
    std::string_view type = sent.substr(0, semicolon);
    while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
    if (!equals_ignoring_case(type, wanted)) return false;

    std::string_view parameters = sent.substr(semicolon);
    while (!parameters.empty()) {
        parameters.remove_prefix(1);
        while (!parameters.empty() && parameters.front() == ' ') parameters.remove_prefix(1);
        std::string_view parameter = parameters.substr(0, parameters.find(';'));
        parameters.remove_prefix(parameter.size());
        while (!parameter.empty() && parameter.back() == ' ') parameter.remove_suffix(1);
        constexpr std::string_view charset = "charset=";
        if (!equals_ignoring_case(parameter.substr(0, charset.size()), charset)) continue;
        const std::string_view value = parameter.substr(charset.size());
        if (!equals_ignoring_case(value, "utf-8") && !equals_ignoring_case(value, "\"utf-8\"")) {
            return false;
        }
    }
    return true;
}

}  // namespace orderflow::http
