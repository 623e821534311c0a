#include "core/ids.hpp"

#include <cerrno>
#include <span>
#include <system_error>

#include <sys/random.h>

namespace orderflow {
namespace detail {
namespace {

constexpr char kHex[] = "0123456789abcdef";

constexpr int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

constexpr bool is_dash_position(std::size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

}  // namespace

void write_uuid(const std::array<std::uint8_t, 16>& bytes, char* out) {
    std::size_t position = 0;
    for (const std::uint8_t byte : bytes) {
        if (is_dash_position(position)) out[position++] = '-';
        out[position++] = kHex[byte >> 4];
        out[position++] = kHex[byte & 15];
    }
}

bool read_uuid(std::string_view text, std::array<std::uint8_t, 16>& bytes) {
    if (text.size() != 36) return false;
    std::size_t position = 0;
    for (std::uint8_t& byte : bytes) {
        if (is_dash_position(position)) {
            if (text[position] != '-') return false;
            ++position;
        }
        const int high = hex_value(text[position++]);
        const int low = hex_value(text[position++]);
        if (high < 0 || low < 0) return false;
        byte = static_cast<std::uint8_t>(high << 4 | low);
    }
    return true;
}

}  // namespace detail

namespace {

// splitmix64 (Steele, Lea, Flood 2014): spreads a small seed over the generator's state.
std::uint64_t split_mix(std::uint64_t& seed) {
    std::uint64_t z = seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

constexpr std::uint64_t rotate_left(std::uint64_t x, int k) { return x << k | x >> (64 - k); }

// Writes the 48 bits with which a UUIDv7 begins.
void put_milliseconds(Instant instant, std::array<std::uint8_t, 16>& bytes) {
    const auto since_epoch =
        std::chrono::floor<std::chrono::milliseconds>(instant).time_since_epoch();
    const auto ms = static_cast<std::uint64_t>(since_epoch.count());
    for (std::size_t i = 0; i < 6; ++i) bytes[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
}

// Fills `bytes` from the random generator of the operating system, which never returns the same
// bytes twice. Throws std::system_error.
void fill_randomly(std::span<std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::getrandom(bytes.data(), bytes.size(), 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
}

}  // namespace

OrderId first_order_id(Instant instant) {
    OrderId id;
    put_milliseconds(instant, id.bytes);
    return id;
}

IdSource::IdSource(std::uint64_t seed) {
    auto& state = state_.emplace();
    for (auto& word : state) word = split_mix(seed);
}

// xoroshiro128+ (Blackman, Vigna 2018).
std::uint64_t IdSource::seeded() {
    auto& state = *state_;
    const std::uint64_t a = state[0];
    std::uint64_t b = state[1];
    const std::uint64_t result = a + b;
    b ^= a;
    state[0] = rotate_left(a, 24) ^ b ^ (b << 16);
    state[1] = rotate_left(b, 37);
    return result;
}

void IdSource::draw(std::uint8_t* out) {
    if (state_) {
        const std::uint64_t high = seeded();
        const std::uint64_t low = seeded();
        out[0] = static_cast<std::uint8_t>(high);
        out[1] = static_cast<std::uint8_t>(high >> 8);
        std::memcpy(out + 2, &low, 8);
        return;
    }
    if (!pool_) pool_ = std::make_unique<Pool>();
    if (pool_->used == kPoolBytes) {
        fill_randomly(pool_->bytes);
        pool_->used = 0;
    }
    std::memcpy(out, pool_->bytes.data() + pool_->used, kIdBytes);
    pool_->used += kIdBytes;
}

void IdSource::fill(Instant now, std::array<std::uint8_t, 16>& bytes) {
    put_milliseconds(now, bytes);
    draw(bytes.data() + 6);
    bytes[6] = static_cast<std::uint8_t>(0x70 | (bytes[6] & 0x0f));
    bytes[8] = static_cast<std::uint8_t>(0x80 | (bytes[8] & 0x3f));
}

}  // namespace orderflow
