#include "http/origin.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace orderflow::http {

namespace {

struct Authority {
    std::string_view host;  // compared without case; an IPv6 address is in its brackets
    unsigned port = 0;
};

struct Origin {
    bool https = false;
    Authority authority;
};

unsigned default_port(bool https) { return https ? 443 : 80; }

// "host" or "host:port".
std::optional<Authority> parse_authority(std::string_view text, unsigned port) {
    const std::size_t bracket = text.rfind(']');
    const std::size_t colon = text.rfind(':');
    Authority authority{text, port};
    if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
        authority.host = text.substr(0, colon);
        const char* end = text.data() + text.size();
        const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, authority.port);
        if (error != std::errc{} || rest != end || authority.port == 0 || authority.port > 65535) {
            return std::nullopt;
        }
    }
    const auto in_host = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view("-._[]:").find(c) != std::string_view::npos;
    };
    if (authority.host.empty() || !std::ranges::all_of(authority.host, in_host)) {
        return std::nullopt;
    }
    return authority;
}

std::optional<Origin> parse_origin(std::string_view text) {
    const std::size_t end = text.find("://");
    const std::string_view scheme = text.substr(0, end);
    const bool https = equals_ignoring_case(scheme, "https");
    if (end == std::string_view::npos || (!https && !equals_ignoring_case(scheme, "http"))) {
        return std::nullopt;
    }
    const auto authority = parse_authority(text.substr(end + 3), default_port(https));
    if (!authority) return std::nullopt;
    return Origin{https, *authority};
}

bool same(const Authority& a, const Authority& b) {
    return a.port == b.port && equals_ignoring_case(a.host, b.host);
}

bool is_allowed(const Origin& origin, const std::vector<std::string>& allowed_origins) {
    return std::ranges::any_of(allowed_origins, [&](const std::string& text) {
        const auto allowed = parse_origin(text);
        return allowed && allowed->https == origin.https &&
               same(allowed->authority, origin.authority);
    });
}

}  // namespace

bool is_origin(std::string_view text) { return parse_origin(text).has_value(); }

bool is_foreign(const Headers& headers, const std::vector<std::string>& allowed_origins) {
    std::size_t origins = 0;
    std::string_view value;
    bool cross_site = false;
    bool same_origin = true;  // as far as Sec-Fetch-Site shows
    for (std::size_t i = 0; i < headers.size(); ++i) {
        const auto [name, text] = headers[i];
        if (equals_ignoring_case(name, "Origin")) {
            ++origins;
            value = text;
        } else if (equals_ignoring_case(name, "Sec-Fetch-Site")) {
            cross_site = cross_site || equals_ignoring_case(text, "cross-site");
            same_origin = same_origin && (equals_ignoring_case(text, "same-origin") ||
                                          equals_ignoring_case(text, "none"));
        }
    }
    if (origins == 0) return !same_origin;
    const auto origin = origins == 1 ? parse_origin(value) : std::nullopt;
    if (!origin) return true;
    if (is_allowed(*origin, allowed_origins)) return false;
    // A proxy in front may have ended TLS, so the schemes are not compared. If Host has no port, it
    // has the default port of Origin's scheme. A page with the other scheme is refused
    // nevertheless, because its requests are cross-site.
    const auto host = parse_authority(headers.find("Host"), default_port(origin->https));
    return cross_site || !host || !same(*host, origin->authority);
}

}  // namespace orderflow::http
