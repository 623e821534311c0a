#pragma once
// The tokens of one JSON document. Used inside json/json.hpp only; any thread. Reading never builds
// a document tree. The text is parsed iteratively into a flat list, with UTF-8 validation and with
// numbers as raw text. So a hostile body can exhaust neither the stack nor the number parser.
#include <string>
#include <string_view>
#include <vector>

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include "core/result.hpp"

namespace orderflow::json {

inline constexpr std::size_t kMaxDepth = 16;
inline constexpr std::size_t kMaxTokens = 20'000;

enum class Token {
    null,
    boolean,
    number,
    string,
    begin_object,
    key,
    end_object,
    begin_array,
    end_array,
    end
};

// The tokens of one document. RapidJSON's iterative parser reads them in one pass; then the caller
// takes them one by one, with the path to the current value for error messages. Reading ends with
// error number `most_errors`, by default the first. After an earlier error it goes on behind the
// value that is wrong.
class Reader {
public:
    explicit Reader(std::string_view json, std::size_t most_errors = 1)
        : most_errors_(most_errors) {
        tape_.tokens.reserve(64);
        tape_.text.reserve(json.size());
        rapidjson::MemoryStream stream(json.data(), json.size());
        rapidjson::Reader parser;
        constexpr unsigned kFlags = rapidjson::kParseIterativeFlag |
                                    rapidjson::kParseValidateEncodingFlag |
                                    rapidjson::kParseNumbersAsStringsFlag;
        const auto result = parser.Parse<kFlags>(stream, tape_);
        if (tape_.depth > kMaxDepth) {
            fail("json-limits", "nested too deeply");
        } else if (tape_.tokens.size() > kMaxTokens) {
            fail("json-limits", "too many values");
        } else if (result.Code() == rapidjson::kParseErrorNumberTooBig) {
            fail("json-number", "a number is out of range");
        } else if (result.IsError() || stream.Tell() != json.size()) {
            fail("json-syntax", "not valid JSON");
        }
    }

    Token token() const { return current().token; }
    bool boolean() const { return current().size != 0; }
    // The text of a string, key or number.
    std::string_view text() const {
        return std::string_view(tape_.text).substr(current().at, current().size);
    }

    // Moves to the next token; behind the last one the current token is Token::end. False after a
    // failure.
    bool next() {
        if (failed_) return false;
        if (position_ <= tape_.tokens.size()) ++position_;
        return true;
    }

    bool fail(std::string_view code, std::string_view detail) {
        if (!failed_) errors_.push_back({std::string(code), std::string(detail), pointer()});
        failed_ = true;
        return false;
    }
    const std::vector<Error>& errors() const { return errors_; }

    // Where a value begins.
    struct Mark {
        std::size_t position;
        std::size_t depth;
    };
    Mark mark() const { return {position_, path_.size()}; }
    // After a failure: goes back to the mark, so that reading can go on. False if the number of
    // errors has reached its limit.
    bool go_back(const Mark& mark) {
        if (errors_.size() >= most_errors_) return false;
        failed_ = false;
        position_ = mark.position;
        path_.resize(mark.depth);
        return true;
    }
    // Like go_back(), and then skips the value that begins at the mark, up to its last token.
    bool go_past(const Mark& mark) { return go_back(mark) && skip_value(); }

    void enter(std::string_view member) { path_.push_back({member, 0}); }
    void enter(std::size_t index) { path_.push_back({{}, index}); }
    void leave() { path_.pop_back(); }

    // Skips the value that begins at the current token.
    bool skip_value() {
        std::size_t open = 0;
        for (;;) {
            if (token() == Token::begin_object || token() == Token::begin_array) ++open;
            if (token() == Token::end_object || token() == Token::end_array) --open;
            if (open == 0) return true;
            if (!next()) return false;
        }
    }

private:
    struct Entry {
        Token token;
        std::size_t at = 0;    // where its text begins in the tape's text
        std::size_t size = 0;  // of its text; for a boolean: its value
    };
    // The parser calls these functions. They copy the text, because the parser uses its own buffer
    // again.
    struct Tape : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Tape> {
        std::vector<Entry> tokens;
        std::string text;
        std::size_t depth = 0;

        bool Null() { return add({Token::null}); }
        bool Bool(bool value) { return add({Token::boolean, 0, value ? 1u : 0u}); }
        bool RawNumber(const char* data, rapidjson::SizeType size, bool) {
            return add_text(Token::number, data, size);
        }
        bool String(const char* data, rapidjson::SizeType size, bool) {
            return add_text(Token::string, data, size);
        }
        bool Key(const char* data, rapidjson::SizeType size, bool) {
            return add_text(Token::key, data, size);
        }
        bool StartObject() { return ++depth <= kMaxDepth && add({Token::begin_object}); }
        bool EndObject(rapidjson::SizeType) {
            --depth;
            return add({Token::end_object});
        }
        bool StartArray() { return ++depth <= kMaxDepth && add({Token::begin_array}); }
        bool EndArray(rapidjson::SizeType) {
            --depth;
            return add({Token::end_array});
        }

    private:
        bool add(Entry entry) {
            tokens.push_back(entry);
            return tokens.size() <= kMaxTokens;
        }
        bool add_text(Token token, const char* data, std::size_t size) {
            text.append(data, size);
            return !has_surrogate({data, size}) && add({token, text.size() - size, size});
        }
        // RapidJSON 1.1.0 accepts a lone \udc00 and returns it as bytes that are not UTF-8 (0xED
        // 0xB0 0x80). PostgreSQL refuses such bytes.
        static bool has_surrogate(std::string_view utf8) {
            for (auto at = utf8.find('\xed'); at != utf8.npos; at = utf8.find('\xed', at + 1)) {
                if (at + 1 < utf8.size() && static_cast<unsigned char>(utf8[at + 1]) >= 0xa0) {
                    return true;
                }
            }
            return false;
        }
    };
    struct Step {
        std::string_view member;  // empty: an array index
        std::size_t index;
    };

    // A JSON Pointer (RFC 6901). The names of our members contain no '/' or '~', so nothing is
    // escaped.
    std::string pointer() const {
        std::string text;
        for (const Step& step : path_) {
            text += '/';
            text += step.member.empty() ? std::to_string(step.index) : std::string(step.member);
        }
        return text;
    }

    // Before the first next() and after the last token, the current token is Token::end.
    const Entry& current() const {
        static constexpr Entry kEnd{Token::end};
        return position_ == 0 || position_ > tape_.tokens.size() ? kEnd
                                                                 : tape_.tokens[position_ - 1];
    }

    Tape tape_;
    std::size_t position_ = 0;
    std::vector<Step> path_;
    std::size_t most_errors_;
    std::vector<Error> errors_;
    bool failed_ = false;
};

}  // namespace orderflow::json
