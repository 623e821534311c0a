#include "gateway-sandbox/faults.hpp"

#include <string>

namespace orderflow::sandbox {

namespace {

// In floating point, 0.1 + 0.2 + 0.7 may be a little more than 1.
constexpr double kRounding = 1e-9;

bool are_shares(std::initializer_list<double> rates) {
    double sum = 0;
    for (const double rate : rates) {
        if (!(rate >= 0 && rate <= 1)) return false;
        sum += rate;
    }
    return sum <= 1 + kRounding;
}

}  // namespace

std::optional<Error> find_mistake(const Faults& f) {
    const bool charges =
        are_shares({f.error_rate, f.slow_rate, f.late_rate, f.never_rate, f.wrong_amount_rate});
    if (charges && are_shares({f.cancel_error_rate, f.cancel_late_rate})) return std::nullopt;
    return Error{"validation",
                 "each rate must be from 0 to 1, and so must the sum of the rates of charges, and "
                 "of cancels",
                 ""};
}

void FaultDraw::set(Faults faults) {
    faults_ = faults;
    random_.seed(static_cast<std::uint64_t>(faults.seed));
}

// One random number decides between all faults: each fault has an interval in [0, 1) that is as
// long as its share, and the intervals lie side by side.
Fate FaultDraw::draw(std::initializer_list<Share> shares) {
    const auto jitter = static_cast<std::int64_t>(uniform() * double(faults_.jitter_ms));
    Fate fate{Fault::none, std::chrono::milliseconds(faults_.delay_ms + jitter),
              std::chrono::milliseconds(faults_.slow_ms)};
    double number = uniform();
    for (const Share& share : shares) {
        if (fate.fault == Fault::none && number < share.rate) fate.fault = share.fault;
        number -= share.rate;
    }
    if (faults_.unavailable) fate.fault = Fault::unavailable;
    return fate;
}

Fate FaultDraw::charge() {
    return draw({{Fault::error, faults_.error_rate},
                 {Fault::slow, faults_.slow_rate},
                 {Fault::late, faults_.late_rate},
                 {Fault::never, faults_.never_rate},
                 {Fault::wrong_amount, faults_.wrong_amount_rate}});
}

Fate FaultDraw::cancel() {
    return draw(
        {{Fault::error, faults_.cancel_error_rate}, {Fault::late, faults_.cancel_late_rate}});
}

Fate FaultDraw::get() { return draw({}); }

}  // namespace orderflow::sandbox
