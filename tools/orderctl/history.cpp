#include "orderctl/history.hpp"

#include "events/codec.hpp"
#include "json/json.hpp"

namespace orderflow::orderctl {

struct Line {
    std::string op;
    json::Nullable<std::string> order_id;
    std::optional<std::string> outcome;
    json::Nullable<std::string> key;
    json::Nullable<std::string> customer_id;
};
BOOST_DESCRIBE_STRUCT(Line, (), (op, order_id, outcome, key, customer_id))

namespace {

Result<Placement> to_placement(const Line& line) {
    Placement placement;
    const std::string outcome = line.outcome.value_or("");
    if (!boost::describe::enum_from_string(outcome.c_str(), placement.outcome)) {
        return Error{"validation", "outcome must be ok, fail or info"};
    }
    const std::string order = line.order_id.value_or("");
    if (!order.empty()) {
        placement.order = OrderId::parse(order);
        if (!placement.order) return Error{"validation", "orderId must be a lower-case UUID"};
    }
    if (placement.outcome == HistoryResult::ok && !placement.order) {
        return Error{"validation", "an accepted order has an orderId"};
    }
    placement.key = line.key.value_or("");
    placement.customer = line.customer_id.value_or("");
    return placement;
}

}  // namespace

Result<History> read_history(std::istream& in) {
    History history;
    std::int64_t number = 0;
    for (std::string text; std::getline(in, text);) {
        ++number;
        if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
        const auto where = [&](const Error& error) {
            return Error{error.code, "history line " + std::to_string(number) + ": " +
                                         events::place_and_detail(error)};
        };
        const auto line = json::read_json<Line>(text, json::UnknownMembers::ignore);
        if (!line) return where(line.error());
        if (line->op != "place") continue;
        auto placement = to_placement(*line);
        if (!placement) return where(placement.error());
        placement->line = number;
        history.placements.push_back(std::move(*placement));
    }
    // A directory can be opened; only the first read fails.
    if (in.bad()) return Error{"unreadable", "cannot be read"};
    return history;
}

}  // namespace orderflow::orderctl
