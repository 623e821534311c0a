#pragma once
// Ids of new orders, chosen by the partition that their events go to. Used by the loop that places
// orders, on its thread.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/ids.hpp"

namespace orderflow::order {

// Orders that are placed in one batch get ids with the same partition. So their events stay
// together: one produce request and one fetch for each step of the saga, where random ids would
// need six. The next ones get the next partition, so all partitions carry the same load. Ids stay
// UUIDv7 with 71 unknown bits (a sixth of 2^74).
class OrderIds {
public:
    explicit OrderIds(IdSource source = {});

    std::vector<OrderId> next(std::size_t count, Instant now);

    // A larger batch goes to more than one partition.
    static constexpr std::size_t kTogether = 64;

private:
    IdSource source_;
    std::int32_t partition_ = 0;
};

}  // namespace orderflow::order
