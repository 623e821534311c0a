#pragma once
// How long certificates last: those that servers show, and those in files. Nothing is verified
// here; whoever connects in earnest does that. Blocks, a few seconds at most.
#include <optional>
#include <string>

#include "core/address.hpp"

namespace orderflow::orderctl {

// Whole days until the certificate that ends first is over; negative: it is. In a PEM file: of all
// in it; nothing if it has none or cannot be read.
std::optional<int> days_left_in(const std::string& file);

// PostgreSQL is asked for TLS before the handshake.
enum class Handshake { plain_tls, postgres };

// Of the certificate that the server shows. Throws std::runtime_error if nobody answers, or not
// with TLS.
int days_left_at(const Address& address, Handshake handshake);

}  // namespace orderflow::orderctl
