#include "simulation/trace.hpp"

#include <cstdio>
#include <ostream>

namespace orderflow::simulation {

std::string Trace::name_of(const OrderId& id) const {
    const auto found = numbers_.find(id);
    return found == numbers_.end() ? id.to_string() : "#" + std::to_string(found->second);
}

// FNV-1a (Fowler, Noll, Vo), one word at a time.
void Trace::mix(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001b3u; }

void Trace::begin(Instant now) {
    if (!begun_) begun_ = now;
    const auto since = (now - *begun_).count();
    mix(static_cast<std::uint64_t>(since));
    if (!recording_) return;
    char text[32];
    std::snprintf(text, sizeof text, "%10.3f s  ", static_cast<double>(since) / 1e6);
    line_ = {text + std::string(static_cast<std::size_t>(2 * indent_), ' '), {}};
}

void Trace::end() {
    if (recording_) lines_.push_back(std::move(line_));
}

void Trace::add(std::string_view text) {
    for (const char c : text) mix(static_cast<unsigned char>(c));
    if (recording_) line_.text += text;
}

void Trace::add(const OrderId& id) {
    mix(std::hash<OrderId>()(id));
    if (!recording_) return;
    line_.text += name_of(id);
    line_.about.insert(id);
}

void Trace::add(const std::vector<OrderId>& ids) {
    for (const OrderId& id : ids) {
        add(std::string_view(" "));
        add(id);
    }
}

void Trace::print(std::ostream& out, const std::optional<OrderId>& about) const {
    constexpr std::size_t kLastLines = 60;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
        const bool wanted =
            about ? lines_[i].about.contains(*about) : i + kLastLines >= lines_.size();
        if (wanted) out << lines_[i].text << "\n";
    }
}

void Trace::print_all(std::ostream& out) const {
    for (const Line& line : lines_) out << line.text << "\n";
}

}  // namespace orderflow::simulation
