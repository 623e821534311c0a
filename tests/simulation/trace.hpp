#pragma once
// The history of a run: a hash over every step and decision, so that two runs of one seed can be
// compared, and, if it records, the lines to read. Recording must not change the hash. One thread.
#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "core/time.hpp"

namespace orderflow::simulation {

class Trace {
public:
    explicit Trace(bool recording) : recording_(recording) {}

    // From now on, lines contain #1, #2, ... in place of the order's id.
    void name(const OrderId& id) { numbers_.emplace(id, static_cast<int>(numbers_.size()) + 1); }
    std::string name_of(const OrderId& id) const;

    // Adds one line, composed of texts, numbers and order ids.
    template <class... Parts>
    void operator()(Instant now, const Parts&... parts) {
        begin(now);
        (add(parts), ...);
        end();
    }

    // Indents the lines of steps that run inside another step.
    void indent(int by) { indent_ += by; }

    std::uint64_t hash() const { return hash_; }
    bool recording() const { return recording_; }

    // Prints the lines that name the order; without an order, the last lines.
    void print(std::ostream& out, const std::optional<OrderId>& about) const;
    void print_all(std::ostream& out) const;

private:
    struct Line {
        std::string text;
        std::set<OrderId> about;
    };

    void begin(Instant now);
    void end();
    void mix(std::uint64_t value);
    void add(std::string_view text);
    void add(const OrderId& id);
    void add(const std::vector<OrderId>& ids);
    template <std::integral T>
    void add(T number) {
        mix(static_cast<std::uint64_t>(number));
        if (recording_) line_.text += std::to_string(number);
    }

    const bool recording_;
    std::uint64_t hash_ = 0xcbf29ce484222325u;
    int indent_ = 0;
    std::map<OrderId, int> numbers_;
    std::optional<Instant> begun_;
    Line line_;
    std::vector<Line> lines_;
};

}  // namespace orderflow::simulation
