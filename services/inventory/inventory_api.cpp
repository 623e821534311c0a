#include "inventory/inventory_api.hpp"

#include "core/await_callback.hpp"
#include "core/trace.hpp"
#include "core/unavailable.hpp"
#include "events/json.hpp"
#include "http/problem.hpp"
#include "service/problems.hpp"

namespace orderflow::inventory {

// What clients send and receive, as described structs: the codec's view of the API.
struct OfferBody {
    std::string name;
    std::int64_t price = 0;
    std::int64_t stock = 0;
    std::optional<Currency> currency;
};
BOOST_DESCRIBE_STRUCT(OfferBody, (), (name, price, stock, currency))

struct ProductView {
    std::string product_id;
    std::string name;
    std::int64_t price = 0;
    Currency currency;
    std::int64_t stock = 0;  // free pieces
    std::int64_t reserved = 0;
    std::int64_t sold = 0;
};
BOOST_DESCRIBE_STRUCT(ProductView, (), (product_id, name, price, currency, stock, reserved, sold))

}  // namespace orderflow::inventory

namespace orderflow::events {
template <>
inline constexpr auto kLimits<inventory::OfferBody> =
    std::tuple{length(&inventory::OfferBody::name, 1, 200),
               range(&inventory::OfferBody::price, 0, kMaxPrice),
               range(&inventory::OfferBody::stock, 0, kMaxAdjustment)};
}  // namespace orderflow::events

namespace orderflow::inventory {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kMaxProductId = 64;

bool valid_product_id(std::string_view id) {
    if (id.empty() || id.size() > kMaxProductId) return false;
    for (const char c : id) {
        if (c < ' ' || c > '~' || c == '/') return false;
    }
    return true;
}

std::string view_of(std::string id, const Product& product) {
    return events::to_json(ProductView{std::move(id), product.name, product.price.amount,
                                       product.price.currency, product.free, product.reserved,
                                       product.sold});
}

asio::awaitable<http::Response> put_product(ProductLoop& products, http::Request request) {
    auto offer = parse_offer(request.param("id"), request.body);
    if (!offer) co_return service::bad_input(offer.error());
    ProductRequest set;
    set.product_id = request.param("id");
    set.offer = std::move(*offer);
    const auto trace = request.header("traceparent");
    if (valid_traceparent(trace)) set.traceparent = trace;
    auto start = [&products, &set](std::function<void(std::optional<SetProduct>)> done) {
        set.done = done;
        if (!products.submit(std::move(set))) done(std::nullopt);
    };
    const auto told = co_await await_callback<std::optional<SetProduct>>(std::move(start));
    const auto result = told.value_or(std::nullopt);
    if (!result) throw Unavailable("the product could not be stored");
    http::Response response;
    response.body = view_of(request.param("id"), result->product);
    if (result->created) {
        response.status = 201;
        response.headers.emplace_back("Location", request.path);
    }
    co_return response;
}

asio::awaitable<http::Response> get_product(postgres::Pool& pool, http::Request request) {
    const std::string id = request.param("id");
    std::optional<Product> product;
    if (valid_product_id(id)) {
        auto find = [id](postgres::Connection& connection) { return find_product(connection, id); };
        product = co_await pool.run(std::move(find));
    }
    if (!product) {
        co_return http::problem(404, "not-found", "No such product", "no product has this id");
    }
    http::Response response;
    response.body = view_of(id, *product);
    co_return response;
}

}  // namespace

Result<Offer> parse_offer(std::string_view product_id, std::string_view body) {
    if (!valid_product_id(product_id)) {
        return Error{"validation",
                     "the product id must have 1 to 64 characters of printable ASCII without '/'"};
    }
    if (body.empty()) return Error{"body-required", "name, price and stock are expected", ""};
    auto read = events::read_json<OfferBody>(body, events::UnknownMembers::refuse);
    if (!read) return read.error();
    Offer offer;
    offer.name = std::move(read->name);
    offer.price = {read->price, read->currency.value_or(Currency{})};
    offer.stock = read->stock;
    return offer;
}

http::Router make_router(ProductLoop& products, postgres::Pool& pool) {
    http::Router router;
    router.put("/api/products/{id}", [&products](http::Request request) {
        return put_product(products, std::move(request));
    });
    router.get("/api/products/{id}", [&pool](http::Request request) {
        return get_product(pool, std::move(request));
    });
    return router;
}

}  // namespace orderflow::inventory
