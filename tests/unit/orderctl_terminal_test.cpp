// What orderctl prints: whatever stands in records and rows, a terminal is shown plain lines of it.
#include <filesystem>
#include <fstream>
#include <regex>

#include <catch2/catch_test_macros.hpp>

#include "orderctl/terminal.hpp"
#include "support/source_dir.hpp"

namespace orderflow::orderctl {
namespace {

constexpr const char* kBad = "\xef\xbf\xbd";  // U+FFFD

}  // namespace

TEST_CASE("orderctl text: what would steer a terminal is shown as a mark") {
    const std::string bad = kBad;
    CHECK(shown("\033[2J\033]0;title\a") == bad + "[2J" + bad + "]0;title" + bad);
    CHECK(shown(std::string("a\0b\b\177", 5)) == "a" + bad + "b" + bad + bad);
    CHECK(shown("\xc2\x9b"
                "31m") == bad + "31m");  // CSI of one character
    CHECK(shown("\xc2\x80\xc2\x9f\xc2\xa0") == bad + bad + "\xc2\xa0");
    CHECK(shown("\xe2\x80\xae"
                "dlog\xe2\x80\xac") == bad + "dlog" + bad);  // from right to left
    CHECK(shown("\xe2\x80\xa8\xe2\x81\xa6\xd8\x9c") == bad + bad + bad);
}

TEST_CASE("orderctl text: bytes that are not UTF-8 are shown as marks") {
    CHECK(shown("a\x9b"
                "b\xff\xc3") == std::string("a") + kBad + "b" + kBad + kBad);
    CHECK(shown("\xed\xa0\x80") == std::string(kBad) + kBad + kBad);  // half a surrogate pair
}

TEST_CASE("orderctl text: a line stays a line") {
    CHECK(shown("one\r\ntwo\tthree") == "one  two three");
}

TEST_CASE("orderctl text: everything else stays as it is") {
    for (const std::string text : {"", "plain ~!", "\xea\xb0\x80 \xf0\x9f\x8e\x89 \xc3\xa9",
                                   "\xe2\x97\x84\xe2\x94\x80 \xe2\x9c\x94", "\xf4\x8f\xbf\xbf"}) {
        CHECK(shown(text) == text);
    }
}

TEST_CASE("orderctl text: strings are shown, our own words and colours stand") {
    const std::string foreign = "\033[1mx\n";
    std::string out;
    append(out, "line\n");
    append(out, foreign);
    append(out, std::string_view(foreign));
    append(out, Painted{"\033[0m"});
    append(out, -7);
    const std::string mark = kBad;
    CHECK(out == "line\n" + mark + "[1mx " + mark + "[1mx \033[0m-7");
    CHECK(bold(foreign).text.find(foreign) == std::string::npos);
    CHECK(red(foreign).text.find(foreign) == std::string::npos);
}

TEST_CASE("orderctl tables: a cell cannot forge a row, nor a remark") {
    Table table({{"WHO"}, {"WHAT"}});
    table.add({"payment\npayment", "\033[8mhidden"});
    table.remark("why\n\ndead  order");
    const std::string text = table.text(0);
    CHECK(text == "WHO              WHAT\npayment payment  " + std::string(kBad) +
                      "[8mhidden\n    why  dead  order\n");
}

TEST_CASE("orderctl text: commands print by terminal.hpp alone") {
    const std::regex other_ways(R"(\b(v?printf|puts|putchar|fputs|fputc|fwrite)\(|\bcout\b)");
    const std::regex raw(R"(\bprint_raw\((?!json::to_json\())");
    const auto sources = test::source_dir() / "tools/orderctl";
    for (const auto& file : std::filesystem::directory_iterator(sources)) {
        const std::string name = file.path().filename();
        if (name.starts_with("terminal.")) continue;
        std::ifstream in(file.path());
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        REQUIRE(!text.empty());
        INFO(name);
        CHECK_FALSE(std::regex_search(text, other_ways));
        CHECK_FALSE(std::regex_search(text, raw));
    }
}

}  // namespace orderflow::orderctl
