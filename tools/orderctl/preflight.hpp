#pragma once
// Checks an installation before it gets load: one finding for each thing that was checked. Used by
// `orderctl preflight`. Reads only. One thread; blocks.
#include <string>
#include <vector>

#include "orderctl/certificates.hpp"
#include "orderctl/connect.hpp"
#include "orderctl/topics.hpp"

namespace orderflow::orderctl {

enum class Verdict { good, doubtful, bad };

struct Finding {
    Verdict verdict = Verdict::good;
    std::string what;  // database orders, clock, …
    std::string text;
};

struct PreflightWishes {
    TopicWishes topics;
    bool access = false;        // rights and users, too: needs an administrator
    int certificate_days = 14;  // fewer days are doubtful
};

std::vector<Finding> preflight(const Endpoints& endpoints, const PreflightWishes& wishes);

// Parts of it that need no installation.
Finding judge_clock(const std::string& whose, std::int64_t ahead_us, std::int64_t asked_for_us);
Finding judge_connections(std::int64_t limit, std::int64_t ours, std::int64_t others);
Finding judge_days(const std::string& whose, int days, int at_least);
Finding judge_certificate(const std::string& whose, const ShownCertificate& shown, int at_least);
// Judges the gateway's answer to a request about a charge that never existed.
Finding judge_gateway(int status);
// Returns a label's value from a line of /metrics:
// orderflow_build_info{environment="x",log_level="info",version="1"} 1
std::string label_in(const std::string& metrics, const std::string& metric,
                     const std::string& label);

}  // namespace orderflow::orderctl
