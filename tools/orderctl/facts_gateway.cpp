// Part of facts_readers.hpp: reads the sandbox's ledger, page by page.
#include <rapidjson/document.h>

#include "json/json.hpp"
#include "orderctl/facts_readers.hpp"
#include "orderctl/service_calls.hpp"

namespace orderflow::orderctl {

// A line of the ledger; only the members that are used here.
struct GatewayLine {
    std::int64_t id = 0;
    std::string key;
    std::string kind;  // charge, decline, refund, cancel
    std::int64_t amount = 0;
    std::string currency;  // empty if nothing was ever charged
};
BOOST_DESCRIBE_STRUCT(GatewayLine, (), (id, key, kind, amount, currency))

namespace {

constexpr std::chrono::seconds kPatience{30};       // for a page of the ledger
constexpr std::chrono::seconds kChargePatience{3};  // for one charge, while a user waits
constexpr std::int64_t kPageLines = 500;            // the codec's limit for one array
constexpr std::string_view kKeyPrefix = "charge:";

void take(Facts& facts, const GatewayLine& line) {
    ++facts.gateway.lines;
    const auto id = line.key.starts_with(kKeyPrefix)
                        ? OrderId::parse(std::string_view(line.key).substr(kKeyPrefix.size()))
                        : std::nullopt;
    const bool charge = line.kind == "charge";
    const bool moves = charge || line.kind == "refund";
    if (id && !moves) return;
    GatewayFacts& sums =
        id ? facts.orders[facts.order(*id)].gateway : facts.foreign_charges[line.key];
    if (!moves) return;
    const auto currency = Currency::parse(line.currency);
    sums.odd_currency |= !currency;
    if (sums.captures + sums.refunds > 0 && sums.currency != currency.value_or(Currency{})) {
        sums.mixed_currencies = true;
    }
    sums.currency = currency.value_or(Currency{});
    ++(charge ? sums.captures : sums.refunds);
    (charge ? sums.captured : sums.refunded) += line.amount;
}

}  // namespace

void read_gateway(const Endpoints& endpoints, Facts& facts) {
    HttpAsker gateway(endpoints.gateway(), kPatience);
    for (std::int64_t after = 0;;) {
        const auto answer = gateway.get(
            "/v1/ledger?after=" + std::to_string(after) + "&limit=" + std::to_string(kPageLines),
            "gateway");
        if (answer.status != 200) {
            throw CannotDo("gateway: the ledger answers " + std::to_string(answer.status));
        }
        const auto lines =
            json::read_json<std::vector<GatewayLine>>(answer.body, json::UnknownMembers::ignore);
        if (!lines) throw CannotDo("gateway: the ledger is unreadable: " + lines.error().detail);
        for (const GatewayLine& line : *lines) take(facts, line);
        if (lines->empty()) break;  // a short page may have been the newest at that time
        after = lines->back().id;
    }
    facts.gateway_read = true;
}

std::string read_charge(const Endpoints& endpoints, const OrderId& order) {
    HttpAsker gateway(endpoints.gateway(), kChargePatience);
    const auto answer =
        gateway.get("/v1/charges/" + std::string(kKeyPrefix) + order.to_string(), "gateway");
    if (answer.status == 404) return {};
    if (answer.status != 200) {
        throw CannotDo("gateway: a charge answers " + std::to_string(answer.status));
    }
    if (rapidjson::Document().Parse(answer.body.data(), answer.body.size()).HasParseError()) {
        throw CannotDo("gateway: a charge is not JSON");
    }
    return answer.body;
}

}  // namespace orderflow::orderctl
