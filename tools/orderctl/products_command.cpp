// orderctl products load: products from a file, for a new installation.
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "json/json.hpp"
#include "http/client.hpp"
#include "http/request.hpp"
#include "orderctl/commands.hpp"
#include "orderctl/terminal.hpp"

namespace orderflow::orderctl {

// A line of the file.
struct ProductLine {
    std::string product_id;
    std::string name;
    std::int64_t price = 0;
    std::optional<std::string> currency;
    std::int64_t stock = 0;
};
BOOST_DESCRIBE_STRUCT(ProductLine, (), (product_id, name, price, currency, stock))

// The body of the request to inventory-service.
struct NewOffer {
    std::string name;
    std::int64_t price = 0;
    std::optional<std::string> currency;
    std::int64_t stock = 0;
};
BOOST_DESCRIBE_STRUCT(NewOffer, (), (name, price, currency, stock))

// The document that --json prints.
struct LoadedView {
    std::int64_t created = 0;
    std::int64_t known = 0;  // existed already, and are not changed
    std::vector<std::string> refused;
};
BOOST_DESCRIBE_STRUCT(LoadedView, (), (created, known, refused))

namespace {

namespace asio = boost::asio;

constexpr const char* kHelp =
    "Creates the products of a file that do not exist yet. Existing products do not change: sales "
    "change their stock, and PUT /api/products/{id} changes their prices.";
constexpr const char* kExample = R"(
FILE has one JSON object in each line, as PUT /api/products/{id} takes it, and the id; - is standard
input:
  {"productId":"ITEM-001","name":"Laptop","price":1500,"stock":100}
  {"productId":"ITEM-002","name":"Desk","price":25000,"currency":"KRW","stock":7}

Examples:
  orderctl products load examples/products.jsonl
  orderctl products load - --inventory-service-url http://127.0.0.1:3003 <products.jsonl
Loading again is harmless. Exit code 1: some products were refused, and are printed; the others
exist.)";

constexpr int kAtOnce = 32;  // requests; inventory-service commits concurrent ones together
constexpr std::chrono::seconds kPatience{20};
constexpr int kCreated = 201;
constexpr int kKnown = 428;  // would be a change, which needs a condition
constexpr std::size_t kMaxRefused = 20;

std::vector<ProductLine> read_lines(std::istream& in, const std::string& file) {
    std::vector<ProductLine> lines;
    std::string text;
    for (int number = 1; std::getline(in, text); ++number) {
        if (text.find_first_not_of(" \t\r") == text.npos) continue;
        auto line = json::read_json<ProductLine>(text, json::UnknownMembers::refuse);
        if (!line) {
            throw CannotDo(file + ", line " + std::to_string(number) + ": " + line.error().detail);
        }
        lines.push_back(std::move(*line));
    }
    if (in.bad()) throw CannotDo("cannot read " + file);
    return lines;
}

std::vector<ProductLine> read_file(const std::string& file) {
    if (file == "-") return read_lines(std::cin, "standard input");
    std::ifstream in(file);
    if (!in) throw CannotDo("cannot read " + file);
    return read_lines(in, file);
}

// Workers take the lines in turn; there are as many workers as requests at once.
struct Load {
    std::vector<ProductLine> lines;
    std::size_t next = 0;
    LoadedView result;
    std::string silence;  // why inventory-service did not answer
};

void take(Load& load, const ProductLine& line, const http::ClientResult& answer) {
    if (!answer.is_response() || answer.status == 503) {
        load.silence = answer.is_response() ? "it answers 503" : answer.error;
    } else if (answer.status == kCreated) {
        ++load.result.created;
    } else if (answer.status == kKnown) {
        ++load.result.known;
    } else if (load.result.refused.size() < kMaxRefused) {
        load.result.refused.push_back(line.product_id + ": " + std::to_string(answer.status) + " " +
                                      answer.body);
    }
}

asio::awaitable<void> work(http::Client& client, Load& load) {
    while (load.next < load.lines.size() && load.silence.empty()) {
        const ProductLine& line = load.lines[load.next++];
        std::string method = "PUT";
        std::string target = "/api/products/" + http::percent_encode(line.product_id);
        const NewOffer offer{line.name, line.price, line.currency, line.stock};
        const auto answer = co_await client.request(std::move(method), std::move(target),
                                                    json::to_json(offer), kPatience);
        take(load, line, answer);
    }
}

int run_load(const Context& context, const std::string& file) {
    const std::string& origin = context.endpoints.service_url(Service::inventory);
    if (origin.empty()) {
        throw CannotDo("--inventory-service-url is missing: the HTTP address of inventory-service");
    }
    http::ClientSettings settings;
    settings.origin = origin;
    Load load;
    load.lines = read_file(file);
    asio::io_context io{1};
    http::Client client(io, settings);
    std::exception_ptr failed;
    int working = kAtOnce;
    for (int i = 0; i < kAtOnce; ++i) {
        asio::co_spawn(io, work(client, load), [&](std::exception_ptr error) {
            if (error) failed = error;
            if (--working == 0) io.stop();  // the client would wait until its idle connections end
        });
    }
    io.run();
    if (failed) std::rethrow_exception(failed);
    if (!load.silence.empty()) throw CannotDo("inventory-service: " + load.silence);
    if (context.json) {
        print_raw(json::to_json(load.result) + "\n");
    } else {
        say(load.result.created, " products created, ", load.result.known, " existed already\n");
        for (const std::string& refused : load.result.refused) say("refused: ", refused, "\n");
    }
    return load.result.refused.empty() ? kClean : kViolated;
}

}  // namespace

void add_products(CLI::App& app, Context& context) {
    CLI::App* group = app.add_subcommand("products", "load: products from a file.");
    group->require_subcommand(1);
    group->fallthrough();
    CLI::App* command = group->add_subcommand("load", kHelp);
    command->footer(kExample);
    command->fallthrough();
    const auto file = std::make_shared<std::string>();
    command->add_option("FILE", *file, "JSON lines")->required();
    command->callback(
        [&context, file] { context.run = [&context, file] { return run_load(context, *file); }; });
}

}  // namespace orderflow::orderctl
