// probe URL: a health check for images that have neither a shell nor curl, such as the edge's.
#include <cstdio>
#include <string_view>

#include "http/probe.hpp"

int main(int argc, char** argv) {
    const bool help =
        argc == 2 && (std::string_view(argv[1]) == "--help" || std::string_view(argv[1]) == "-h");
    if (argc != 2 || help) {
        std::fprintf(help ? stdout : stderr,
                     "Usage: probe URL\nSends GET to the URL (http://host:port/path). Exit code 0 "
                     "if the status is 2xx, otherwise 1.\n");
        return help ? 0 : 2;
    }
    return orderflow::http::probe(argv[1]);
}
