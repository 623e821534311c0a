#pragma once
// Lets the generic codec write RawJson unchanged. Include it in the .cpp files that convert a
// struct with a RawJson to JSON; the codec finds this function through its argument. Any thread.
#include "json/json.hpp"
#include "orderctl/check.hpp"

namespace orderflow::orderctl {

inline void write_text(json::Writer& writer, const RawJson& raw) {
    writer.RawValue(raw.text.data(), raw.text.size(), rapidjson::kObjectType);
}

}  // namespace orderflow::orderctl
