#include "service/log.hpp"

#include <memory>

#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

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
    explicit JsonFormatter(std::string service) : service_(std::move(service)) {}

    void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
        const auto time = std::chrono::floor<std::chrono::microseconds>(message.time);
        const auto level = spdlog::level::to_string_view(message.level);
        append(out, R"({"time":")");
        append(out, to_rfc3339(time));
        append(out, R"(","level":")");
        append(out, {level.data(), level.size()});
        append(out, R"(","service":")");
        append(out, service_);
        append(out, R"(","message":")");
        append_escaped(out, {message.payload.data(), message.payload.size()});
        append(out, "\"}\n");
    }

    std::unique_ptr<spdlog::formatter> clone() const override {
        return std::make_unique<JsonFormatter>(service_);
    }

private:
    static void append(spdlog::memory_buf_t& out, std::string_view text) {
        out.append(text.data(), text.data() + text.size());
    }
    std::string service_;
};

}  // namespace

void init_log(std::string_view service, const std::string& level) {
    auto logger = spdlog::stderr_logger_mt("orderflow");
    logger->set_formatter(std::make_unique<JsonFormatter>(std::string(service)));
    logger->set_level(spdlog::level::from_str(level));
    spdlog::set_default_logger(std::move(logger));
}

}  // namespace orderflow::service
