#include "bench/load_options.hpp"

#include <charconv>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace orderflow::bench {
namespace {

struct Flag {
    std::string_view name;
    std::string_view help;
    std::function<void(std::string_view)> set;
};

template <class T>
std::function<void(std::string_view)> number(T& target, T lowest, T highest) {
    return [&target, lowest, highest](std::string_view text) {
        T value{};
        const char* end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, value);
        if (error != std::errc{} || stop != end || value < lowest || value > highest) {
            throw std::invalid_argument("'" + std::string(text) + "' is not a number from " +
                                        std::to_string(lowest) + " to " + std::to_string(highest));
        }
        target = value;
    };
}

std::function<void(std::string_view)> text(std::string& target) {
    return [&target](std::string_view value) { target = value; };
}

void set_target(LoadOptions& options, std::string_view url) {
    constexpr std::string_view scheme = "http://";
    if (!url.starts_with(scheme)) throw std::invalid_argument("--target must start with http://");
    url.remove_prefix(scheme.size());
    url = url.substr(0, url.find('/'));
    const auto colon = url.rfind(':');
    options.host = url.substr(0, colon);
    options.port = colon == std::string_view::npos ? "80" : std::string(url.substr(colon + 1));
}

void set_arrivals(LoadOptions& options, std::string_view kind) {
    if (kind != "constant" && kind != "poisson") {
        throw std::invalid_argument("--arrivals is constant or poisson");
    }
    options.poisson = kind == "poisson";
}

void set_mix(LoadOptions& options, std::string_view mix) {
    if (mix != "clean" && mix != "mixed") {
        throw std::invalid_argument("--mix is clean or mixed");
    }
    options.mix = mix == "mixed" ? Mix::Mixed : Mix::Clean;
}

void set_keys(LoadOptions& options, std::string_view kind) {
    if (kind != "none" && kind != "fresh") {
        throw std::invalid_argument("--keys is none or fresh");
    }
    options.keys = kind == "fresh";
}

std::vector<Flag> flags(LoadOptions& o) {
    return {
        {"--target", "http://127.0.0.1:3000  where POST /api/orders goes",
         [&o](std::string_view url) { set_target(o, url); }},
        {"--rate", "orders per second, open loop: due on a schedule, whatever the answers do",
         number(o.rate_per_s, 0.01, 1e6)},
        {"--closed", "connections, closed loop: each sends the next order after its answer",
         number(o.closed, 1, 60000)},
        {"--arrivals", "constant | poisson (constant)  spacing of the open loop's schedule",
         [&o](std::string_view kind) { set_arrivals(o, kind); }},
        {"--duration", "seconds (30)  the counted window", number(o.duration_s, 1, 86400)},
        {"--warmup", "seconds (0)  load before the window, not counted",
         number(o.warmup_s, 0, 86400)},
        {"--connections", "connections (1024)  open loop: at most this many",
         number(o.connections, 1, 60000)},
        {"--products", "products (1000)  ITEM-001, ITEM-002, ...", number(o.products, 1, 100000)},
        {"--zipf", "exponent (1.0)  how unevenly products are chosen, 0 = evenly",
         number(o.zipf, 0.0, 5.0)},
        {"--customers", "customers (10000)  CUST-000001, CUST-000002, ...",
         number(o.customers, 1, 10000000)},
        {"--lines", "lines per order (1)", number(o.lines, 1, 100)},
        {"--mix", "clean | mixed (clean)  mixed: a tenth of the orders fails, some are paid late",
         [&o](std::string_view mix) { set_mix(o, mix); }},
        {"--keys", "none | fresh (none)  fresh: each order has an Idempotency-Key of its own",
         [&o](std::string_view kind) { set_keys(o, kind); }},
        {"--seed", "seed (1)  of every random choice",
         number<std::uint64_t>(o.seed, 0, UINT64_MAX)},
        {"--timeout", "milliseconds (10000)  an answer that takes longer is an error",
         number(o.timeout_ms, 1, 600000)},
        {"--catalogue", "FILE  lines productId,price,name; default: GET /api/products/{id} of each",
         text(o.catalogue)},
        {"--out", "FILE  CSV: order_id, scheduled_us, sent_us, answered_us, status, kind of each",
         text(o.out)},
    };
}

[[noreturn]] void print_help(const std::vector<Flag>& known) {
    std::cout << "bench-load: places orders over HTTP and reports how fast they were accepted\n\n";
    for (const Flag& flag : known) {
        std::cout << "  " << flag.name << std::string(16 - flag.name.size(), ' ') << flag.help
                  << '\n';
    }
    std::cout << "\nOne of --rate and --closed is needed. Summary: one JSON object on stdout.\n";
    std::exit(0);
}

}  // namespace

LoadOptions parse_load_options(int argc, char** argv) {
    LoadOptions options;
    const auto known = flags(options);
    for (int i = 1; i < argc; ++i) {
        std::string_view argument = argv[i];
        if (argument == "--help" || argument == "-h") print_help(known);
        const auto equals = argument.find('=');
        const auto name = argument.substr(0, equals);
        const Flag* found = nullptr;
        for (const Flag& flag : known) {
            if (flag.name == name) found = &flag;
        }
        if (found == nullptr) throw std::invalid_argument("unknown flag " + std::string(argument));
        if (equals != std::string_view::npos) {
            found->set(argument.substr(equals + 1));
        } else if (i + 1 < argc) {
            found->set(argv[++i]);
        } else {
            throw std::invalid_argument(std::string(name) + " needs a value");
        }
    }
    if ((options.rate_per_s > 0) == (options.closed > 0)) {
        throw std::invalid_argument("give one of --rate and --closed");
    }
    if (options.lines > options.products) {
        throw std::invalid_argument("--lines is above --products");
    }
    return options;
}

}  // namespace orderflow::bench
