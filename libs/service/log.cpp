#include "service/log.hpp"

#include <memory>

#include <spdlog/formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "core/line_writer.hpp"
#include "core/time.hpp"

namespace orderflow::service {
namespace {

void append_escaped(spdlog::memory_buf_t& out, std::string_view text) {
    static constexpr char kHex[] = "0123456789abcdef";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (byte < 0x20) {
            const char escape[] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
            out.append(escape, escape + sizeof escape);
        } else {
            out.push_back(c);
        }
    }
}

class JsonFormatter final : public spdlog::formatter {
public:
    // `origin`: the members that every line has, as JSON: "service":"…".
    explicit JsonFormatter(std::string origin) : origin_(std::move(origin)) {}

    void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
        const auto time = std::chrono::floor<std::chrono::microseconds>(message.time);
        const auto level = spdlog::level::to_string_view(message.level);
        append(out, R"({"time":")");
        append(out, to_rfc3339(time));
        append(out, R"(","level":")");
        append(out, {level.data(), level.size()});
        append(out, R"(",)");
        append(out, origin_);
        append(out, R"(,"message":")");
        append_escaped(out, {message.payload.data(), message.payload.size()});
        append(out, "\"}\n");
    }

    std::unique_ptr<spdlog::formatter> clone() const override {
        return std::make_unique<JsonFormatter>(origin_);
    }

private:
    static void append(spdlog::memory_buf_t& out, std::string_view text) {
        out.append(text.data(), text.data() + text.size());
    }
    std::string origin_;
};

constexpr std::chrono::milliseconds kCriticalLine{500};

class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    explicit LineSink(const std::string& origin)
        : writer_(STDERR_FILENO, [formatter = JsonFormatter(origin)](std::uint64_t lost) mutable {
              const std::string text =
                  std::to_string(lost) +
                  " log lines were lost: standard error was not read fast enough";
              spdlog::memory_buf_t line;
              formatter.format({"", spdlog::level::warn, text}, line);
              return std::string(line.data(), line.size());
          }) {}

    // Waits until all logged lines are written.
    bool drain(std::chrono::milliseconds at_most) { return writer_.flush(at_most); }
    std::uint64_t lost() const { return writer_.lost(); }

private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        writer_.write(std::string(line.data(), line.size()));
        if (message.level == spdlog::level::critical) writer_.flush(kCriticalLine);
    }
    void flush_() override {}

    LineWriter writer_;
};

// Null: the default logger is another one, for example a test's.
LineSink* line_sink() {
    const auto& sinks = spdlog::default_logger_raw()->sinks();
    return sinks.empty() ? nullptr : dynamic_cast<LineSink*>(sinks.front().get());
}

}  // namespace

void init_log(std::string_view service, const std::string& level, std::string_view environment) {
    keep_standard_streams();
    ignore_closed_pipes();
    spdlog::memory_buf_t origin;
    const auto add = [&origin](std::string_view name, std::string_view value) {
        fmt::format_to(std::back_inserter(origin), "\"{}\":\"", name);
        append_escaped(origin, value);
        origin.push_back('"');
    };
    add("service", service);
    if (!environment.empty()) {
        origin.push_back(',');
        add("environment", environment);
    }
    const std::string text(origin.data(), origin.size());
    auto logger = std::make_shared<spdlog::logger>("orderflow", std::make_shared<LineSink>(text));
    logger->set_formatter(std::make_unique<JsonFormatter>(text));
    logger->set_level(spdlog::level::from_str(level));
    spdlog::set_default_logger(std::move(logger));
}

void flush_log(std::chrono::milliseconds at_most) {
    if (LineSink* sink = line_sink()) sink->drain(at_most);
}

std::uint64_t lost_log_lines() {
    const LineSink* sink = line_sink();
    return sink ? sink->lost() : 0;
}

}  // namespace orderflow::service
