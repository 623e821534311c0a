#pragma once
// Reads a secret from a file that the command line names. Used by services, the sandbox and
// orderctl. Blocks while it reads; any thread.
#include <fstream>
#include <stdexcept>
#include <string>

namespace orderflow {

// Returns the first line of the file. Throws std::runtime_error if there is none or it is empty.
inline std::string secret_in(const std::string& file) {
    std::ifstream in(file);
    std::string secret;
    if (!std::getline(in, secret) || secret.empty()) {
        throw std::runtime_error("cannot read a secret from " + file);
    }
    return secret;
}

}  // namespace orderflow
