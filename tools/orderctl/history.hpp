#pragma once
// A client's history as JSON lines, one for each request that places an order:
//
//   {"op":"place","orderId":"0190…","outcome":"ok","key":"k-1","customerId":"CUST-1"}
//
//   outcome  ok    the client received the 202
//            fail  the client received a definite refusal (4xx): no order may exist
//            info  unknown (timeout, reset, 5xx): the order may exist or not
//   orderId  from the answer; null or left out if there was none
//   key      the Idempotency-Key of the request; optional
//   customerId  optional; if every line names it, I2 checks these customers' orders only
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

// The values of `outcome`.
BOOST_DEFINE_ENUM_CLASS(HistoryResult, ok, fail, info)

struct Placement {
    std::optional<OrderId> order;
    HistoryResult outcome = HistoryResult::info;
    std::string key;       // empty: none
    std::string customer;  // empty: not named
    std::int64_t line = 0;
};

struct History {
    std::vector<Placement> placements;
};

// An error contains the line's number in its detail, or reports that reading failed.
Result<History> read_history(std::istream& in);

}  // namespace orderflow::orderctl
