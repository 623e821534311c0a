#pragma once
// The inventory service's routes. Handlers run on the io thread.
#include <string_view>

#include "http/router.hpp"
#include "inventory/inventory_commands.hpp"
#include "postgres/pool.hpp"

namespace orderflow::inventory {

// GET and PUT /api/products/{id}, POST /api/products/{id}/adjustments. The arguments must outlive
// the router.
void add_product_routes(http::Router& router, ProductLoop& products, postgres::Pool& pool);

// Reads a PUT: the id from the path, see valid_product_id(), and the body. Currency defaults to
// KRW.
Validated<Offer> parse_offer(std::string_view product_id, std::string_view body);

// The conditions of the request on the stored product. Error "precondition": a field is malformed,
// or it is a condition on a date, and products have no date.
Result<Conditions> parse_conditions(const http::Request& request);

// Reads the body of an adjustment; the key is left empty.
Validated<AdjustStock> parse_adjustment(std::string_view body);

// 1 to 64 characters of printable ASCII without '/', and neither "." nor "..". Every other text in
// the path of a URL arrives as it was sent; clients resolve these two as relative path segments.
bool valid_product_id(std::string_view id);

}  // namespace orderflow::inventory
