// What of a record that could not be handled is announced: any bytes become valid text within its
// bounds.

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "events/announcements.hpp"
#include "events/catalog.hpp"
#include "support/builders.hpp"

namespace orderflow::events {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using Headers = std::vector<std::pair<std::string_view, std::string_view>>;

constexpr std::size_t kMaxEventBytes = 256 * 1024;
constexpr std::string_view kBad = "\xef\xbf\xbd";  // U+FFFD

OriginalMessage with_value(std::string_view value) {
    return original_message({"order-events", 1, 2, "key", {}, value});
}

OriginalMessage with_headers(const Headers& headers) {
    return original_message({"order-events", 1, 2, "key", headers, "{}"});
}

std::size_t bytes_of(const std::vector<HeaderField>& headers) {
    std::size_t bytes = 0;
    for (const HeaderField& field : headers) bytes += field.name.size() + field.value.size();
    return bytes;
}

RecordParked parked_with(OriginalMessage message) {
    return {std::move(message),
            std::string(kMaxErrorBytes, '\x01'),
            5,
            test::at(0),
            "analytics-service",
            test::new_order_id(),
            test::at(1)};
}

template <class Announcement>
std::string encoded(const Announcement& announcement) {
    std::string text;
    encode(announcement, text);
    return text;
}

std::string repeated(std::string_view text, std::size_t times) {
    std::string result;
    for (std::size_t i = 0; i < times; ++i) result += text;
    return result;
}

}  // namespace

TEST_CASE("announcements: a record of text is announced as it came") {
    const Headers headers{{"ce_type", "OrderPlaced.v1"}, {"note", "한"}};
    const auto message =
        original_message({"order-events", 3, 42, "key", headers, "{\"a\":\"é😀\"}"});
    CHECK(message == OriginalMessage{"order-events",
                                     3,
                                     42,
                                     "key",
                                     {{"ce_type", "OrderPlaced.v1"}, {"note", "한"}},
                                     "{\"a\":\"é😀\"}",
                                     "utf-8",
                                     false});
}

TEST_CASE("announcements: an empty record is announced with empty texts") {
    const auto message = original_message({"order-events", 0, 0, {}, {}, {}});
    CHECK(message == OriginalMessage{"order-events", 0, 0, "", {}, "", "utf-8", false});
}

TEST_CASE("announcements: a value that is no text is base64") {
    // RFC 4648, section 10, behind a byte that is no text
    CHECK(with_value("\xff"sv).value == "/w==");
    CHECK(with_value("\xff"
                     "f"sv)
              .value == "/2Y=");
    CHECK(with_value("\xff"
                     "fo"sv)
              .value == "/2Zv");
    CHECK(with_value("\xff"
                     "foo"sv)
              .value == "/2Zvbw==");
    CHECK(with_value("a\0b"sv).value == "YQBi");
    CHECK(with_value("\0"sv).value == "AA==");
    for (const auto value : {"\xff"sv, "a\0b"sv}) {
        CHECK(with_value(value).encoding == "base64");
        CHECK_FALSE(with_value(value).truncated);
    }
    CHECK(with_value("\x01\x7f"sv).encoding == "utf-8");
}

TEST_CASE("announcements: one wrong byte anywhere in a character makes the value no text") {
    for (const std::string good : {"é", "한", "😀"}) {
        for (std::size_t at = 0; at < good.size(); ++at) {
            for (const char wrong : {'\xff', 'x', '\xc0', '\0'}) {
                std::string broken = good;
                broken[at] = wrong;
                CAPTURE(good, at, static_cast<int>(wrong));
                CHECK(with_value("a" + broken + "b").encoding == "base64");
                const std::string shown = printable("a" + broken + "b", 100);
                CHECK(with_value(shown).encoding == "utf-8");
                CHECK(shown.starts_with("a"));
                CHECK(shown.ends_with("b"));
                CHECK(shown.find(kBad) != shown.npos);
            }
            CAPTURE(good, at);
            CHECK(with_value(good.substr(0, at) + "b").encoding == (at == 0 ? "utf-8" : "base64"));
            CHECK(with_value(good.substr(0, at)).encoding == (at == 0 ? "utf-8" : "base64"));
        }
        CHECK(with_value(good).encoding == "utf-8");
    }
}

