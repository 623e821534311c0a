#pragma once
// The inventory service's routes. Handlers run on the io thread.
#include <string_view>

#include "http/router.hpp"
#include "inventory/inventory_service.hpp"
#include "postgres/pool.hpp"

namespace orderflow::inventory {

// PUT and GET /api/products/{id}. The arguments must outlive the router.
http::Router make_router(ProductLoop& products, postgres::Pool& pool);

// Reads a PUT: the id from the path, 1 to 64 characters of printable ASCII without '/', and the
// body. Currency defaults to KRW.
Result<Offer> parse_offer(std::string_view product_id, std::string_view body);

}  // namespace orderflow::inventory
