#pragma once
// Reads a client's WebSocket frames as they arrive, before Beast parses them. Inside libs/http
// only, on the io thread. It counts all frames, among them control frames and empty fragments,
// which never appear in a message. If the highest bit of a length is set, which RFC 6455 §5.2
// forbids, it makes the length invalid. Beast then reports the protocol error (1002), and not a
// message that is too large (1009).

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace orderflow::http {

class FrameWatch {
public:
    // Reads the next bytes of the stream, and changes a forbidden length in them. Returns how many
    // frames begin in them.
    std::size_t look(std::uint8_t* bytes, std::size_t size) {
        std::size_t begun = 0;
        for (std::size_t i = 0; i < size;) {
            if (payload_ > 0) {
                const auto skipped = std::min<std::uint64_t>(payload_, size - i);
                payload_ -= skipped;
                i += static_cast<std::size_t>(skipped);
            } else {
                begun += step(bytes[i++]) ? 1 : 0;
            }
        }
        return begun;
    }

private:
    enum class Expects { first, size, length, mask };

    // Reads one byte of a header; true for the first byte.
    bool step(std::uint8_t& byte) {
        switch (expects_) {
            case Expects::first: expects_ = Expects::size; return true;
            case Expects::size: read_size(byte); break;
            case Expects::length: read_length(byte); break;
            case Expects::mask: --missing_; break;
        }
        if (missing_ > 0) return false;
        if (expects_ != Expects::mask && masked_) {
            expects_ = Expects::mask;
            missing_ = 4;
        } else {
            expects_ = Expects::first;
            payload_ = length_;
        }
        return false;
    }

    void read_size(std::uint8_t byte) {
        const unsigned size = byte & 0x7fU;
        masked_ = (byte & 0x80U) != 0;
        missing_ = size == 127 ? 8 : size == 126 ? 2 : 0;
        length_ = missing_ > 0 ? 0 : size;
        expects_ = missing_ > 0 ? Expects::length : Expects::size;
        spoil_ = false;
    }

    void read_length(std::uint8_t& byte) {
        if (missing_ == 8) spoil_ = (byte & 0x80U) != 0;
        if (spoil_) byte = 0;  // eight bytes for a length of 0: not the shortest form, an error
        length_ = length_ << 8U | byte;
        --missing_;
    }

    Expects expects_ = Expects::first;
    unsigned missing_ = 0;  // bytes of the length or of the mask that are still to come
    bool masked_ = false;
    bool spoil_ = false;
    std::uint64_t length_ = 0;
    std::uint64_t payload_ = 0;  // bytes of the current frame that are still to come
};

// Limits a rate: first `burst` at once, then `per_second` each second.
class TokenBucket {
public:
    TokenBucket(double per_second, double burst)
        : per_second_(per_second), burst_(burst), tokens_(burst) {}

    // False: the bucket has fewer than `count` left.
    bool take(std::size_t count, std::chrono::steady_clock::time_point now) {
        const std::chrono::duration<double> passed = now - filled_at_;
        tokens_ = std::min(burst_, tokens_ + passed.count() * per_second_);
        filled_at_ = now;
        tokens_ -= static_cast<double>(count);
        return tokens_ >= 0;
    }

private:
    double per_second_;
    double burst_;
    double tokens_;
    std::chrono::steady_clock::time_point filled_at_{};
};

}  // namespace orderflow::http
