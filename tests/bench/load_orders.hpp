// The orders that bench-load places: which product (Zipf), which customer, and the HTTP request as
// bytes. The catalogue is read before the load starts, so prices agree and the loop asks nobody.
#pragma once

#include "bench/load_mix.hpp"
#include "bench/load_options.hpp"

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace orderflow::bench {

struct Product {
    std::string id;
    std::string name_json;   // the JSON string literal, as the catalogue has it
    std::int64_t price = 0;  // minor units
};

// From the file, or one GET per product from the target. Throws std::runtime_error when a product
// is missing: an order for it would be refused, and the measurement would be of refusals.
std::vector<Product> read_catalogue(const LoadOptions& options);

class OrderSource {
public:
    OrderSource(const LoadOptions& options, const std::vector<Product>& catalogue);

    struct Next {
        std::string_view request;  // valid until the next call
        OrderKind kind;
    };
    Next next();

    // The request by which the customer cancels an order; valid until the next call.
    std::string_view cancellation_of(std::string_view order_id);

    // Seconds to the next arrival when they follow a Poisson process of this rate.
    double next_gap_s(double rate_per_s);

private:
    std::size_t choose_product();
    void append_key();
    void append_lines(OrderKind kind);

    std::vector<std::string> items_;   // one JSON object per product
    std::vector<std::string> dearer_;  // the same with a price that is not the catalogue's
    std::vector<double> cumulative_;   // Zipf: probability of this product or one before it
    std::vector<std::size_t> chosen_;  // products of the order that is being written
    std::string host_;
    std::string head_;
    std::string body_;
    std::string request_;
    int customers_;
    int lines_;
    Mix mix_;
    bool keys_;
    std::mt19937_64 key_random_{std::random_device{}()};  // no run repeats another's
    std::uint64_t number_ = 0;
    std::mt19937_64 random_;
    std::uniform_real_distribution<double> uniform_{0.0, 1.0};
};

}  // namespace orderflow::bench
