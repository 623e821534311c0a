#include "bench/load_orders.hpp"

#include "bench/load_http.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace orderflow::bench {
namespace {

std::string product_id(int number) {
    char text[32];
    std::snprintf(text, sizeof text, "ITEM-%03d", number);
    return text;
}

// Returns the raw value after "key": in a flat JSON object: a string literal with its quotes, or a
// number.
std::string_view raw_value(std::string_view json, std::string_view key) {
    const std::string quoted = '"' + std::string(key) + '"';
    auto at = json.find(quoted);
    if (at == std::string_view::npos) return {};
    at = json.find_first_not_of(" \t\r\n:", at + quoted.size());
    if (at == std::string_view::npos) return {};
    if (json[at] != '"') return json.substr(at, json.find_first_of(",} \r\n", at) - at);
    for (auto end = at + 1; end < json.size(); ++end) {
        if (json[end] == '\\') {
            ++end;
        } else if (json[end] == '"') {
            return json.substr(at, end + 1 - at);
        }
    }
    return {};
}

std::int64_t price_from(std::string_view digits, const std::string& where) {
    std::int64_t price = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, price);
    if (error != std::errc{} || stop != end) throw std::runtime_error("no price in " + where);
    return price;
}

std::vector<Product> read_file(const LoadOptions& options) {
    std::ifstream file(options.catalogue);
    if (!file) throw std::runtime_error("cannot read " + options.catalogue);
    std::vector<Product> products;
    for (std::string line; std::getline(file, line);) {
        const auto first = line.find(',');
        const auto second = line.find(',', first + 1);
        if (first == std::string::npos || second == std::string::npos) {
            throw std::runtime_error(options.catalogue + ": not productId,price,name: " + line);
        }
        const auto price = std::string_view(line).substr(first + 1, second - first - 1);
        products.push_back(
            {line.substr(0, first), '"' + line.substr(second + 1) + '"', price_from(price, line)});
        if (products.size() == static_cast<std::size_t>(options.products)) break;
    }
    return products;
}

std::vector<Product> ask_target(const LoadOptions& options) {
    BlockingClient client(options.host, options.port);
    std::vector<Product> products;
    for (int number = 1; number <= options.products; ++number) {
        Product product{product_id(number), {}, 0};
        const std::string path = "/api/products/" + product.id;
        const auto answer = client.get(path);
        if (answer.status != 200) {
            throw std::runtime_error("GET " + path + ": " + std::to_string(answer.status) +
                                     " (is the catalogue seeded?)");
        }
        product.name_json = raw_value(answer.body, "name");
        product.price = price_from(raw_value(answer.body, "price"), answer.body);
        if (product.name_json.empty()) throw std::runtime_error("no name in " + answer.body);
        products.push_back(std::move(product));
    }
    return products;
}

}  // namespace

std::vector<Product> read_catalogue(const LoadOptions& options) {
    auto products = options.catalogue.empty() ? ask_target(options) : read_file(options);
    if (products.size() < static_cast<std::size_t>(options.products)) {
        throw std::runtime_error("the catalogue has only " + std::to_string(products.size()) +
                                 " products");
    }
    return products;
}

OrderSource::OrderSource(const LoadOptions& options, const std::vector<Product>& catalogue)
    : host_(options.host + ":" + options.port),
      customers_(options.customers),
      lines_(options.lines),
      mix_(options.mix),
      keys_(options.keys),
      random_(options.seed) {
    double sum = 0;
    for (const Product& product : catalogue) {
        const std::string item =
            R"({"productId":")" + product.id + R"(","name":)" + product.name_json + R"(,"price":)";
        items_.push_back(item + std::to_string(product.price) + R"(,"quantity":1})");
        dearer_.push_back(item + std::to_string(product.price + 1) + R"(,"quantity":1})");
        sum += 1.0 / std::pow(static_cast<double>(items_.size()), options.zipf);
        cumulative_.push_back(sum);
    }
    for (double& part : cumulative_) part /= sum;
    head_ = "POST /api/orders HTTP/1.1\r\nHost: " + host_ +
            "\r\nContent-Type: application/json\r\nContent-Length: ";
}

OrderSource::Next OrderSource::next() {
    const OrderKind kind = kind_of(mix_, number_++);
    std::uniform_int_distribution<int> customer(1, customers_);
    char customer_id[32];
    std::snprintf(customer_id, sizeof customer_id, "CUST-%06d", customer(random_));
    body_.assign(R"({"customerId":")").append(customer_id).append(R"(","items":[)");
    append_lines(kind);
    body_ += tail_of(kind);
    request_.assign(head_).append(std::to_string(body_.size())).append("\r\n");
    if (keys_) append_key();
    request_.append("\r\n").append(body_);
    return {request_, kind};
}

void OrderSource::append_key() {
    char key[33];
    std::snprintf(key, sizeof key, "%016lx%016lx", key_random_(), key_random_());
    request_.append("Idempotency-Key: ").append(key).append("\r\n");
}

void OrderSource::append_lines(OrderKind kind) {
    if (const auto line = line_of(kind)) {
        body_ += *line;
        return;
    }
    chosen_.clear();
    while (chosen_.size() < static_cast<std::size_t>(lines_)) {
        const auto product = choose_product();
        if (std::find(chosen_.begin(), chosen_.end(), product) != chosen_.end()) continue;
        if (!chosen_.empty()) body_ += ',';
        body_ += kind == OrderKind::PriceMismatch ? dearer_[product] : items_[product];
        chosen_.push_back(product);
    }
}

std::string_view OrderSource::cancellation_of(std::string_view order_id) {
    request_.assign("POST /api/orders/").append(order_id).append("/cancellations HTTP/1.1\r\n");
    request_.append("Host: ").append(host_).append("\r\nContent-Length: 0\r\n\r\n");
    return request_;
}

double OrderSource::next_gap_s(double rate_per_s) {
    return -std::log1p(-uniform_(random_)) / rate_per_s;
}

std::size_t OrderSource::choose_product() {
    const auto at = std::upper_bound(cumulative_.begin(), cumulative_.end(), uniform_(random_));
    return std::min<std::size_t>(at - cumulative_.begin(), items_.size() - 1);
}

}  // namespace orderflow::bench
