#include "bench/limit_pipeline.hpp"

#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <utility>

namespace orderflow::bench {
namespace {

constexpr std::chrono::milliseconds poll_interval{2};

[[noreturn]] void give_up(const std::exception& error) {
    std::cerr << "bench-limit: " << error.what() << std::endl;
    std::_Exit(1);
}

}  // namespace

Publisher::Publisher(const std::string& brokers, events::Service service)
    : brokers_(brokers), service_(service), thread_([this] { run(); }) {}

void Publisher::push(std::vector<kafka::Message> rows) {
    pushed_ += rows.size();
    queue_.push(std::move(rows));
}

void Publisher::run() {
    try {
        const auto producer = kafka::make_producer({brokers_, "bench-limit", {}}, service_);
        std::uint64_t token = 0;
        const auto take_reports = [&] {
            for (const auto& report : producer->reports()) {
                if (!report.persisted) throw std::runtime_error("the broker refused an event");
                ++confirmed_;
            }
        };
        while (!queue_.drained() || confirmed_ < token) {
            const auto rows = queue_.pop(poll_interval);
            take_reports();
            if (!rows) continue;
            for (const kafka::Message& row : *rows) {
                while (!producer->produce(row, token)) {
                    std::this_thread::sleep_for(poll_interval);
                    take_reports();
                }
                ++token;
            }
        }
    } catch (const std::exception& error) {
        give_up(error);
    }
}

void Publisher::wait_confirmed() const {
    while (confirmed_ < pushed_) std::this_thread::sleep_for(poll_interval);
}

Loop::Loop(std::string database_url)
    : connection_(std::move(database_url)), thread_([this] { run(); }) {}

void Loop::run() {
    while (!queue_.drained()) {
        const auto job = queue_.pop(std::chrono::seconds{1});
        if (!job) continue;
        try {
            (*job)(connection_);
        } catch (const std::exception& error) {
            give_up(error);
        }
    }
}

}  // namespace orderflow::bench
