#include "outbox/unit_of_work.hpp"

#include <new>

namespace orderflow::outbox {

bool is_unavailable(const std::exception& error) {
    if (const auto* database = dynamic_cast<const postgres::DatabaseError*>(&error)) {
        return database->transient();
    }
    return dynamic_cast<const LostTooOften*>(&error) || dynamic_cast<const std::bad_alloc*>(&error);
}

}  // namespace orderflow::outbox
