// bench-load: places orders over HTTP, at a given rate or as fast as the answers come, and reports
// how long the answers took. tests/bench/run starts it against a running stack.
#include "bench/load_generator.hpp"
#include "bench/load_options.hpp"
#include "bench/load_orders.hpp"
#include "bench/load_report.hpp"

#include <exception>
#include <iostream>

int main(int argc, char** argv) {
    using namespace orderflow::bench;
    try {
        const auto options = parse_load_options(argc, argv);
        const auto catalogue = read_catalogue(options);
        OrderSource orders(options, catalogue);
        LoadGenerator generator(options, orders);
        const auto result = generator.run();
        if (!options.out.empty()) write_csv(result, options.out);
        std::cout << summary_json(options, result) << std::flush;
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench-load: " << error.what() << '\n';
        return 1;
    }
}
