#include "inventory/inventory_api.hpp"

#include <algorithm>
#include <stdexcept>

#include "json/json.hpp"
#include "http/conditions.hpp"
#include "http/problem.hpp"
#include "service/problems.hpp"
#include "service/requests.hpp"

namespace orderflow::inventory {

// What clients send and receive, as described structs: the codec's view of the API.
struct OfferBody {
    std::string name;
    std::int64_t price = 0;
    std::optional<std::int64_t> stock;
    std::optional<Currency> currency;
};
BOOST_DESCRIBE_STRUCT(OfferBody, (), (name, price, stock, currency))

struct AdjustmentBody {
    std::int64_t change = 0;
    std::string reason;
};
BOOST_DESCRIBE_STRUCT(AdjustmentBody, (), (change, reason))

struct AdjustmentView {
    std::string product_id;
    std::int64_t change = 0;
    std::string reason;
    std::int64_t stock = 0;  // free pieces afterwards
};
BOOST_DESCRIBE_STRUCT(AdjustmentView, (), (product_id, change, reason, stock))

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

namespace orderflow::json {
template <>
inline constexpr auto kLimits<inventory::OfferBody> =
    std::tuple{length(&inventory::OfferBody::name, 1, 200),
               range(&inventory::OfferBody::price, 0, events::kMaxPrice)};
template <>
inline constexpr auto kLimits<inventory::AdjustmentBody> = std::tuple{
    range(&inventory::AdjustmentBody::change, -events::kMaxAdjustment, events::kMaxAdjustment),
    length(&inventory::AdjustmentBody::reason, 1, 200)};
}  // namespace orderflow::json

namespace orderflow::inventory {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kMaxProductId = 64;
constexpr char kAdjustInstead[] =
    "To add or remove pieces, send POST /api/products/{id}/adjustments.";

std::string path_of(std::string_view id) { return "/api/products/" + http::percent_encode(id); }

// Two parts: the part that a PUT changes, and the part that sales change. If-None-Match of a GET
// compares both, so that a copy with old counters never counts as current. If-Match compares only
// the first part, so that no sale can interfere between reading a product and changing its price.
std::string etag_of(const Product& product) {
    return offer_tag(product) + "." + std::to_string(product.free) + "." +
           std::to_string(product.reserved) + "." + std::to_string(product.sold);
}

http::Response view_of(std::string id, const Product& product) {
    http::Response response;
    response.headers = {{"ETag", '"' + etag_of(product) + '"'}, {"Cache-Control", "no-cache"}};
    response.body = json::to_json(ProductView{std::move(id), product.name, product.price.amount,
                                              product.price.currency, product.free,
                                              product.reserved, product.sold});
    return response;
}

http::Response no_such_product() {
    return http::problem(404, "not-found", "No such product", "no product has this id");
}

http::Response condition_failed() {
    return http::problem(412, "precondition-failed", "The precondition failed",
                         "The product exists already, or it was deleted or changed after it was "
                         "read. GET it and decide again.");
}

// The offers that a field names: the first part of each ETag. With the strong comparison, a weak
// tag is never equal (RFC 9110 section 8.8.3.2).
enum class Comparison { strong, weak };
Result<std::optional<Tags>> offers_named(const http::Request& request, std::string_view field,
                                         Comparison comparison) {
    const auto named = http::entity_tags(request, field);
    if (!named) return named.error();
    if (!*named) return std::optional<Tags>();
    Tags offers{(*named)->any, {}};
    for (const http::EntityTag& tag : (*named)->tags) {
        if (tag.weak && comparison == Comparison::strong) continue;
        offers.tags.push_back(tag.opaque.substr(0, tag.opaque.find('.')));
    }
    return std::optional(std::move(offers));
}

http::Response answer_of(const std::string& id, const PutProduct& put,
                         const ProductOutcome& outcome) {
    const auto bad_stock = [](const char* type, const std::string& detail) {
        return http::problem(422, type, "The stock is missing or not allowed", detail,
                             {{"/stock", type, detail}});
    };
    switch (outcome.verdict) {
        case Verdict::CREATED: {
            http::Response response = view_of(id, outcome.product);
            response.status = 201;
            response.headers.emplace_back("Location", path_of(id));
            return response;
        }
        case Verdict::CHANGED: return view_of(id, outcome.product);
        case Verdict::CONDITION_FAILED: return condition_failed();
        case Verdict::CONDITION_MISSING:
            return http::problem(428, "precondition-required", "The product exists already",
                                 "To change its name or price, send If-Match with the ETag from "
                                 "GET, and no stock. " +
                                     std::string(kAdjustInstead));
        case Verdict::STOCK_MISSING:
            return bad_stock("stock-required",
                             "A new product needs a stock: the number of its free pieces.");
        case Verdict::STOCK_GIVEN:
            return bad_stock(
                "stock-not-settable",
                "Sales change the stock of an existing product, so PUT cannot set it. " +
                    std::string(kAdjustInstead));
        case Verdict::UNKNOWN_PRODUCT:
        case Verdict::ADJUSTED:
        case Verdict::TOO_FEW:
        case Verdict::TOO_MANY: break;  // of adjustments
    }
    throw std::logic_error("no answer to a PUT: " + put.offer.name);
}

http::Response answer_of(const std::string& id, const AdjustStock& adjust,
                         const ProductOutcome& outcome) {
    const std::string free = std::to_string(outcome.free);
    if (outcome.verdict == Verdict::ADJUSTED) {
        const AdjustmentView view{id, adjust.change, adjust.reason, outcome.free};
        return http::json_response(200, json::to_json(view));
    }
    if (outcome.verdict == Verdict::TOO_FEW) {
        return http::problem(409, "stock-too-low", "Too few pieces are free",
                             free +
                                 " were free, fewer than the adjustment takes away. Nothing was "
                                 "changed; to try again, use another Idempotency-Key.");
    }
    if (outcome.verdict == Verdict::TOO_MANY) {
        return http::problem(
            409, "stock-too-high", "Too many pieces would be free",
            free + " were free, and " + std::to_string(kMaxFree) +
                " is the maximum. Nothing was changed; to try again, use another Idempotency-Key.");
    }
    return no_such_product();
}

asio::awaitable<http::Response> put_product(ProductLoop& products, http::Request request) {
    const std::string id = request.param("id");
    auto conditions = parse_conditions(request);
    if (!conditions) co_return service::bad_input(conditions.error());
    auto offer = parse_offer(id, request.body);
    if (!offer) co_return service::bad_input(offer.error());
    const PutProduct put{std::move(*offer), std::move(*conditions)};
    ProductCommand command;
    command.product_id = id;
    command.wish = put;
    command.traceparent = std::move(request.traceparent);
    const auto answer = co_await products.run(std::move(command));
    if (answer.fate == outbox::Fate::unknown) {
        co_return http::problem_unavailable(
            "It is unknown whether the product was stored. Send the request again; 412 or 428 then "
            "means that the product has changed: GET it.");
    }
    if (auto refused = service::refusal(answer.fate)) co_return std::move(*refused);
    co_return answer_of(id, put, answer.outcome);
}

asio::awaitable<http::Response> post_adjustment(ProductLoop& products, http::Request request) {
    const std::string id = request.param("id");
    auto key = service::idempotency_key(request);
    if (!key) co_return service::bad_input(key.error());
    if (key->empty()) {
        const Error missing{"idempotency-key",
                            "Idempotency-Key is required, so that an adjustment that is sent twice "
                            "is made only once: 8 to 128 printable ASCII characters"};
        co_return service::bad_input(missing);
    }
    const auto condition =
        http::unusable(request, http::kConditions,
                       "is not supported for adjustments: they add to the current stock, and their "
                       "Idempotency-Key makes them repeatable");
    if (condition) co_return service::bad_input(*condition);
    auto adjust = parse_adjustment(request.body);
    if (!adjust) co_return service::bad_input(adjust.error());
    if (!valid_product_id(id)) co_return no_such_product();
    adjust->key = std::move(*key);
    ProductCommand command;
    command.product_id = id;
    command.wish = *adjust;
    command.traceparent = std::move(request.traceparent);
    const auto answer = co_await products.run(std::move(command));
    if (auto refused = service::refusal(answer.fate)) co_return std::move(*refused);
    co_return answer_of(id, *adjust, answer.outcome);
}

// Conditions on dates are ignored if nothing is changed: products have no date (RFC 9110 section
// 13.1.3).
asio::awaitable<http::Response> get_product(postgres::Pool& pool, http::Request request) {
    const std::string& id = request.param("id");
    const auto match = offers_named(request, "If-Match", Comparison::strong);
    if (!match) co_return service::bad_input(match.error());
    const auto copies = http::entity_tags(request, "If-None-Match");
    if (!copies) co_return service::bad_input(copies.error());
    std::optional<Product> product;
    if (valid_product_id(id)) {
        auto find = [id](postgres::Connection& connection) { return find_product(connection, id); };
        product = co_await pool.run(std::move(find));
    }
    if (!product) co_return no_such_product();
    if (*match && !holds(**match, *product)) co_return condition_failed();
    http::Response response = view_of(id, *product);
    const bool current =
        *copies &&
        ((*copies)->any || std::ranges::find((*copies)->tags, etag_of(*product),
                                             &http::EntityTag::opaque) != (*copies)->tags.end());
    if (current) {
        response.status = 304;
        response.body.clear();
    }
    co_return response;
}

}  // namespace

bool valid_product_id(std::string_view id) {
    if (id.empty() || id.size() > kMaxProductId || id == "." || id == "..") return false;
    return std::ranges::all_of(id, [](char c) { return c >= ' ' && c <= '~' && c != '/'; });
}

Validated<Offer> parse_offer(std::string_view product_id, std::string_view body) {
    if (!valid_product_id(product_id)) {
        return Faults{{"validation",
                       "the product id must have 1 to 64 characters of printable ASCII without "
                       "'/', and be neither '.' nor '..'"}};
    }
    if (body.empty()) return Faults{{"body-required", "name, price and stock are expected", ""}};
    auto read = json::read_request<OfferBody>(body);
    if (!read) return read.error();
    if (read->stock && (*read->stock < 0 || *read->stock > kMaxFree)) {
        return Faults{
            {"validation", "must lie between 0 and " + std::to_string(kMaxFree), "/stock"}};
    }
    Offer offer;
    offer.name = std::move(read->name);
    offer.price = {read->price, read->currency.value_or(Currency{})};
    offer.stock = read->stock;
    return offer;
}

Result<Conditions> parse_conditions(const http::Request& request) {
    constexpr std::string_view kDated[] = {"If-Modified-Since", "If-Unmodified-Since"};
    const auto dated = http::unusable(
        request, kDated,
        "is a condition on a date, and products have no date: use If-Match with the ETag from GET");
    if (dated) return *dated;
    auto match = offers_named(request, "If-Match", Comparison::strong);
    if (!match) return match.error();
    auto none_match = offers_named(request, "If-None-Match", Comparison::weak);
    if (!none_match) return none_match.error();
    return Conditions{std::move(*match), std::move(*none_match)};
}

Validated<AdjustStock> parse_adjustment(std::string_view body) {
    if (body.empty()) return Faults{{"body-required", "change and reason are expected", ""}};
    auto read = json::read_request<AdjustmentBody>(body);
    if (!read) return read.error();
    if (read->change == 0) {
        return Faults{{"validation", "must not be zero: that would change nothing", "/change"}};
    }
    return AdjustStock{read->change, std::move(read->reason), {}};
}

void add_product_routes(http::Router& router, ProductLoop& products, postgres::Pool& pool) {
    router.put("/api/products/{id}", [&products](http::Request request) {
        return put_product(products, std::move(request));
    });
    router.get("/api/products/{id}",
               [&pool](http::Request request) { return get_product(pool, std::move(request)); });
    router.post("/api/products/{id}/adjustments", [&products](http::Request request) {
        return post_adjustment(products, std::move(request));
    });
}

}  // namespace orderflow::inventory
