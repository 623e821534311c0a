#include "bench/load_report.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iomanip>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace orderflow::bench {
namespace {

std::string_view name_of(LoadError error) {
    switch (error) {
        case LoadError::None: return "none";
        case LoadError::Connect: return "connect";
        case LoadError::Closed: return "closed";
        case LoadError::Broken: return "broken";
        case LoadError::Timeout: return "timeout";
    }
    return "unknown";
}

// Nearest-rank percentile: takes sorted microseconds, returns milliseconds.
double percentile_ms(const std::vector<std::int64_t>& sorted_us, double share) {
    if (sorted_us.empty()) return 0;
    const auto rank = std::ceil(share * static_cast<double>(sorted_us.size()));
    const auto at = std::max<std::size_t>(1, static_cast<std::size_t>(rank)) - 1;
    return static_cast<double>(sorted_us[std::min(at, sorted_us.size() - 1)]) / 1000;
}

void write_percentiles(std::ostream& out, std::vector<std::int64_t>& values_us) {
    std::sort(values_us.begin(), values_us.end());
    out << "{\"p50\":" << percentile_ms(values_us, 0.5)
        << ",\"p90\":" << percentile_ms(values_us, 0.9)
        << ",\"p99\":" << percentile_ms(values_us, 0.99)
        << ",\"p99.9\":" << percentile_ms(values_us, 0.999)
        << ",\"max\":" << percentile_ms(values_us, 1.0) << '}';
}

template <class Counts>
void write_counts(std::ostream& out, const Counts& counts) {
    const char* separator = "";
    out << '{';
    for (const auto& [name, count] : counts) {
        out << separator << '"' << name << "\":" << count;
        separator = ",";
    }
    out << '}';
}

}  // namespace

double process_cpu_s() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void write_csv(const LoadResult& result, const std::string& path) {
    const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "w"), &std::fclose);
    if (!file) throw std::runtime_error("cannot write " + path);
    std::fputs("order_id,scheduled_us,sent_us,answered_us,status,kind\n", file.get());
    for (const Sample& sample : result.samples) {
        const bool known = sample.order_id[0] != '\0';
        const int length = known ? static_cast<int>(sample.order_id.size()) : 0;
        std::fprintf(
            file.get(), "%.*s,%lld,%lld,%lld,%d,%s\n", length, sample.order_id.data(),
            static_cast<long long>(sample.scheduled_us), static_cast<long long>(sample.sent_us),
            static_cast<long long>(sample.answered_us), sample.status, name_of(sample.kind).data());
    }
    if (std::fflush(file.get()) != 0) throw std::runtime_error("cannot write " + path);
}

std::string summary_json(const LoadOptions& options, const LoadResult& result) {
    std::map<int, std::uint64_t> statuses;
    std::map<std::string_view, std::uint64_t> errors;
    std::vector<std::int64_t> accept_us;
    std::vector<std::int64_t> service_us;  // from the send on: without the wait for a connection
    std::uint64_t sent = 0;
    for (const Sample& sample : result.samples) {
        if (sample.scheduled_us < result.counted_from_us) continue;
        ++sent;
        if (sample.error != LoadError::None) {
            ++errors[name_of(sample.error)];
            continue;
        }
        ++statuses[sample.status];
        if (sample.status != 202) continue;
        accept_us.push_back(sample.answered_us - sample.scheduled_us);
        service_us.push_back(sample.answered_us - sample.sent_us);
    }
    const auto all = std::max<std::size_t>(1, result.samples.size());
    std::ostringstream out;
    out << std::fixed << std::setprecision(3) << "{\"target\":\"http://" << options.host << ':'
        << options.port << "\",\"mode\":\"" << (options.closed > 0 ? "closed" : "open")
        << "\",\"rate_per_s\":" << options.rate_per_s << ",\"closed\":" << options.closed
        << ",\"arrivals\":\"" << (options.poisson ? "poisson" : "constant")
        << "\",\"duration_s\":" << options.duration_s << ",\"warmup_s\":" << options.warmup_s
        << ",\"mix\":\"" << (options.mix == Mix::Mixed ? "mixed" : "clean")
        << "\",\"products\":" << options.products << ",\"lines\":" << options.lines
        << ",\"counted_from_us\":" << result.counted_from_us
        << ",\"counted_to_us\":" << result.counted_to_us << ",\"sent\":" << sent
        << ",\"accepted\":" << accept_us.size() << ",\"statuses\":";
    write_counts(out, statuses);
    out << ",\"errors\":";
    write_counts(out, errors);
    out << ",\"cancellations\":";
    write_counts(out, result.cancellations);
    out << ",\"never_sent\":" << result.never_sent
        << ",\"connections_opened\":" << result.connections_opened
        << ",\"most_connections\":" << result.most_connections << ",\"accept_ms\":";
    write_percentiles(out, accept_us);
    out << ",\"service_ms\":";
    write_percentiles(out, service_us);
    const double cpu_s = process_cpu_s() - result.cpu_before_s;
    out << ",\"cpu_us_per_request\":" << cpu_s * 1e6 / static_cast<double>(all) << "}\n";
    return out.str();
}

}  // namespace orderflow::bench
