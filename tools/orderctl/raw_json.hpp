#pragma once
// Lets the generic codec write RawJson as it is. Include it where a struct that holds one becomes
// JSON (.cpp files only); the codec finds this function through its argument.
#include "json/json.hpp"
#include "orderctl/check.hpp"

namespace orderflow::orderctl {

inline void write_text(json::Writer& writer, const RawJson& raw) {
    writer.RawValue(raw.text.data(), raw.text.size(), rapidjson::kObjectType);
}

}  // namespace orderflow::orderctl
