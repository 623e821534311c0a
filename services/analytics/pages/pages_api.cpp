#include "analytics/pages/pages_api.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/digest.hpp"
#include "core/ids.hpp"
#include "http/problem.hpp"

namespace orderflow::analytics {
namespace {

namespace asio = boost::asio;

// Only scripts, styles, pictures and connections from this origin, nothing inline: if a name
// smuggled markup into a page, a script in it would not run.
constexpr char kPolicy[] =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'";

struct MediaType {
    std::string_view suffix;
    std::string_view type;
};
constexpr std::array<MediaType, 4> kMediaTypes{{{".html", "text/html; charset=utf-8"},
                                                {".css", "text/css; charset=utf-8"},
                                                {".js", "text/javascript; charset=utf-8"},
                                                {".svg", "image/svg+xml"}}};

std::string_view media_type(std::string_view name) {
    for (const auto& [suffix, type] : kMediaTypes) {
        if (name.ends_with(suffix)) return type;
    }
    throw std::logic_error("a page of no known type: " + std::string(name));
}

// RFC 9110 §13.1.2, weak comparison: proxies may have added W/.
bool is_known(std::string_view if_none_match, std::string_view etag) {
    return if_none_match == "*" || if_none_match.find(etag) != std::string_view::npos;
}

struct Page {
    std::string_view text;
    std::string_view type;
    std::string etag;
};

Page page_of(const PageFile& file) {
    return {file.text, media_type(file.name), '"' + digest_of(file.text).to_string() + '"'};
}

Page page_named(std::string_view name) {
    const auto files = page_files();
    const auto found = std::ranges::find(files, name, &PageFile::name);
    if (found == files.end()) throw std::logic_error("no such page: " + std::string(name));
    return page_of(*found);
}

// A browser revalidates each time, and mostly receives 304: a new build is visible at once.
http::Response answer(const Page& page, const http::Request& request, int status = 200) {
    http::Response response;
    response.status = status;
    response.content_type = page.type;
    response.headers = {{"ETag", page.etag},
                        {"Cache-Control", "no-cache"},
                        {"Content-Security-Policy", kPolicy},
                        {"X-Content-Type-Options", "nosniff"},
                        {"Referrer-Policy", "same-origin"}};
    if (status == 200 && is_known(request.header("if-none-match"), page.etag)) {
        response.status = 304;
    } else {
        response.body = page.text;
    }
    return response;
}

asio::awaitable<http::Response> get_page(const Page& page, http::Request request) {
    co_return answer(page, request);
}

asio::awaitable<http::Response> get_order_page(const Page& page, const Page& not_found,
                                               http::Request request) {
    if (!OrderId::parse(request.param("id"))) co_return answer(not_found, request, 404);
    co_return answer(page, request);
}

http::Response nothing(const Page& not_found, const http::Request& request) {
    const bool for_people = request.header("accept").find("text/html") != std::string_view::npos;
    if (for_people && !request.path.starts_with("/api/")) {
        return answer(not_found, request, 404);
    }
    return http::problem(404, "not-found", "Not found", "nothing is served at this path");
}

using Quotes = std::pair<std::string_view, std::string_view>;
constexpr std::array<Quotes, 5> kQuotes{
    {{"\"", "\""}, {"'", "'"}, {"`", "`"}, {"\u201c", "\u201d"}, {"\u2018", "\u2019"}}};

// Removes blanks around the text, and quotes that were copied with it.
std::string_view bare(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return {};
    text = text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
    for (const auto& [open, close] : kQuotes) {
        if (text.size() < open.size() + close.size()) continue;
        if (!text.starts_with(open) || !text.ends_with(close)) continue;
        return bare(text.substr(open.size(), text.size() - open.size() - close.size()));
    }
    return text;
}

// A text that looks like an order's id leads to the order, any other text to a customer.
std::string place_of(std::string_view words) {
    const std::string text(bare(words));
    if (text.empty()) return "/";
    std::string lower = text;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (OrderId::parse(lower)) return "/orders/" + lower;
    return "/customers?id=" + http::percent_encode(text);
}

asio::awaitable<http::Response> get_search(http::Request request) {
    http::Response response;
    response.status = 303;
    response.headers = {{"Location", place_of(request.query_param("q").value_or(""))},
                        {"Cache-Control", "no-store"}};
    co_return response;
}

}  // namespace

void add_page_routes(http::Router& router) {
    const auto get = [&](std::string path, std::string_view name) {
        router.get(std::move(path), [page = page_named(name)](http::Request request) {
            return get_page(page, std::move(request));
        });
    };
    const Page not_found = page_named("not-found.html");
    get("/", "dashboard.html");
    get("/customers", "customer.html");
    get("/kafka", "kafka.html");
    router.get("/orders/{id}", [page = page_named("order.html"), not_found](http::Request request) {
        return get_order_page(page, not_found, std::move(request));
    });
    router.get("/search", &get_search);
    for (const PageFile& file : page_files()) {
        if (!file.name.ends_with(".html")) get("/pages/" + std::string(file.name), file.name);
    }
    router.not_found(
        [not_found](const http::Request& request) { return nothing(not_found, request); });
}

}  // namespace orderflow::analytics
