#pragma once
// One record as a consumer sees it, and the source of records. `RecordSource` is a port: Kafka in
// production (consumer.hpp), the simulated broker in tests. Used by a consumer loop's thread.
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/gathering.hpp"

namespace orderflow::kafka {

struct Record {
    std::string_view topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::optional<std::string_view> key;  // empty: the record has none
    std::string_view value;
    std::vector<std::pair<std::string_view, std::string_view>> headers;
    std::shared_ptr<const void> owner;  // keeps the bytes behind the views alive

    // The first header of that name; empty when there is none.
    std::string_view header(std::string_view name) const {
        for (const auto& [key_, value_] : headers) {
            if (key_ == name) return value_;
        }
        return {};
    }
};

class RecordSource {
public:
    virtual ~RecordSource() = default;

    // Returns the waiting records, collected within the limits of `gathering`; waits up to `idle`
    // for a first record. Records come in order within a partition. Empty: nothing came. Throws on
    // a broken client.
    virtual std::vector<Record> poll(Gathering& gathering, std::chrono::milliseconds idle) = 0;

    // The records are completely handled: their offsets may be committed.
    virtual void processed(const std::vector<Record>& records) = 0;

    // Pauses fetching, and keeps the membership alive for `time`, or until `stop`. False:
    // partitions were revoked meanwhile, and the records that were polled before must be dropped.
    virtual bool hold(std::chrono::milliseconds time, std::stop_token stop) = 0;

    // Commits what is processed and leaves the group.
    virtual void close() = 0;
};

}  // namespace orderflow::kafka
