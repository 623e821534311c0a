// Any text → every kind of JSON that is read: the requests, the events, the order block. What is
// accepted can be written, and is read again as the same.
#include <string>

#include "events/codec.hpp"
#include "fuzz/fuzz.hpp"
#include "inventory/inventory_api.hpp"
#include "order/saga/saga_api.hpp"

namespace orderflow::fuzz {
namespace {

void read_requests(std::string_view text) {
    if (const auto order = order::parse_order(text)) {
        events::Order placed = *order;
        if (placed.payment.token.empty()) placed.payment.token = "tok_ok";  // as the service does
        placed.placed_at = Instant{std::chrono::seconds{1'700'000'000}};
        std::string written;
        events::encode(placed, written);
        const auto again = events::decode_order(written);
        expect(again.has_value() && *again == placed, "an accepted order is an order");
    }
    (void)inventory::parse_offer("ITEM-001", text);
    (void)inventory::parse_adjustment(text);
}

void read_events(std::string_view text) {
    for (std::size_t kind = 0; kind < events::kEventKinds; ++kind) {
        const auto event = events::decode(static_cast<events::EventKind>(kind), text);
        if (!event) {
            expect(!event.error().code.empty(), "a refusal has a code");
            continue;
        }
        std::string written;
        events::encode(*event, written);
        const auto again = events::decode(static_cast<events::EventKind>(kind), written);
        expect(again.has_value() && *again == *event, "what was read is written and read again");
    }
}

}  // namespace
}  // namespace orderflow::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = orderflow::fuzz::text_of(data, size);
    orderflow::fuzz::read_requests(text);
    orderflow::fuzz::read_events(text);
    return 0;
}
