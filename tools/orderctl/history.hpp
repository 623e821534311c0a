#pragma once
// What a client did, as JSON lines, one per request that placed an order:
//
//   {"op":"place","orderId":"0190…","outcome":"ok","key":"k-1","customerId":"CUST-1"}
//
//   outcome  ok    the 202 was seen
//            fail  a definite refusal was seen (4xx): no order may exist
//            info  nobody knows (timeout, reset, 5xx): the order may exist or not
//   orderId  of the answer; null or left out when there was none
//   key      the Idempotency-Key sent; optional
//   customerId  optional; when every line names it, I2 looks at these customers' orders alone
//
// Lines with another "op" are skipped. Used by `orderctl check --history`. Pure.
#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include <boost/describe.hpp>

#include "core/ids.hpp"
#include "core/result.hpp"

namespace orderflow::orderctl {

BOOST_DEFINE_ENUM_CLASS(Outcome, ok, fail, info)

struct Placement {
    std::optional<OrderId> order;
    Outcome outcome = Outcome::info;
    std::string key;       // empty: none
    std::string customer;  // empty: not named
    std::int64_t line = 0;
};

struct History {
    std::vector<Placement> placements;
};

// Error: the line's number stands in its detail; or reading failed.
Result<History> read_history(std::istream& in);

}  // namespace orderflow::orderctl
