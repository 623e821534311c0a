// What orderctl preflight makes of what it sees, and how it reads it.

#include <catch2/catch_test_macros.hpp>

#include "orderctl/preflight.hpp"
#include "orderctl/service_calls.hpp"

namespace orderflow::orderctl {

TEST_CASE("preflight: a clock is judged by how far it is off beyond what asking took") {
    CHECK(judge_clock("a", 400'000, 0).verdict == Verdict::good);
    CHECK(judge_clock("a", -600'000, 0).verdict == Verdict::doubtful);
    CHECK(judge_clock("a", 600'000, 300'000).verdict == Verdict::good);
    CHECK(judge_clock("a", 5'000'000, 0).verdict == Verdict::bad);
    CHECK(judge_clock("a", 2'000'000, 0).text == "2000 ms ahead of this machine's clock");
    CHECK(judge_clock("a", -2'000'000, 0).text == "2000 ms behind this machine's clock");
}

TEST_CASE("preflight: connections must do for an upgrade, in which each service runs twice") {
    CHECK(judge_connections(97, 40, 17).verdict == Verdict::good);
    CHECK(judge_connections(97, 40, 18).verdict == Verdict::doubtful);
    CHECK(judge_connections(97, 60, 37).verdict == Verdict::bad);
}

TEST_CASE("preflight: a certificate is doubtful before it ends, and bad when it has") {
    CHECK(judge_days("a", 14, 14).verdict == Verdict::good);
    CHECK(judge_days("a", 13, 14).verdict == Verdict::doubtful);
    CHECK(judge_days("a", 0, 14).verdict == Verdict::doubtful);
    CHECK(judge_days("a", -1, 14).verdict == Verdict::bad);
}

TEST_CASE("preflight: a certificate that a client would not believe is bad") {
    CHECK(judge_certificate("x", {100, ""}, 14).verdict == Verdict::good);
    CHECK(judge_certificate("x", {3, ""}, 14).verdict == Verdict::doubtful);
    CHECK(judge_certificate("x", {100, "hostname mismatch"}, 14).verdict == Verdict::bad);
    CHECK(judge_certificate("x", {-1, "expired"}, 14).text == "has expired");
}

TEST_CASE("preflight: a gateway that answers 401 refuses the credentials") {
    CHECK(judge_gateway(404).verdict == Verdict::good);
    CHECK(judge_gateway(401).verdict == Verdict::bad);
    CHECK(judge_gateway(500).verdict == Verdict::bad);
}

TEST_CASE("preflight: labels are found in what /metrics says, of that metric only") {
    const std::string metrics =
        "# TYPE orderflow_build_info gauge\n"
        "orderflow_build_info_x{version=\"0\"} 1\n"
        "orderflow_build_info{environment=\"shop\",version=\"1.2\"} 1\n"
        "other{log_level=\"debug\"} 1\n";
    CHECK(label_in(metrics, "orderflow_build_info", "version") == "1.2");
    CHECK(label_in(metrics, "orderflow_build_info", "environment") == "shop");
    CHECK(label_in(metrics, "orderflow_build_info", "log_level").empty());
    CHECK(label_in(metrics, "nothing", "version").empty());
}

}  // namespace orderflow::orderctl
