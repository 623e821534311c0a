// The tree is the architecture: which file of a service may include what, where SQL may stand, how
// long files and lines may get, and that the walkthrough names functions that exist.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "support/source_dir.hpp"

namespace {

namespace fs = std::filesystem;

const fs::path kRoot = orderflow::test::source_dir();
constexpr std::size_t kMaxColumns = 100;
constexpr std::size_t kMaxFileLines = 450;
constexpr std::size_t kMaxMainLines = 80;

// The C++ that the rules on lines and headers are for.
constexpr const char* kSources[] = {
    "libs",           "services",        "tools",         "examples",        "tests/unit",
    "tests/contract", "tests/component", "tests/support", "tests/simulation"};

std::string read(const fs::path& file) {
    std::ifstream in(file);
    REQUIRE(in.good());
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

std::vector<fs::path> sources_below(const char* directory) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / directory)) {
        const auto extension = entry.path().extension();
        if (extension == ".hpp" || extension == ".cpp") files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
}

// "core/ids.hpp" of `#include "core/ids.hpp"`, "<boost/describe.hpp" of the other form.
std::vector<std::string> includes_of(const fs::path& file) {
    static const std::regex kInclude(R"re(^\s*#\s*include\s+(?:"([^"]+)"|(<[^>]+)>))re");
    std::vector<std::string> includes;
    for (const std::string& line : lines_of(read(file))) {
        std::smatch match;
        if (!std::regex_search(line, match, kInclude)) continue;
        includes.push_back(match[1].matched ? match[1].str() : match[2].str());
    }
    return includes;
}

// A header of the C++ standard library: <vector>, <cstdint>, without slash or dot.
bool is_standard(const std::string& include) {
    return include.starts_with('<') && include.find_first_of("/.") == std::string::npos;
}

bool starts_with_any(const std::string& include, const std::vector<std::string>& prefixes) {
    return std::ranges::any_of(
        prefixes, [&](const std::string& prefix) { return include.starts_with(prefix); });
}

// What the file of a service may include, by the part of its name behind the service's:
// "payment/" stands for the service's own folder, "~" for its name.
struct Layer {
    std::vector<std::string> may;
    std::vector<std::string> must_not;
};
const Layer kServiceLayer{{"core/", "events/", "messaging/", "~/", "<spdlog/", "<prometheus/",
                           "<boost/asio/", "<boost/describe"},
                          {"~/~_api", "messaging/rdkafka", "messaging/kafka"}};

const std::map<std::string, Layer> kLayers{
    {"",
     {{"core/", "events/", "~/~.hpp", "<boost/describe", "<boost/mp11"},
      {"core/await", "core/batch_queue"}}},
    {"_service", kServiceLayer},
    {"_results", kServiceLayer},   // payment only: what the gateway answered
    {"_recovery", kServiceLayer},  // payment only: calls that memory does not know
    {"_deadline", kServiceLayer},  // order only: orders that wait too long
    {"_requests", kServiceLayer},  // order and inventory: what comes by HTTP
    // Order only: what clients hear over their sockets, and how it is heard of.
    {"_frames",
     {{"core/", "events/", "~/~.hpp", "~/~_frames.hpp", "<boost/describe"},
      {"core/await", "core/batch_queue"}}},
    {"_notifications",
     {{"core/", "events/", "http/websocket", "messaging/batch.hpp", "messaging/loops.hpp",
       "postgres/", "~/~_store.hpp", "~/~_frames.hpp", "~/~_notifications.hpp", "<boost/",
       "<prometheus/", "<spdlog/"},
      {}}},
    {"_changes",
     {{"core/", "messaging/loops.hpp", "postgres/", "~/~_notifications.hpp", "~/~_changes.hpp",
       "<boost/asio/", "<prometheus/"},
      {}}},
    {"_view",  // order only: orders as GET shows them
     {{"core/", "events/", "~/~_store.hpp", "~/~_frames.hpp", "~/~_view.hpp", "<boost/describe"},
      {}}},
    {"_waiting", kServiceLayer},  // analytics only: open orders and whom they wait for
    {"_spans",                    // analytics only: an order as an OpenTelemetry trace
     {{"core/", "events/", "~/~.hpp", "~/~_spans.hpp"}, {"core/await", "core/batch_queue"}}},
    {"_traces",  // analytics only: how traces are sent
     {{"core/", "events/", "http/client", "http/retry_after", "messaging/", "~/", "<boost/asio/",
       "<prometheus/", "<rapidjson/", "<spdlog/"},
      {"~/~_api", "messaging/rdkafka", "messaging/kafka"}}},
    {"_counters_store",  // analytics only: as "_store"
     {{"core/", "postgres/", "~/~.hpp", "~/~_counters_store.hpp"}, {}}},
    {"_push",  // analytics only: the dashboard over WebSocket
     {{"core/", "http/websocket", "postgres/pool.hpp", "~/", "<boost/asio/", "<spdlog/"}, {}}},
    {"_kafka",  // analytics only: what the page of that name asks for
     {{"core/", "events/", "http/", "messaging/kafka_reader.hpp", "service/problems",
       "~/~_kafka.hpp", "<boost/"},
      {}}},
    {"_pages", {{"core/", "http/", "~/~_pages.hpp"}, {}}},  // analytics only: files for browsers
    {"_store",
     {{"core/", "events/", "messaging/", "postgres/", "~/~.hpp", "~/~_store.hpp",
       "~/~_counters_store.hpp", "<soci/", "<libpq-fe", "<boost/describe", "<boost/mp11",
       "<rapidjson/"},
      {"messaging/rdkafka", "messaging/kafka"}}},
    {"_gateway",
     {{"core/", "events/", "http/client", "http/request", "http/retry_after", "~/~.hpp",
       "~/~_gateway.hpp", "<boost/", "<spdlog/"},
      {}}},
    {"_api",
     {{"core/", "events/", "http/", "service/", "postgres/pool.hpp", "~/", "<boost/"}, {}}}};

// Folders of libs that each folder may use.
const std::map<std::string, std::set<std::string>> kLibraries{
    {"core", {}},
    {"events", {"core"}},
    {"postgres", {"core"}},
    {"http", {"core"}},
    {"messaging", {"core", "events", "postgres"}},
    {"service", {"core", "events", "postgres", "messaging", "http"}}};

std::vector<std::string> named(std::vector<std::string> prefixes, const std::string& service) {
    for (std::string& prefix : prefixes) {
        for (auto at = prefix.find('~'); at != std::string::npos; at = prefix.find('~')) {
            prefix.replace(at, 1, service);
        }
    }
    return prefixes;
}

std::vector<std::string> services() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(kRoot / "services")) {
        names.push_back(entry.path().filename());
    }
    return names;
}

