// A record with any headers, key and value → each service's decoding. The input is text: topic,
// key, one line `name: value` for each header, an empty line, the value. Every record comes to
// exactly one end, and what is delivered belongs to its key.
#include <string>

#include "events/codec.hpp"
#include "fuzz/fuzz.hpp"
#include "kafka/record.hpp"
#include "loops/batch.hpp"
#include "loops/decode.hpp"

namespace orderflow::fuzz {
namespace {

std::string_view take_line(std::string_view& rest) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    return line;
}

kafka::Record record_of(std::string_view text) {
    kafka::Record record;
    record.topic = take_line(text);
    record.key = take_line(text);
    while (!text.empty()) {
        const std::string_view line = take_line(text);
        if (line.empty()) break;
        const std::size_t colon = std::min(line.find(": "), line.size());
        record.headers.emplace_back(line.substr(0, colon),
                                    line.substr(std::min(colon + 2, line.size())));
    }
    record.value = text;
    return record;
}

void decode_for(events::Service service, const std::vector<kafka::Record>& records) {
    const auto batch = loops::decode_batch(service, records);
    const auto& report = batch.report;
    expect(report.deliveries + report.skipped + report.unknown + report.doubles + report.dead ==
               records.size(),
           "every record comes to one end");
    expect(report.doubles == report.deliveries, "the same record again is a double");
    for (const auto& delivery : batch.deliveries) {
        const OrderId* id = delivery.order_id();
        expect(id == nullptr || id->to_string() == delivery.record->key, "the key is the order's");
    }
    for (const auto& dead : batch.dead) {
        expect(dead.error.find(": ") != std::string::npos, "an error is a code and a detail");
    }
}

}  // namespace
}  // namespace orderflow::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace orderflow;
    const auto record = fuzz::record_of(fuzz::text_of(data, size));
    for (const auto service :
         {events::Service::order, events::Service::payment, events::Service::inventory,
          events::Service::shipping, events::Service::analytics}) {
        fuzz::decode_for(service, {record, record});
    }
    return 0;
}
