#pragma once
// Random numbers from one seed: every decision of a run is drawn here, so that the seed replays the
// run. One thread.
#include <cstddef>
#include <cstdint>
#include <vector>

namespace orderflow::simulation {

// splitmix64 (Steele, Lea, Flood 2014): small, fast, and random enough for this purpose.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}

    std::uint64_t next() {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }

    // Returns 0 ... n - 1; `n` is small, so that the bias of the remainder does not matter.
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }

    // Returns low ... high, both included.
    std::int64_t between(std::int64_t low, std::int64_t high) {
        return low + static_cast<std::int64_t>(below(static_cast<std::size_t>(high - low + 1)));
    }

    bool percent(int probability) { return static_cast<int>(below(100)) < probability; }

    template <class T>
    const T& one_of(const std::vector<T>& values) {
        return values[below(values.size())];
    }

private:
    std::uint64_t state_;
};

}  // namespace orderflow::simulation
