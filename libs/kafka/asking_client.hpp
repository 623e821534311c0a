#pragma once
// A client that only sends requests to the brokers: what they know of topics and groups. Used by
// GroupWatch, reader.hpp and `orderctl`, each on its own thread.
#include <memory>
#include <stdexcept>
#include <string>

#include "kafka/rdkafka.hpp"
#include "kafka/settings.hpp"

namespace orderflow::kafka {

// The brokers did not answer in time, or refused, or a stop was requested.
struct NoAnswer : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Such a client is never a member of a group, so nothing has to be closed first.
struct DestroyAsking {
    void operator()(rd_kafka_t* handle) const {
        rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
};
using ClientHandle = std::unique_ptr<rd_kafka_t, DestroyAsking>;

// Technically it is a consumer that never subscribes: if a coordinator does not answer, librdkafka
// 2.8 uses the group of the requesting handle. A producer has no group, and librdkafka would crash.
ClientHandle make_asking_client(const Settings& settings);

// A client that stores its complaints for complaint_of(). It should be short-lived.
ClientHandle make_complaining_client(const Settings& settings);
// Why the brokers could not be used until now, in librdkafka's words ("SASL authentication error:
// …"). Empty: nothing was wrong. Does not wait.
std::string complaint_of(rd_kafka_t* handle);

}  // namespace orderflow::kafka
