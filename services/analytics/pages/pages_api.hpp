#pragma once
// The pages for people, served at `/`: dashboard, order, list of a customer's orders, Kafka. The
// files in services/analytics/pages are compiled in (cmake/embed_pages.cmake) and sent unchanged;
// they read their data from the API. Handlers run on the io thread.
#include <span>
#include <string_view>

#include "http/router.hpp"

namespace orderflow::analytics {

struct PageFile {
    std::string_view name;  // "order.html"
    std::string_view text;
};
std::span<const PageFile> page_files();  // sorted by name; generated

// GET /, /orders/{id}, /customers?id=, /search?q= (redirects to one of the two before), /kafka,
// /pages/<file> for styles and scripts. For any other path below `/` a browser receives a page with
// 404; programs, which do not accept HTML, receive the problem document.
void add_page_routes(http::Router& router);

}  // namespace orderflow::analytics
