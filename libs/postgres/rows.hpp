#pragma once
// The rows of a result, read in binary format. Used by whoever runs a statement, on the thread of
// the connection.
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "core/time.hpp"

struct pg_result;

namespace orderflow::postgres {

// The rows of a result, in binary format. Column indices count from 0. Views point into this
// object.
class Rows {
public:
    explicit Rows(pg_result* result) : result_(result) {}

    int size() const;
    std::int64_t affected() const;  // rows inserted, updated or deleted

    bool is_null(int row, int column) const;
    bool boolean(int row, int column) const;
    std::int16_t int16(int row, int column) const;
    std::int32_t int32(int row, int column) const;
    std::int64_t int64(int row, int column) const;
    std::string_view text(int row, int column) const;  // also varchar, bytea
    Instant instant(int row, int column) const;        // timestamptz
    std::vector<std::int64_t> int64_array(int row, int column) const;

    template <class T>
    T id(int row, int column) const {
        T value;
        std::memcpy(value.bytes.data(), uuid(row, column).data(), 16);
        return value;
    }
    std::optional<Instant> optional_instant(int row, int column) const {
        if (is_null(row, column)) return std::nullopt;
        return instant(row, column);
    }

private:
    std::string_view uuid(int row, int column) const;  // 16 bytes

    struct Clear {
        void operator()(pg_result* result) const;
    };
    std::unique_ptr<pg_result, Clear> result_;
};

}  // namespace orderflow::postgres
