// saga-table: the section of docs/saga.md that the rules themselves write. Prints it, writes it
// into the file, or tells whether the file says what the rules say (exit code 1: it does not).

#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "contract/saga_table.hpp"

namespace {

using namespace orderflow;

constexpr const char* kBegin = "<!-- saga-table: begin -->\n";
constexpr const char* kEnd = "<!-- saga-table: end -->\n";

std::string section() {
    return "\n" + saga_table::order_tables() + "\n" + saga_table::inventory_tables() + "\n" +
           saga_table::payment_tables() + "\n" + saga_table::shipping_tables() + "\n";
}

std::string read(const std::string& file) {
    std::ifstream in(file);
    if (!in) throw std::runtime_error("cannot read " + file);
    return {std::istreambuf_iterator<char>(in), {}};
}

// `text` with what the rules say between the markers.
std::string updated(const std::string& text) {
    const auto begin = text.find(kBegin);
    const auto end = text.find(kEnd);
    if (begin == std::string::npos || end == std::string::npos || end < begin) {
        throw std::runtime_error("the file has no place for the table between its markers");
    }
    return text.substr(0, begin) + kBegin + section() + text.substr(end);
}

int run(const std::string& what, const std::string& file) {
    const std::string before = read(file);
    const std::string after = updated(before);
    if (what == "--check") {
        if (before == after) return 0;
        std::cerr << file << " is not what the rules say; bring it up to date with\n"
                  << "    saga-table --write " << file << "\n";
        return 1;
    }
    if (before == after) return 0;
    std::ofstream out(file);
    out << after;
    if (!out.flush()) throw std::runtime_error("cannot write " + file);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const std::string what = argc > 1 ? argv[1] : "";
        if (argc == 1) {
            std::cout << section();
            return 0;
        }
        if (argc == 3 && (what == "--check" || what == "--write")) return run(what, argv[2]);
        const bool asked = argc == 2 && what == "--help";
        (asked ? std::cout : std::cerr)
            << "usage: saga-table [--check FILE | --write FILE]\n\n"
               "The state x event tables that the rules themselves write; without an option to "
               "standard output.\n"
               "  --check FILE   exit code 1 if the page says anything else\n"
               "  --write FILE   into the page, between its markers\n";
        return asked ? 0 : 2;
    } catch (const std::exception& error) {
        std::cerr << "saga-table: " << error.what() << "\n";
        return 2;
    }
}
