#include "outbox/parking.hpp"

#include <algorithm>
#include <array>

namespace orderflow::outbox {

std::optional<std::chrono::milliseconds> next_try_after(std::int32_t attempts) {
    constexpr std::array kWaits{std::chrono::milliseconds{1'000}, std::chrono::milliseconds{4'000},
                                std::chrono::milliseconds{16'000},
                                std::chrono::milliseconds{60'000},
                                std::chrono::milliseconds{120'000}};
    const auto index = static_cast<std::size_t>(std::max(attempts, 1) - 1);
    return index < kWaits.size() ? std::optional(kWaits[index]) : std::nullopt;
}

}  // namespace orderflow::outbox
