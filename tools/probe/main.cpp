// probe URL: a health check for images that have neither a shell nor curl, such as the edge's.
#include <cstdio>

#include "http/probe.hpp"

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr,
                     "usage: probe URL\n"
                     "Ends with 0 if GET of this URL (http://host:port/path) is answered with 2xx, "
                     "otherwise with 1.\n");
        return 2;
    }
    return orderflow::http::probe(argv[1]);
}
