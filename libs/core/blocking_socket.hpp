#pragma once
// A TCP connection for a short question where nothing else is to be done meanwhile.
#include <chrono>
#include <string_view>

#include "core/address.hpp"

namespace orderflow {

class BlockingSocket {
public:
    // Connects to the first of the host's addresses that answers. No call waits for longer than
    // `patience`, save the lookup of a name. Throws std::runtime_error with the reason.
    BlockingSocket(const Address& address, std::chrono::seconds patience);
    ~BlockingSocket();
    BlockingSocket(const BlockingSocket&) = delete;
    BlockingSocket& operator=(const BlockingSocket&) = delete;

    int descriptor() const { return descriptor_; }

    // False: it could not be sent whole.
    bool write(std::string_view bytes) const;
    // False: no byte came in time.
    bool read(char& byte) const;

private:
    int descriptor_ = -1;
};

}  // namespace orderflow
