// The tree is the architecture: which file of a service may include what, where SQL may stand, how
// long files and lines may get, and that the walkthrough names functions that are defined there.

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

// What a file of a service may include, by its kind. Prefixes; the service's own files are judged
// by the rule on features.
struct Kind {
    std::vector<std::string> may;
    std::vector<std::string> must_not;
};
const std::vector<std::string> kEverything{
    "core/",    "events/",   "json/",   "kafka/",       "outbox/",  "loops/",     "http/",
    "service/", "postgres/", "<boost/", "<prometheus/", "<spdlog/", "<rapidjson/"};
// Nothing blocks, sleeps or talks here.
const Kind kRules{{"core/", "events/", "json/", "<boost/describe", "<boost/mp11"},
                  {"core/await", "core/batch_queue", "core/pause"}};
const Kind kStore{{"core/", "events/", "json/", "outbox/", "postgres/", "<boost/describe",
                   "<boost/mp11", "<libpq-fe", "<rapidjson/"},
                  {}};
const Kind kUseCase{kEverything, {"kafka/rdkafka", "http/"}};  // of an event or a command
const Kind kApi{kEverything, {"kafka/rdkafka", "outbox/"}};
const Kind kOther{kEverything, {"kafka/rdkafka", "http/server", "http/session"}};

// Folders of libs that each folder may use.
const std::map<std::string, std::set<std::string>> kLibraries{
    {"core", {}},
    {"json", {"core"}},
    {"events", {"core", "json"}},
    {"postgres", {"core"}},
    {"http", {"core"}},
    {"kafka", {"core", "events"}},
    {"outbox", {"core", "events", "json", "kafka", "postgres"}},
    {"loops", {"core", "events", "kafka", "outbox", "postgres"}},
    {"service", {"core", "events", "json", "kafka", "outbox", "loops", "postgres", "http"}}};

std::vector<std::string> services() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(kRoot / "services")) {
        names.push_back(entry.path().filename());
    }
    return names;
}

// The feature of services/order/saga/saga_store.cpp: "order/saga"; of a flat service's file:
// "payment".
std::string feature_of(const fs::path& file) {
    return fs::relative(file.parent_path(), kRoot / "services").string();
}

// Rules have the name of their feature, or of a store beside them: "order/saga/saga.hpp",
// "payment/payment.hpp"; "analytics/timeline/figures.hpp", because of figures_store.hpp.
// `file`: below services.
bool is_rules(const fs::path& file) {
    const fs::path store = file.parent_path() / (file.stem().string() + "_store.hpp");
    return file.stem() == file.parent_path().filename() || fs::exists(kRoot / "services" / store);
}

// Puts a feature's parts together, for main.
bool is_install(const fs::path& file) { return file.stem().string().ends_with("_install"); }

const Kind& kind_of(const fs::path& file) {
    const std::string stem = file.stem();
    if (is_rules(fs::relative(file, kRoot / "services"))) return kRules;
    if (stem.ends_with("_store")) return kStore;
    if (stem.ends_with("_handler") || stem.ends_with("_commands")) return kUseCase;
    if (stem.ends_with("_api")) return kApi;
    return kOther;
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

TEST_CASE("layers: a file includes what its kind may, and of other features their rules alone") {
    const auto names = services();
    for (const fs::path& file : sources_below("services")) {
        if (file.stem() == "main") continue;
        CAPTURE(file.string());
        const Kind& kind = kind_of(file);
        const std::string service = feature_of(file).substr(0, feature_of(file).find('/'));
        for (const std::string& include : includes_of(file)) {
            CAPTURE(include);
            const std::string folder = include.substr(0, include.find('/'));
            if (std::ranges::find(names, folder) == names.end()) {
                CHECK((is_standard(include) || starts_with_any(include, kind.may)));
                CHECK_FALSE(starts_with_any(include, kind.must_not));
                continue;
            }
            CHECK(folder == service);
            const bool own = fs::path(include).parent_path() == feature_of(file);
            CHECK((own || is_rules(include)));
            const bool rules_only = &kind == &kRules || &kind == &kStore;
            if (rules_only && own) {
                CHECK((is_rules(include) || include.ends_with("_store.hpp") == (&kind == &kStore)));
            }
            const bool shows_routes = &kind == &kApi || is_install(file);
            if (!shows_routes) CHECK_FALSE(include.ends_with("_api.hpp"));
            CHECK((is_install(file) || !include.ends_with("_install.hpp")));
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

TEST_CASE("layers: each service has its migrations and a main of one screen") {
    for (const std::string& service : services()) {
        const fs::path dir = kRoot / "services" / service;
        CAPTURE(service);
        CHECK(fs::exists(dir / "migrations"));
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

namespace {

// Whether the file defines a function of that name: the name and an opening parenthesis stand at
// the beginning of a declaration, not in a call, and a body follows instead of a semicolon.
bool defines(const std::string& code, const std::string& name) {
    const std::regex head(
        "(?:^|\\n)[ \\t]*(?:template\\s*<[^\\n]*>\\s*)?[\\w:<>,&*~\\[\\] ]*[\\s:&*]" + name +
        "\\([^;{}]*\\)[^;{}()]*(?:\\([^;{}]*\\)[^;{}]*)*\\{");
    return std::regex_search(code, head);
}

}  // namespace

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
        name = name.substr(name.rfind(':') + 1);
        CHECK(defines(without_comments(read(file)), name));
    }
    CHECK(anchors >= 10);
}
