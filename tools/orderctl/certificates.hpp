#pragma once
// Certificates: how long those in files and those of servers are valid, and whether a client would
// trust the latter. Used by `orderctl preflight`. One thread; blocks for a few seconds at most.
#include <optional>
#include <string>

#include "core/address.hpp"

namespace orderflow::orderctl {

// Returns the whole days until the certificate ends; negative if it has ended. Of several
// certificates in a PEM file, the one that ends first counts. Returns nothing if the file has none
// or cannot be read.
std::optional<int> days_left_in(const std::string& file);

// postgres: the client requests TLS from PostgreSQL before the handshake.
enum class Handshake { plain_tls, postgres };

struct ShownCertificate {
    int days_left = 0;
    std::string refusal;  // why a client would not trust it; empty: it would
};
// Returns the server's certificate and the judgement of a client. The client checks the host's name
// and trusts the certificates in `ca_file` (empty: the system's). Throws std::runtime_error if no
// server answers, or not with TLS.
ShownCertificate look_at_certificate(const Address& address, Handshake handshake,
                                     const std::string& ca_file);

}  // namespace orderflow::orderctl
