#pragma once
// The pages for people, served at `/`: dashboard, order, list of a customer's orders, Kafka. The
// files in services/analytics/pages are compiled in (cmake/embed_pages.cmake) and sent as they are;
// what they show they ask of the API. Used by timeline_api; handlers run on the io thread.
#include <span>
#include <string_view>

#include "http/router.hpp"

namespace orderflow::analytics {

struct PageFile {
    std::string_view name;  // "order.html"
    std::string_view text;
};
std::span<const PageFile> page_files();  // sorted by name; generated

// GET /, /orders/{id}, /customers?id=, /search?q= (leads to one of the two before), /kafka,
// /pages/<file> for styles and scripts. A browser that asks for anything else below `/` gets a page
// that says so, with 404; programs, which do not ask for HTML, get the problem document.
void add_page_routes(http::Router& router);

}  // namespace orderflow::analytics
