#pragma once
// The common parts of routes that change something: a request's Idempotency-Key, and the answer to
// a command that was not carried out. Used by the services' *_api files, on the io thread.
#include <optional>
#include <string>

#include "core/result.hpp"
#include "http/request.hpp"
#include "outbox/command.hpp"

namespace orderflow::service {

// Empty if the request has none. Error "idempotency-key": it is not one value of 8 to 128 printable
// ASCII characters.
Result<std::string> idempotency_key(const http::Request& request);

// The answer to a command that was not carried out; nullopt: it was carried out, now or before.
std::optional<http::Response> refusal(outbox::Fate fate);

}  // namespace orderflow::service
