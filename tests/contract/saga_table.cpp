#include "contract/saga_table.hpp"

#include <algorithm>
#include <stdexcept>

#include "core/enums.hpp"
#include "support/builders.hpp"

namespace orderflow::saga_table {
namespace {

using events::Participant;
using events::Service;

// The reason or the participant that an event names, if it does: what tells its variants apart.
std::string detail_of(const events::Event& event) {
    return std::visit(
        [](const auto& data) -> std::string {
            if constexpr (requires { data.reason; }) {
                return std::string(name_of(data.reason));
            } else if constexpr (requires { data.participant; }) {
                return std::string(name_of(data.participant));
            } else {
                return {};
            }
        },
        event);
}

std::string code(const std::string& text) { return "`" + text + "`"; }

std::string full_name(const events::Event& event) {
    const std::string detail = detail_of(event);
    return code(test::name_of(event)) + (detail.empty() ? "" : " " + detail);
}

bool listed(Service consumer, const events::Event& event) {
    return std::ranges::any_of(events::catalog(), [&](const events::CatalogRow& row) {
        return row.kind == events::kind_of(event) && (row.consumers & bit(consumer)) != 0;
    });
}

}  // namespace

Cell& Cell::say(std::string_view text) {
    if (!text_.empty()) text_ += "<br>";
    text_ += text;
    return *this;
}

Cell& Cell::emit(const std::vector<events::Event>& events) {
    for (const events::Event& event : events) say(full_name(event));
    return *this;
}

std::vector<Case> all_events() {
    const test::Story story;
    std::vector<Case> cases;
    const auto add = [&](events::Event event) { cases.push_back({full_name(event), event}); };
    add(story.placed());
    add(story.reserved());
    add(story.captured());
    add(story.scheduled());
    for (const auto reason :
         {events::StockRejection::OUT_OF_STOCK, events::StockRejection::UNKNOWN_PRODUCT,
          events::StockRejection::PRICE_MISMATCH}) {
        add(story.rejected(reason));
    }
    for (const auto reason :
         {events::PaymentRejection::CARD_DECLINED, events::PaymentRejection::CARD_TOKEN_UNKNOWN}) {
        add(story.declined(reason));
    }
    for (const auto reason :
         {events::ShipmentRejection::CARRIER_REFUSED, events::ShipmentRejection::STORAGE_FULL}) {
        add(story.refused(reason));
    }
    // No participant looks at the reason.
    cases.push_back({code("CancellationStarted"), story.cancellation()});
    add(story.released());
    add(story.nothing(Participant::inventory));
    add(story.refunded());
    add(story.nothing(Participant::payment));
    add(story.voided());
    add(story.nothing(Participant::shipping));
    add(story.completed());
    add(story.cancelled());
    add(events::StockAdjusted{"ITEM-001", "Laptop", 1500, {}, 1});
    for (std::size_t kind = 0; kind < events::kEventKinds; ++kind) {
        const auto is = [&](const Case& one) { return one.event.index() == kind; };
        if (!std::ranges::any_of(cases, is)) throw std::logic_error("an event has no example");
    }
    return cases;
}

Table::Table(std::string corner, std::vector<std::string> states) : states_(states.size()) {
    text_ = "| " + corner + " |";
    for (const std::string& state : states) text_ += " " + state + " |";
    text_ += "\n|---|";
    for (std::size_t i = 0; i < states_; ++i) text_ += "---|";
    text_ += "\n";
}

void Table::row(const std::string& name, const std::vector<Cell>& cells) {
    if (cells.size() != states_) throw std::logic_error("a row has not a cell for each state");
    text_ += "| " + name + " |";
    for (const Cell& cell : cells) text_ += " " + cell.text() + " |";
    text_ += "\n";
}

void Table::events_of(Service service, const std::vector<Case>& cases, const Ask& ask) {
    for (const Case& one : cases) {
        std::vector<Cell> cells;
        for (std::size_t i = 0; i < states_; ++i) cells.push_back(ask(one.event, i));
        if (listed(service, one.event)) {
            row(one.name, cells);
        } else if (std::ranges::any_of(cells, &Cell::acts)) {
            throw std::logic_error("not for this service, but it acts: " + one.name);
        }
    }
}

}  // namespace orderflow::saga_table
