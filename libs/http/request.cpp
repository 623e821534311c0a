#include "http/request.hpp"

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include <boost/nowide/utf/utf.hpp>

namespace orderflow::http {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_utf8(std::string_view text) {
    using Traits = boost::nowide::utf::utf_traits<char>;
    for (const char *at = text.data(), *end = at + text.size(); at != end;) {
        if (!boost::nowide::utf::is_valid_codepoint(Traits::decode(at, end))) return false;
    }
    return true;
}

// Removes the next `name=value` from a query and returns it, still encoded.
std::pair<std::string_view, std::string_view> take_pair(std::string_view& rest) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    return {pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size()))};
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_space) {
            decoded += ' ';
        } else if (text[i] != '%') {
            decoded += text[i];
        } else {
            if (i + 2 >= text.size()) return std::nullopt;
            const int high = hex_value(text[i + 1]);
            const int low = hex_value(text[i + 2]);
            if (high < 0 || low < 0 || high + low == 0) return std::nullopt;
            decoded += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    if (!is_utf8(decoded)) return std::nullopt;
    return decoded;
}

std::string percent_encode(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x80 && std::isalnum(byte)) || c == '-' || c == '_' || c == '.' || c == '~') {
            out += c;
        } else {
            out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
        }
    }
    return out;
}

void Headers::add(std::string_view name, std::string_view value) {
    if (fields_.empty()) {
        fields_.reserve(8);
        text_.reserve(256);
    }
    fields_.push_back({static_cast<std::uint32_t>(text_.size()),
                       static_cast<std::uint32_t>(name.size()),
                       static_cast<std::uint32_t>(value.size())});
    text_.append(name).append(value);
}

void Headers::clear() {
    text_.clear();
    fields_.clear();
}

std::string_view Headers::find(std::string_view name) const {
    for (std::size_t i = 0; i < fields_.size(); ++i) {
        const auto [field, value] = (*this)[i];
        if (equals_ignoring_case(field, name)) return value;
    }
    return {};
}

std::size_t Headers::count(std::string_view name) const {
    std::size_t n = 0;
    for (std::size_t i = 0; i < fields_.size(); ++i) {
        n += equals_ignoring_case((*this)[i].first, name) ? 1 : 0;
    }
    return n;
}

std::pair<std::string_view, std::string_view> Headers::operator[](std::size_t i) const {
    const Field& field = fields_[i];
    const std::string_view text = text_;
    return {text.substr(field.at, field.name_size),
            text.substr(field.at + field.name_size, field.value_size)};
}

const std::string& Request::param(std::string_view name) const {
    for (const auto& [key, value] : params) {
        if (key == name) return value;
    }
    throw std::out_of_range("no path variable " + std::string(name));
}

std::optional<std::string> Request::query_param(std::string_view name) const {
    for (std::string_view rest = query; !rest.empty();) {
        const auto [encoded_name, value] = take_pair(rest);
        if (percent_decode(encoded_name, true) == name) return percent_decode(value, true);
    }
    return std::nullopt;
}

Result<Request::Query> Request::query_params(
    std::initializer_list<std::string_view> allowed) const {
    Query found;
    for (std::string_view rest = query; !rest.empty();) {
        const auto [encoded_name, encoded_value] = take_pair(rest);
        const auto name = percent_decode(encoded_name, true);
        auto value = percent_decode(encoded_value, true);
        if (!name || !value)
            return Error{"query", "a query parameter has an invalid percent-encoding"};
        if (std::ranges::find(allowed, *name) == allowed.end()) {
            return Error{"query", "unknown parameter '" + *name + "'"};
        }
        if (!found.emplace(*name, std::move(*value)).second) {
            return Error{"query", "parameter '" + *name + "' is given twice"};
        }
    }
    return found;
}

Response json_response(int status, std::string body) {
    Response response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

}  // namespace orderflow::http