// The layer of services/payment/payment_store.cpp: "_store"; "main" for main.cpp.
std::string layer_of(const std::string& service, const fs::path& file) {
    const std::string stem = file.stem();
    return stem.starts_with(service) ? stem.substr(service.size()) : stem;
}

std::string without_comments(const std::string& text) {
    std::string code;
    for (const std::string& line : lines_of(text)) {
        const auto comment = line.find("//");
        code += line.substr(0, comment) + '\n';
    }
    return code;
}

std::size_t columns(const std::string& line) {
    return static_cast<std::size_t>(std::ranges::count_if(
        line, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

TEST_CASE("layers: the files of a service include what their layer may") {
    for (const std::string& service : services()) {
        for (const fs::path& file : sources_below(("services/" + service).c_str())) {
            const std::string layer = layer_of(service, file);
            if (layer == "main") continue;
            CAPTURE(file.string());
            const auto found = kLayers.find(layer);
            if (found == kLayers.end()) {
                FAIL_CHECK("a stem that the pattern of a service does not have");
                continue;
            }
            const auto may = named(found->second.may, service);
            const auto must_not = named(found->second.must_not, service);
            for (const std::string& include : includes_of(file)) {
                CAPTURE(include);
                CHECK((is_standard(include) || starts_with_any(include, may)));
                CHECK_FALSE(starts_with_any(include, must_not));
            }
        }
    }
}

TEST_CASE("layers: no service includes another one") {
    const auto names = services();
    for (const std::string& service : names) {
        for (const fs::path& file : sources_below(("services/" + service).c_str())) {
            for (const std::string& include : includes_of(file)) {
                CAPTURE(file.string(), include);
                const std::string folder = include.substr(0, include.find('/'));
                CHECK((folder == service || std::ranges::find(names, folder) == names.end()));
            }
        }
    }
}

TEST_CASE("layers: libraries include only those below them") {
    for (const auto& [library, below] : kLibraries) {
        for (const fs::path& file : sources_below(("libs/" + library).c_str())) {
            for (const std::string& include : includes_of(file)) {
                if (include.starts_with('<')) continue;
                CAPTURE(file.string(), include);
                const std::string folder = include.substr(0, include.find('/'));
                CHECK((folder == library || below.contains(folder)));
            }
        }
    }
}

TEST_CASE("layers: SQL stands in the stores alone") {
    const std::regex sql(R"(\b(SELECT\s|INSERT INTO|DELETE FROM|UPDATE\s+\w+\s+SET|CREATE TABLE))");
    int stores = 0;
    for (const fs::path& file : sources_below("services")) {
        CAPTURE(file.string());
        const bool found = std::regex_search(without_comments(read(file)), sql);
        const bool store = file.stem().string().ends_with("_store");
        CHECK((store || !found));
        if (store && found) ++stores;
    }
    CHECK(stores > 0);  // otherwise the pattern above is wrong
}

TEST_CASE("layers: each service has the files of the pattern, and a main of one screen") {
    for (const std::string& service : services()) {
        const fs::path dir = kRoot / "services" / service;
        for (const std::string name : {"main.cpp", "migrations"}) CHECK(fs::exists(dir / name));
        for (const char* stem : {"", "_service", "_store", "_api"}) {
            CAPTURE(service, stem);
            CHECK(fs::exists(dir / (service + stem + ".hpp")));
            CHECK(fs::exists(dir / (service + stem + ".cpp")));
        }
        CHECK(lines_of(read(dir / "main.cpp")).size() < kMaxMainLines);
    }
}

TEST_CASE("layers: lines and files stay within what can be read at once") {
    for (const char* directory : kSources) {
        for (const fs::path& file : sources_below(directory)) {
            CAPTURE(file.string());
            const auto lines = lines_of(read(file));
            if (directory == std::string("services")) CHECK(lines.size() <= kMaxFileLines);
            for (std::size_t i = 0; i < lines.size(); ++i) {
                if (columns(lines[i]) > kMaxColumns) FAIL_CHECK("line " << i + 1 << " is too long");
            }
        }
    }
}

TEST_CASE("layers: a header is included once and says what it is") {
    for (const char* directory : kSources) {
        for (const fs::path& file : sources_below(directory)) {
            if (file.extension() != ".hpp") continue;
            CAPTURE(file.string());
            const auto lines = lines_of(read(file));
            REQUIRE(lines.size() > 2);
            CHECK(lines[0] == "#pragma once");
            CHECK(lines[1].starts_with("// "));
        }
    }
}

TEST_CASE("docs: every `file: function` of the walkthrough exists") {
    const std::string text = read(kRoot / "docs" / "order-walkthrough.md");
    const std::regex anchor(R"(`([\w./-]+\.\w+): ([\w:~]+)`)");
    int anchors = 0;
    for (std::sregex_iterator match(text.begin(), text.end(), anchor), end; match != end; ++match) {
        ++anchors;
        const fs::path file = kRoot / (*match)[1].str();
        std::string name = (*match)[2];
        CAPTURE((*match)[0].str());
        if (!fs::exists(file)) {
            FAIL_CHECK("no such file");
            continue;
        }
        // A member is defined as Class::member, declared as member: the last part must be there.
        name = name.substr(name.rfind(':') + 1);
        CHECK(std::regex_search(read(file), std::regex("\\b" + name + "\\b")));
    }
    CHECK(anchors >= 10);
}
