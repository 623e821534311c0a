#pragma once
// More partitions for the saga's topics without harm to an order: a key's next events go to another
// partition then, so all that was sent must have been read first. The relays are held meanwhile:
// orders are accepted, what is decided waits in the outboxes. A held pipeline is also the moment
// for a backup, since nothing is between the databases. Used by `orderctl topics`; blocks.
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "orderctl/connect.hpp"

namespace orderflow::orderctl {

// What a held pipeline still has to read; empty: all groups have read all to the end.
using Unread = std::vector<std::string>;

// Asks the four relays to stop (role operator), waits until none sends any more, and then, at most
// `patience`, until every group has read to the end. Throws CannotDo if somebody else holds them,
// or a relay does not stop.
Unread hold(const Endpoints& endpoints, const std::string& by, std::chrono::seconds patience);

struct Grown {
    std::vector<std::string> topics;      // that got partitions; the others had them
    std::vector<std::string> unassigned;  // groups whose members have not taken them in time
};
// Gives each of the saga's topics `partitions`, and waits, at most `patience`, until the members of
// all groups have been given them. No relay sends until it returns, whoever releases the hold.
// Throws CannotDo unless the pipeline is held and all is read, and if a topic has more.
Grown grow(const Endpoints& endpoints, std::int32_t partitions, std::chrono::seconds patience);

// The relays go on; if `by` is not empty, those alone that it holds. The number of those that were
// held.
int release(const Endpoints& endpoints, const std::string& by);

}  // namespace orderflow::orderctl
