#pragma once
// The orders that bench-load places: it chooses the product (Zipf) and the customer, and writes the
// HTTP request as bytes. The catalogue is read before the load starts: so the prices are right, and
// the loop needs no other request. One thread.

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
    std::string name_json;   // the JSON string literal, as in the catalogue
    std::int64_t price = 0;  // minor units
};

// Reads the catalogue from the file, or with one GET per product from the target. Throws
// std::runtime_error if a product is missing: its orders would be refused, and the measurement
// would be one of refusals.
std::vector<Product> read_catalogue(const LoadOptions& options);

class OrderSource {
public:
    OrderSource(const LoadOptions& options, const std::vector<Product>& catalogue);

    struct Next {
        std::string_view request;  // valid until the next call
        OrderKind kind;
    };
    Next next();

    // Returns the request with which the customer cancels an order; valid until the next call.
    std::string_view cancellation_of(std::string_view order_id);

    // Returns the seconds to the next arrival of a Poisson process with this rate.
    double next_gap_s(double rate_per_s);

private:
    std::size_t choose_product();
    void append_key();
    void append_lines(OrderKind kind);

    std::vector<std::string> items_;   // one JSON object per product
    std::vector<std::string> dearer_;  // the same with a price that differs from the catalogue's
    std::vector<double> cumulative_;   // Zipf: probability of this product or an earlier one
    std::vector<std::size_t> chosen_;  // products of the order that is being written
    std::string host_;
    std::string head_;
    std::string body_;
    std::string request_;
    int customers_;
    int lines_;
    Mix mix_;
    bool keys_;
    std::mt19937_64 key_random_{std::random_device{}()};  // no run repeats the keys of another run
    std::uint64_t number_ = 0;
    std::mt19937_64 random_;
    std::uniform_real_distribution<double> uniform_{0.0, 1.0};
};

}  // namespace orderflow::bench
