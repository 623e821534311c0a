#pragma once
// Secrets that a command line names by their file.
#include <fstream>
#include <stdexcept>
#include <string>

namespace orderflow {

// The file's first line. Throws std::runtime_error if there is none.
inline std::string secret_in(const std::string& file) {
    std::ifstream in(file);
    std::string secret;
    if (!std::getline(in, secret) || secret.empty()) {
        throw std::runtime_error("no secret can be read from " + file);
    }
    return secret;
}

}  // namespace orderflow
