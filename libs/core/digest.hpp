#pragma once
// The fingerprint of a text. A stored fingerprint shows later whether another text is the same, for
// example whether a request with a known idempotency key is a repetition. Used by services. Pure,
// any thread.
#include <string_view>

#include "core/ids.hpp"

namespace orderflow {

using Digest = Id<struct DigestTag>;

// The name-based UUID of the text (RFC 9562, version 5: 122 bits of its SHA-1).
Digest digest_of(std::string_view text);

}  // namespace orderflow
