#pragma once
// The faults of the gateway, for load tests and for tests of its callers. They can be changed while
// the gateway runs; a request has the faults that were set when it arrived. Pure except for the
// generator of random numbers. Used by the API on the io thread, and by unit tests.

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <random>

#include <boost/describe/class.hpp>

#include "core/result.hpp"

namespace orderflow::sandbox {

// The body of PUT /v1/faults, and the start values from the command line. Rates are shares of the
// requests, 0..1; a request has at most one fault.
struct Faults {
    std::int64_t delay_ms = 20;     // before any answer about a charge
    std::int64_t jitter_ms = 0;     // plus up to this much, uniformly distributed
    std::int64_t slow_ms = 60'000;  // how late "far too late" is, from the request's arrival
    bool unavailable = false;       // 503 to everything under /v1/charges
    double error_rate = 0;          // a charge: 500 before anything is decided
    double slow_rate = 0;           // a charge: decided only when far too late
    double late_rate = 0;           // a charge: decided at once, answered far too late
    double never_rate = 0;          // a charge: decided at once; far too late, hangs up
    double wrong_amount_rate = 0;   // a charge: if captured, answered with an amount 1 too high
    double cancel_error_rate = 0;   // a cancel: 500 before anything is decided
    double cancel_late_rate = 0;    // a cancel: decided at once, answered far too late
    std::int64_t seed = 1;          // the same seed and the same requests give the same faults
};
BOOST_DESCRIBE_STRUCT(Faults, (),
                      (delay_ms, jitter_ms, slow_ms, unavailable, error_rate, slow_rate, late_rate,
                       never_rate, wrong_amount_rate, cancel_error_rate, cancel_late_rate, seed))

inline constexpr std::int64_t kMaxDelayMs = 600'000;

// Returns an error unless every rate is a share and the rates of one kind of request add up to at
// most 1.
std::optional<Error> find_mistake(const Faults& faults);

enum class Fault { none, unavailable, error, slow, late, never, wrong_amount };

// The fault and the delays of one request.
struct Fate {
    Fault fault = Fault::none;
    std::chrono::milliseconds delay{0};  // from arrival to the answer, at least
    std::chrono::milliseconds slow{0};   // from arrival, if the fault or the token is slow
};

class FaultDraw {
public:
    explicit FaultDraw(Faults start) { set(start); }

    // Applies to the requests from now on; starts a new sequence of random numbers.
    void set(Faults faults);
    const Faults& faults() const { return faults_; }

    Fate charge();
    Fate cancel();
    Fate get();

private:
    struct Share {
        Fault fault;
        double rate;
    };
    Fate draw(std::initializer_list<Share> shares);
    double uniform() { return std::uniform_real_distribution<double>(0, 1)(random_); }

    Faults faults_;
    std::mt19937_64 random_;
};

}  // namespace orderflow::sandbox
