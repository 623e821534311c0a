#pragma once
// Certificates: how long those in files last, and those that servers show; and whether a client
// would believe the latter. Blocks, a few seconds at most.
#include <optional>
#include <string>

#include "core/address.hpp"

namespace orderflow::orderctl {

// Whole days until the certificate that ends first is over; negative: it is. In a PEM file: of all
// in it; nothing if it has none or cannot be read.
std::optional<int> days_left_in(const std::string& file);

// PostgreSQL is asked for TLS before the handshake.
enum class Handshake { plain_tls, postgres };

struct ShownCertificate {
    int days_left = 0;
    std::string refusal;  // why a client would not believe it; empty: it would
};
// What the server shows, judged by a client that looks for its own host's name and believes those
// whom `ca_file` holds (empty: the system's). Throws std::runtime_error if nobody answers, or not
// with TLS.
ShownCertificate look_at_certificate(const Address& address, Handshake handshake,
                                     const std::string& ca_file);

}  // namespace orderflow::orderctl
