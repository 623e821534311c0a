#pragma once
// Statement parameters in PostgreSQL's binary format: scalars and whole columns (arrays). So one
// statement carries a set of rows, and unnest() turns the columns back into rows. Values only, any
// thread.
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "core/money.hpp"
#include "core/time.hpp"

namespace orderflow::postgres {

// 2000-01-01T00:00:00Z, the zero of timestamptz on the wire, in microseconds since 1970.
inline constexpr std::int64_t kEpochUs = 946'684'800'000'000;

namespace wire {

template <std::integral T>
void put(std::string& out, T value) {
    using U = std::make_unsigned_t<T>;
    U bits = static_cast<U>(value);
    if constexpr (sizeof(U) == 8) bits = __builtin_bswap64(bits);
    if constexpr (sizeof(U) == 4) bits = __builtin_bswap32(bits);
    if constexpr (sizeof(U) == 2) bits = __builtin_bswap16(bits);
    out.append(reinterpret_cast<const char*>(&bits), sizeof bits);
}

// For each C++ type: the object id of the server's type, and how to write the bytes of one value.
// The ids are fixed in PostgreSQL's pg_type.dat.
template <class T>
struct Codec;
template <>
struct Codec<bool> {
    static constexpr std::uint32_t kOid = 16;
    static void encode(std::string& out, bool v) { out.push_back(v ? 1 : 0); }
};
template <>
struct Codec<std::int16_t> {
    static constexpr std::uint32_t kOid = 21;
    static void encode(std::string& out, std::int16_t v) { put(out, v); }
};
template <>
struct Codec<std::int32_t> {
    static constexpr std::uint32_t kOid = 23;
    static void encode(std::string& out, std::int32_t v) { put(out, v); }
};
template <>
struct Codec<std::int64_t> {
    static constexpr std::uint32_t kOid = 20;
    static void encode(std::string& out, std::int64_t v) { put(out, v); }
};
template <>
struct Codec<std::string_view> {
    static constexpr std::uint32_t kOid = 25;  // text
    static void encode(std::string& out, std::string_view v) { out.append(v); }
};
template <>
struct Codec<std::string> : Codec<std::string_view> {};
template <>
struct Codec<Currency> : Codec<std::string_view> {
    static void encode(std::string& out, const Currency& v) { out.append(v.text()); }
};
template <>
struct Codec<Instant> {
    static constexpr std::uint32_t kOid = 1184;  // timestamptz
    static void encode(std::string& out, Instant v) {
        put(out, static_cast<std::int64_t>(v.time_since_epoch().count() - kEpochUs));
    }
};
template <class Tag>
struct Codec<Id<Tag>> {
    static constexpr std::uint32_t kOid = 2950;  // uuid
    static void encode(std::string& out, const Id<Tag>& v) {
        out.append(reinterpret_cast<const char*>(v.bytes.data()), v.bytes.size());
    }
};
// Raw bytes (bytea).
struct Bytes {
    std::string_view data;
};
template <>
struct Codec<Bytes> {
    static constexpr std::uint32_t kOid = 17;
    static void encode(std::string& out, const Bytes& v) { out.append(v.data); }
};

}  // namespace wire

using wire::Bytes;

// One column of a set: a one-dimensional array whose elements may be NULL. Push one value per row.
template <class T>
class Column {
public:
    explicit Column(std::size_t rows = 0) {
        wire::put(bytes_, std::int32_t{1});  // dimensions
        wire::put(bytes_, std::int32_t{1});  // may hold NULLs
        wire::put(bytes_, static_cast<std::int32_t>(wire::Codec<T>::kOid));
        wire::put(bytes_, std::int32_t{0});  // length, written by bytes()
        wire::put(bytes_, std::int32_t{1});  // lower bound
        bytes_.reserve(bytes_.size() + rows * 24);
    }

    void push(const T& value) {
        const std::size_t at = bytes_.size();
        wire::put(bytes_, std::int32_t{0});
        wire::Codec<T>::encode(bytes_, value);
        set_length(at, bytes_.size() - at - 4);
        ++rows_;
    }
    void push(std::nullopt_t) {
        wire::put(bytes_, std::int32_t{-1});
        ++rows_;
    }
    template <class U>
    void push(const std::optional<U>& value) {
        value ? push(T(*value)) : push(std::nullopt);
    }

    std::size_t rows() const { return rows_; }

    // The array on the wire; valid until the next push.
    const std::string& bytes() {
        if (rows_ == 0) {  // an empty array has no dimension
            bytes_.clear();
            wire::put(bytes_, std::int32_t{0});
            wire::put(bytes_, std::int32_t{0});
            wire::put(bytes_, static_cast<std::int32_t>(wire::Codec<T>::kOid));
        } else {
            set_length(12, rows_);
        }
        return bytes_;
    }

private:
    void set_length(std::size_t at, std::size_t length) {
        std::string text;
        wire::put(text, static_cast<std::int32_t>(length));
        std::memcpy(bytes_.data() + at, text.data(), 4);
    }

    std::string bytes_;
    std::size_t rows_ = 0;
};

// The column of a set of values, for `= ANY ($1)`.
template <class T>
Column<T> column_of(std::span<const T> values) {
    Column<T> column(values.size());
    for (const T& value : values) column.push(value);
    return column;
}

// The parameters of one statement, in order. Columns are referenced, not copied: they must outlive
// the call.
class Params {
public:
    template <class... T>
    static Params of(T&&... value) {
        Params params;
        (params.add(std::forward<T>(value)), ...);
        return params;
    }

    template <class T>
    void add(Column<T>& column) {
        const std::string& bytes = column.bytes();
        refs_.push_back({bytes.data(), bytes.size()});
    }
    template <class T>
        requires requires(std::string& out, const T& v) { wire::Codec<T>::encode(out, v); }
    void add(const T& value) {
        auto& scalar = scalars_.emplace_back(std::make_unique<std::string>());
        wire::Codec<T>::encode(*scalar, value);
        refs_.push_back({scalar->data(), scalar->size()});
    }
    template <class T>
    void add(const std::optional<T>& value) {
        if (value) {
            add(*value);
        } else {
            refs_.push_back({nullptr, 0});
        }
    }
    void add(const char* text) { add(std::string_view(text)); }

    struct Ref {
        const char* data;  // nullptr: NULL
        std::size_t size;
    };
    std::span<const Ref> refs() const { return refs_; }

private:
    std::vector<Ref> refs_;
    std::vector<std::unique_ptr<std::string>> scalars_;
};

}  // namespace orderflow::postgres
