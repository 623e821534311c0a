#include "postgres/rows.hpp"

#include <charconv>
#include <stdexcept>
#include <type_traits>

#include <libpq-fe.h>

#include "postgres/params.hpp"

namespace orderflow::postgres {
namespace {

template <class T>
T read_big_endian(std::string_view bytes) {
    using U = std::make_unsigned_t<T>;
    U value = 0;
    if (bytes.size() != sizeof(U)) throw std::logic_error("column has another type");
    std::memcpy(&value, bytes.data(), sizeof value);
    if constexpr (sizeof(U) == 8) value = __builtin_bswap64(value);
    if constexpr (sizeof(U) == 4) value = __builtin_bswap32(value);
    if constexpr (sizeof(U) == 2) value = __builtin_bswap16(value);
    return static_cast<T>(value);
}

}  // namespace

void Rows::Clear::operator()(pg_result* result) const { PQclear(result); }

int Rows::size() const { return PQntuples(result_.get()); }

std::int64_t Rows::affected() const {
    const std::string_view text = PQcmdTuples(result_.get());
    std::int64_t n = 0;
    std::from_chars(text.data(), text.data() + text.size(), n);
    return n;
}

bool Rows::is_null(int row, int column) const {
    return PQgetisnull(result_.get(), row, column) != 0;
}

std::string_view Rows::text(int row, int column) const {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

bool Rows::boolean(int row, int column) const { return text(row, column).at(0) != 0; }
std::int16_t Rows::int16(int row, int column) const {
    return read_big_endian<std::int16_t>(text(row, column));
}
std::int32_t Rows::int32(int row, int column) const {
    return read_big_endian<std::int32_t>(text(row, column));
}
std::int64_t Rows::int64(int row, int column) const {
    return read_big_endian<std::int64_t>(text(row, column));
}
Instant Rows::instant(int row, int column) const {
    return Instant{std::chrono::microseconds{int64(row, column) + kEpochUs}};
}

std::string_view Rows::uuid(int row, int column) const {
    const std::string_view bytes = text(row, column);
    if (bytes.size() != 16) throw std::logic_error("column has another type");
    return bytes;
}

std::vector<std::int64_t> Rows::int64_array(int row, int column) const {
    std::string_view bytes = text(row, column);
    std::vector<std::int64_t> values;
    if (bytes.size() < 20) return values;  // an empty array has no dimension
    for (bytes.remove_prefix(20); bytes.size() >= 12; bytes.remove_prefix(12)) {
        values.push_back(read_big_endian<std::int64_t>(bytes.substr(4, 8)));
    }
    return values;
}

}  // namespace orderflow::postgres
