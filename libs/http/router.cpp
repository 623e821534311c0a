#include "http/router.hpp"

#include <algorithm>
#include <stdexcept>

namespace orderflow::http {

namespace {

struct Segment {
    std::string text;  // literal, or the variable's name
    bool variable = false;
};

// Removes the next segment from `path`, which starts with '/', and returns it.
std::string_view next_segment(std::string_view& path) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    return segment;
}

std::vector<Segment> parse_pattern(std::string_view pattern) {
    const auto refuse = [&](const char* why) {
        throw std::logic_error("route " + std::string(pattern) + ": " + why);
    };
    if (pattern.empty() || pattern.front() != '/') refuse("must begin with /");
    std::vector<Segment> segments;
    while (!pattern.empty()) {
        const std::string_view text = next_segment(pattern);
        if (text.size() > 2 && text.front() == '{' && text.back() == '}') {
            segments.push_back({std::string(text.substr(1, text.size() - 2)), true});
        } else if (text.find_first_of("{}") != std::string_view::npos) {
            refuse("a variable is a whole segment");
        } else {
            segments.push_back({std::string(text), false});
        }
    }
    return segments;
}

bool same_shape(const std::vector<Segment>& a, const std::vector<Segment>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
        return x.variable == y.variable && (x.variable || x.text == y.text);
    });
}

// Whether `a` is tried before `b`: where they differ first, `a` has a literal and `b` a variable.
bool more_specific(const std::vector<Segment>& a, const std::vector<Segment>& b) {
    return std::lexicographical_compare(
        a.begin(), a.end(), b.begin(), b.end(),
        [](const auto& x, const auto& y) { return x.variable < y.variable; });
}

bool matches(const std::vector<Segment>& segments, std::string_view path) {
    for (const Segment& segment : segments) {
        if (path.empty()) return false;
        const std::string_view text = next_segment(path);
        if (segment.variable ? text.empty() : text != segment.text) return false;
    }
    return path.empty();
}

}  // namespace

struct Router::Path {
    std::vector<Segment> segments;
    std::vector<std::unique_ptr<Route>> routes;  // one per method

    const Route* find(std::string_view method) const {
        for (const auto& route : routes) {
            if (route->method == method) return route.get();
        }
        return nullptr;
    }

    std::string allow() const {
        std::string list;
        for (const auto& route : routes) {
            if (!list.empty()) list += ", ";
            list += route->method;
            if (route->method == "GET" && !route->websocket) list += ", HEAD";
        }
        return list;
    }
};

Router::Router() = default;
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::add(std::string method, std::string pattern, Handler handler, RouteOptions options) {
    add(Route{std::move(method), std::move(pattern), std::move(handler), std::move(options)});
}

void Router::add(Route route) {
    const std::string& method = route.method;
    const std::string& pattern = route.pattern;
    std::vector<Segment> segments = parse_pattern(pattern);
    auto same = std::find_if(paths_.begin(), paths_.end(), [&](const auto& path) {
        return same_shape(path->segments, segments);
    });
    if (same == paths_.end()) {
        const auto place = std::upper_bound(
            paths_.begin(), paths_.end(), segments,
            [](const auto& a, const auto& b) { return more_specific(a, b->segments); });
        same = paths_.insert(place, std::make_unique<Path>());
        (*same)->segments = std::move(segments);
    } else if ((*same)->find(method) != nullptr) {
        throw std::logic_error("route " + method + " " + pattern + " is registered twice");
    } else if ((*same)->routes.front()->pattern != pattern) {
        throw std::logic_error("route " + pattern + " names its variables differently from " +
                               (*same)->routes.front()->pattern);
    }
    (*same)->routes.push_back(std::make_unique<Route>(std::move(route)));
}

void Router::get(std::string pattern, Handler handler) {
    add("GET", std::move(pattern), std::move(handler));
}

void Router::post(std::string pattern, Handler handler, RouteOptions options) {
    add("POST", std::move(pattern), std::move(handler), std::move(options));
}

void Router::put(std::string pattern, Handler handler, RouteOptions options) {
    add("PUT", std::move(pattern), std::move(handler), std::move(options));
}

void Router::websocket(std::string pattern, WebSocketFactory factory) {
    add(Route{"GET", std::move(pattern), {}, {}, std::move(factory)});
}

Router::Match Router::match(std::string_view method, std::string_view path) const {
    Match match;
    if (path.empty() || path.front() != '/') return match;
    const auto found = std::find_if(paths_.begin(), paths_.end(), [&](const auto& candidate) {
        return matches(candidate->segments, path);
    });
    if (found == paths_.end()) return match;

    for (const Segment& segment : (*found)->segments) {
        const std::string_view text = next_segment(path);
        if (!segment.variable) continue;
        auto decoded = percent_decode(text);
        if (!decoded) return match;
        match.params.emplace_back(segment.text, std::move(*decoded));
    }
    match.route = (*found)->find(method == "HEAD" ? "GET" : method);
    if (match.route != nullptr && match.route->websocket && method == "HEAD") match.route = nullptr;
    if (match.route == nullptr) match.allow = (*found)->allow();
    return match;
}

std::vector<const Route*> Router::routes() const {
    std::vector<const Route*> all;
    for (const auto& path : paths_) {
        for (const auto& route : path->routes) all.push_back(route.get());
    }
    return all;
}

}  // namespace orderflow::http
