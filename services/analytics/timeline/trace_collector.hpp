#pragma once
// The collector that receives the traces, over HTTP: what is sent to it, and what its answers mean.
// Used by trace_export and traces, on the traces' thread.
#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "http/client.hpp"

namespace orderflow::analytics {

struct TraceSettings {
    std::string endpoint;  // http:// or https://host[:port]/path; empty: off
    std::string ca_file;   // PEM: the only certificates that are trusted; empty: the system's
};

// The collector's answer to a request.
struct CollectorAnswer {
    enum class Verdict {
        accepted,
        partial,  // some spans were not accepted, and never will be
        failed,   // to be tried again
        refused,  // never to be tried again
    };
    Verdict verdict = Verdict::accepted;
    std::chrono::milliseconds not_before{0};  // if it failed
    std::string why;
};

// As in OTLP/HTTP: 429, 502, 503, 504 and no answer at all are temporary failures.
CollectorAnswer read_answer(const http::ClientResult& result);

class Collector {
public:
    virtual ~Collector() = default;
    // Blocks. A stop request makes it fail; that failure does not mean that the collector is
    // unavailable. Does not throw.
    virtual CollectorAnswer post(const std::string& body, std::chrono::milliseconds timeout,
                                 const std::stop_token& stop) = 0;
};

// Throws std::invalid_argument for invalid settings.
std::unique_ptr<Collector> make_collector(const TraceSettings& settings);

}  // namespace orderflow::analytics
