#include "http/wire.hpp"

#include <algorithm>
#include <ostream>  // Beast's status.hpp needs it and does not include it

#include <boost/beast/http/status.hpp>

namespace orderflow::http {

namespace {

bool fit_for_header(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// The parameters after a media range: first its own (charset=utf-8), then its weight.
struct RangeParameters {
    bool own = false;
    bool weightless = false;  // "q=0", "q=0.00": not wanted
};

RangeParameters read_parameters(std::string_view text) {
    RangeParameters found;
    while (!text.empty()) {
        const std::string_view parameter = take_item(text, ';');
        if (equals_ignoring_case(parameter.substr(0, 2), "q=")) {
            const std::string_view weight = parameter.substr(2);
            found.weightless =
                weight.starts_with('0') && weight.find_first_not_of("0.") == std::string_view::npos;
            break;
        }
        found.own = found.own || !parameter.empty();
    }
    return found;
}

// The position of the next separator outside of a quoted string (RFC 9110 §5.6.4); the end of the
// text if there is none.
std::size_t find_separator(std::string_view text, char separator) {
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"') quoted = !quoted;
        if (quoted && text[i] == '\\') ++i;
        if (!quoted && text[i] == separator) return i;
    }
    return text.size();
}

}  // namespace

std::string_view take_item(std::string_view& rest, char separator) {
    const std::string_view item = rest.substr(0, find_separator(rest, separator));
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
    return trimmed(item);
}

bool accepts(const Headers& headers, std::string_view type) {
    const std::string_view kind = type.substr(0, type.find('/') + 1);  // "application/"
    bool any_range = false;
    bool wanted = false;
    int fits_best = 0;
    for (std::size_t i = 0; i < headers.size(); ++i) {
        auto [name, ranges] = headers[i];
        if (!equals_ignoring_case(name, "Accept")) continue;
        while (!ranges.empty()) {
            std::string_view rest = take_item(ranges, ',');
            if (rest.empty()) continue;
            any_range = true;
            const std::string_view range = take_item(rest, ';');
            const bool of_kind = range.size() == kind.size() + 1 && range.back() == '*' &&
                                 equals_ignoring_case(range.substr(0, kind.size()), kind);
            const int fits = equals_ignoring_case(range, type) ? 3 : of_kind ? 2 : range == "*/*";
            const RangeParameters parameters = read_parameters(rest);
            // "application/json;v=2;q=0" refuses one kind of JSON, not ours.
            const bool of_others = parameters.own && parameters.weightless;
            if (fits == 0 || fits < fits_best || of_others) continue;
            wanted = (fits == fits_best && wanted) || !parameters.weightless;
            fits_best = fits;
        }
    }
    return wanted || !any_range;
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
                std::string_view connection) {
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
    if (!connection.empty()) out.append("\r\nConnection: ").append(connection);
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