TEST_CASE("announcements: overlong forms, surrogates and what lies beyond Unicode are no text") {
    for (const auto broken :
         {"\xc0\x80"sv, "\xc1\xbf"sv, "\xe0\x9f\xbf"sv, "\xf0\x8f\xbf\xbf"sv, "\xed\xa0\x80"sv,
          "\xed\xbf\xbf"sv, "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\x80"sv}) {
        CHECK(with_value(broken).encoding == "base64");
        CHECK(printable(broken, 100) == repeated(kBad, broken.size()));
    }
    for (const auto good :
         {"\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv, "\xed\x9f\xbf"sv, "\xee\x80\x80"sv,
          "\xef\xbf\xbf"sv, "\xf0\x90\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv}) {
        CHECK(with_value(good).value == good);
        CHECK(printable(good, 100) == good);
    }
}

TEST_CASE("announcements: a text is cut at 64 KiB, before the character that does not fit") {
    const std::string full(kMaxValueBytes, 'a');
    CHECK(with_value(full).value == full);
    CHECK_FALSE(with_value(full).truncated);
    CHECK(with_value(full + "b").value == full);
    CHECK(with_value(full + "b").truncated);

    for (const std::string last : {"é", "한", "😀"}) {
        for (std::size_t fits = 0; fits <= last.size(); ++fits) {
            const std::string start(kMaxValueBytes - fits, 'a');
            CAPTURE(last, fits);
            const auto message = with_value(start + last);
            const bool whole = fits == last.size();
            CHECK(message.value == (whole ? start + last : start));
            CHECK(message.truncated == !whole);
            CHECK(message.encoding == "utf-8");
        }
    }
}

TEST_CASE("announcements: bytes are cut at 48 KiB, which is 64 KiB of base64") {
    const std::string full(48 * 1024, '\xff');
    CHECK(with_value(full).value == repeated("/", kMaxValueBytes));
    CHECK_FALSE(with_value(full).truncated);
    CHECK(with_value(full + "\xff").value == with_value(full).value);
    CHECK(with_value(full + "\xff").truncated);
    // No text because of a byte behind the cut.
    CHECK(with_value(std::string(kMaxValueBytes, 'a') + "\xff").encoding == "base64");
}

TEST_CASE("announcements: a text that its escapes make too long in JSON is cut earlier") {
    const std::string quotes(kMaxValueBytes, '"');
    CHECK(with_value(quotes).value == quotes);
    const auto message = with_value(std::string(kMaxValueBytes, '\x01'));
    CHECK(message.value.size() == kMaxValueJsonBytes / 6);
    CHECK(message.truncated);
}

TEST_CASE("announcements: key and headers are made printable") {
    const Headers headers{{"\xff"sv, "a\0b"sv}, {"", "x\xed\xa0\x80"sv}};
    const auto message = original_message({"t", 0, 0, "k\0\xc3"sv, headers, {}});
    const std::string bad(kBad);
    CHECK(message.key == "k" + bad + bad);
    CHECK(message.headers ==
          std::vector<HeaderField>{{bad, "a" + bad + "b"}, {"", "x" + bad + bad + bad}});
    CHECK_FALSE(message.truncated);
}

TEST_CASE("announcements: a long key is cut at 1 KiB, before the character that does not fit") {
    const std::string full(kMaxKeyBytes, 'k');
    const auto fits = original_message({"t", 0, 0, full, {}, {}});
    CHECK(fits.key == full);
    CHECK_FALSE(fits.truncated);
    const std::string longer = std::string(kMaxKeyBytes - 1, 'k') + "é";
    const auto cut = original_message({"t", 0, 0, longer, {}, {}});
    CHECK(cut.key == std::string(kMaxKeyBytes - 1, 'k'));
    CHECK(cut.truncated);
}

TEST_CASE("announcements: at most 64 headers are shown") {
    Headers headers(kMaxHeaderFields, {"n", "v"});
    CHECK(with_headers(headers).headers.size() == 64);
    CHECK_FALSE(with_headers(headers).truncated);
    headers.push_back({"last", "one"});
    CHECK(with_headers(headers).headers == std::vector<HeaderField>(64, {"n", "v"}));
    CHECK(with_headers(headers).truncated);
}

TEST_CASE("announcements: names and values of headers are at most 8 KiB together") {
    const std::string half(kMaxHeaderBytes / 2 - 1, 'v');
    const Headers full{{"a", half}, {"b", half}};
    CHECK(bytes_of(with_headers(full).headers) == kMaxHeaderBytes);
    CHECK_FALSE(with_headers(full).truncated);

    const Headers one_more{{"a", half}, {"b", half}, {"c", ""}};
    CHECK(with_headers(one_more).headers == with_headers(full).headers);
    CHECK(with_headers(one_more).truncated);

    const std::string longer = half + "é";
    const Headers cut{{"a", half}, {"b", longer}, {"c", ""}};
    CHECK(with_headers(cut).headers == with_headers(full).headers);
    CHECK(with_headers(cut).truncated);

    const std::string name(kMaxHeaderBytes + 1, 'n');
    const auto named = with_headers({{name, "v"}}).headers;
    CHECK(named == std::vector<HeaderField>{{name.substr(1), ""}});

    // U+FFFD is longer than the byte it stands for.
    const std::string bad(kMaxHeaderBytes, '\xff');
    const auto message = with_headers({{"", bad}});
    CHECK(bytes_of(message.headers) == kMaxHeaderBytes / 3 * 3);
    CHECK(message.truncated);
}

TEST_CASE("announcements: the worst record stays below the limit of an event and can be read") {
    const std::string control(320 * 1024, '\x01');
    const std::string bytes(320 * 1024, '\xff');
    const std::string chunk(100, '\x01');
    const Headers many(100, {chunk, chunk});
    for (const std::string& value : {control, bytes}) {
        const auto parked =
            parked_with(original_message({std::string(249, 't'), 5, 6, control, many, value}));
        CHECK(parked.original_message.truncated);
        const std::string text = encoded(parked);
        CHECK(text.size() < kMaxEventBytes);
        const auto again = decode_record_parked(text);
        REQUIRE(again.has_value());
        CHECK(*again == parked);

        const RecordDied died{parked.original_message, parked.error,   parked.attempts,
                              parked.timestamp,        parked.service, parked.order_id};
        const auto died_again = decode_record_died(encoded(died));
        REQUIRE(died_again.has_value());
        CHECK(*died_again == died);
    }
}

TEST_CASE("announcements: what is unknown is left out") {
    auto parked = parked_with(with_value("{}"));
    CHECK(encoded(parked).find("orderId") != std::string::npos);
    CHECK(encoded(parked).find("dueAt") != std::string::npos);
    parked.order_id.reset();
    parked.due_at.reset();
    CHECK(encoded(parked).find("orderId") == std::string::npos);
    CHECK(encoded(parked).find("dueAt") == std::string::npos);
    CHECK(decode_record_parked(encoded(parked)).value() == parked);
}

TEST_CASE("announcements: each consumed topic has a retry topic, written by its consumers") {
    CHECK(retry_topic_of("order-events") == "order-events.retry");
    constexpr std::array kServices{Service::order, Service::payment, Service::inventory,
                                   Service::shipping, Service::analytics};
    const auto written_by = [](std::string_view topic, Service service) {
        return std::ranges::any_of(topics(), [&](const TopicSettings& settings) {
            return settings.name == topic && (settings.producers & bit(service));
        });
    };
    for (const Service service : kServices) {
        CHECK(written_by(kDeadLetterTopic, service));
        const auto consumed = topics_consumed_by(service);
        for (const TopicSettings& settings : topics()) {
            CAPTURE(names_of(service).name, settings.name);
            const bool consumes = std::ranges::find(consumed, settings.name) != consumed.end();
            if (!settings.name.ends_with("-events")) {
                CHECK_FALSE(consumes);
                continue;
            }
            CHECK(written_by(retry_topic_of(settings.name), service) == consumes);
        }
    }
}

}  // namespace orderflow::events
