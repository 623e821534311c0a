#pragma once
// What becomes of an order in each of its states at each event, asked of the rules themselves and
// written as Markdown: a section of docs/saga.md. Used by the program saga-table, which writes that
// section and holds it to the rules. Pure; throws std::logic_error where a rule breaks what all of
// them promise: an event that is not for a service changes nothing, one that was handled neither.
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/catalog.hpp"
#include "events/events.hpp"

namespace orderflow::saga_table {

// One cell. Equal cells say the same.
class Cell {
public:
    static constexpr std::string_view kNothing = "–";      // nothing changes, nothing is emitted
    static constexpr std::string_view kParked = "parked";  // the same, but not here to be judged

    Cell& say(std::string_view text);
    Cell& emit(const std::vector<events::Event>& events);
    bool acts() const { return !text_.empty() && text_ != kParked; }
    std::string text() const { return text_.empty() ? std::string(kNothing) : text_; }

private:
    std::string text_;
};

// An event as the row of a table: which one, and under which circumstances.
struct Case {
    std::string name;
    events::Event event;
};

// Events of one order in every variant that some rule may tell apart, and each event at least once.
std::vector<Case> all_events();

class Table {
public:
    // The first column's heading, then one for each state.
    Table(std::string corner, std::vector<std::string> states);

    void row(const std::string& name, const std::vector<Cell>& cells);
    // A row for each event that the catalog lists for `service`; the others must change nothing in
    // any state. `ask(event, column)` runs the rule.
    using Ask = std::function<Cell(const events::Event&, std::size_t)>;
    void events_of(events::Service service, const std::vector<Case>& cases, const Ask& ask);

    std::string markdown() const { return text_; }

private:
    std::size_t states_;
    std::string text_;
};

std::string order_tables();
std::string inventory_tables();
std::string payment_tables();
std::string shipping_tables();

}  // namespace orderflow::saga_table
