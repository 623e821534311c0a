#pragma once
// A table state × event that is written by hand, as text: a line for each event, a column for each
// state. A test compares the answers of a rule with it, cell by cell. The test fails if the table
// lacks a state or an event. For tests of rules; any thread.
#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <boost/describe.hpp>
#include <boost/mp11.hpp>

#include "support/builders.hpp"

namespace orderflow::test {

// A cell describes what happens: "-" for nothing; otherwise the next state and the emitted events,
// joined by '+' ("CANCELLED+OrderCancelled"), and anything else that a test states about its rule,
// without blanks. A label may name a variant after a slash: "SCHEDULED/stored",
// "PaymentCaptured/abroad". A line before the table, for example "done = CANCELLED+OrderCancelled",
// defines a short word for a text that would make a column too wide.
class RulesTable {
public:
    explicit RulesTable(const std::string& text) {
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            const auto words = words_of(line);
            if (words.empty()) continue;
            if (words.size() == 3 && words[1] == "=") {
                meanings_[words[0]] = words[2];
                continue;
            }
            if (states.empty()) {
                for (const auto& word : words) states.push_back(meaning(word));
                continue;
            }
            if (words.size() != states.size() + 1) throw std::logic_error("cells? " + line);
            if (std::ranges::find(events, words[0]) != events.end()) {
                throw std::logic_error("twice: " + line);
            }
            events.push_back(words[0]);
            for (std::size_t i = 0; i < states.size(); ++i) {
                cells_[{words[0], states[i]}] = meaning(words[i + 1]);
            }
        }
    }

    const std::string& cell(const std::string& event, const std::string& state) const {
        return cells_.at({event, state});
    }

    std::vector<std::string> states;
    std::vector<std::string> events;

private:
    static std::vector<std::string> words_of(const std::string& line) {
        std::istringstream in(line);
        std::vector<std::string> words;
        for (std::string word; in >> word;) words.push_back(word);
        return words;
    }

    std::string meaning(const std::string& word) const {
        const auto found = meanings_.find(word);
        return found == meanings_.end() ? word : found->second;
    }

    std::map<std::string, std::string> meanings_;
    std::map<std::pair<std::string, std::string>, std::string> cells_;  // event, state
};

// Returns the labels without their variants.
inline std::set<std::string> names_in(const std::vector<std::string>& labels) {
    std::set<std::string> names;
    for (const auto& label : labels) names.insert(label.substr(0, label.find('/')));
    return names;
}

// The column labels of a complete table: "none", and every state.
template <class State>
std::set<std::string> none_and_all() {
    std::set<std::string> names{"none"};
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<State>>(
        [&](auto described) { names.insert(described.name); });
    return names;
}

// The line labels of a complete table: every event.
inline std::set<std::string> all_event_names() {
    std::set<std::string> names;
    for (std::size_t i = 0; i < events::kEventKinds; ++i) {
        const auto type = events::type_name(static_cast<events::EventKind>(i));
        names.emplace(type.substr(0, type.find('.')));
    }
    return names;
}

// Returns the event of that name; events of no order are included. NothingToCompensate is
// payment's.
inline events::Event any_event(const Story& s, const std::string& name) {
    const std::vector<events::Event> all{
        s.placed(),    s.cancellation(), s.completed(), s.cancelled(),
        s.reserved(),  s.rejected(),     s.released(),  events::StockAdjusted{"A", "Pen", 1, {}, 5},
        s.captured(),  s.declined(),     s.refunded(),  s.nothing(events::Participant::payment),
        s.scheduled(), s.refused(),      s.voided()};
    const auto found = std::ranges::find(all, name, [](const auto& one) { return name_of(one); });
    if (found == all.end()) throw std::logic_error("no such event: " + name);
    return *found;
}

// Returns the beginning of a cell: "-", or "STATE+Event+Event".
template <class State>
std::string cell_of(const State* next, const std::vector<events::Event>& emitted) {
    std::string text = next ? boost::describe::enum_to_string(*next, "?") : "-";
    for (const auto& event : emitted) text += "+" + name_of(event);
    return text;
}

}  // namespace orderflow::test
