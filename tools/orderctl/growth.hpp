#pragma once
// Adds partitions to the saga's topics without harm to an order. A key's next events then go to
// another partition, so everything that was sent before must have been read. Meanwhile the relays
// are held: orders are accepted, and the events wait in the outboxes. A held pipeline is also the
// right moment for a backup, since no event is on its way between the databases. Used by `orderctl
// topics`. One thread; blocks.
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "orderctl/connect.hpp"

namespace orderflow::orderctl {

// The records that a held pipeline has not read yet; empty: all groups have read to the end.
using Unread = std::vector<std::string>;

// Makes the four relays stop (role operator), waits until none sends any more, and then, at most
// `patience`, until every group has read to the end. Throws CannotDo if another operator holds
// them, or if a relay does not stop.
Unread hold(const Endpoints& endpoints, const std::string& by, std::chrono::seconds patience);

struct Grown {
    std::vector<std::string> topics;      // that got partitions; the others had them already
    std::vector<std::string> unassigned;  // groups whose members have not got them in time
};
// Gives each of the saga's topics `partitions`, and waits, at most `patience`, until the members of
// all groups have them assigned. No relay sends until it returns, even if an operator releases the
// hold. Throws CannotDo unless the pipeline is held and everything is read, and if a topic has more
// partitions.
Grown grow(const Endpoints& endpoints, std::int32_t partitions, std::chrono::seconds patience);

// Lets the relays continue; if `by` is not empty, only those held under this name. Returns how many
// were held.
int release(const Endpoints& endpoints, const std::string& by);

}  // namespace orderflow::orderctl
