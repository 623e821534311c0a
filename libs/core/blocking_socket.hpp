#pragma once
// A TCP connection with blocking calls, for a short exchange while its thread has nothing else to
// do. Used by the health check (http/probe) and by orderctl. One thread.
#include <chrono>
#include <string_view>

#include "core/address.hpp"

namespace orderflow {

class BlockingSocket {
public:
    // Connects to the first address of the host that answers. No call waits longer than `patience`,
    // except the lookup of a name. Throws std::runtime_error with the reason.
    BlockingSocket(const Address& address, std::chrono::seconds patience);
    ~BlockingSocket();
    BlockingSocket(const BlockingSocket&) = delete;
    BlockingSocket& operator=(const BlockingSocket&) = delete;

    int descriptor() const { return descriptor_; }

    // False: not all bytes could be sent.
    bool write(std::string_view bytes) const;
    // False: no byte came in time, or the connection ended.
    bool read(char& byte) const;

private:
    int descriptor_ = -1;
};

}  // namespace orderflow
