#include "bench/limit_pipeline.hpp"

#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <utility>

namespace orderflow::bench {
namespace {

[[noreturn]] void give_up(const std::exception& error) {
    std::cerr << "bench-limit: " << error.what() << std::endl;
    std::_Exit(1);
}

}  // namespace

Publisher::Publisher(const std::string& brokers, events::Service service)
    : brokers_(brokers), service_(service), thread_([this] { run(); }) {}

void Publisher::run() {
    try {
        const auto producer = messaging::make_kafka_producer({brokers_, "bench-limit", {}}, service_);
        const auto check = [&] {
            for (const auto& report : producer->reports()) {
                if (!report.persisted) throw std::runtime_error("the broker refused an event");
            }
        };
        std::uint64_t token = 0;
        while (const auto rows = queue_.pop()) {
            for (const messaging::LedgerRow& row : *rows) {
                while (!producer->produce(row, token)) {
                    std::this_thread::sleep_for(std::chrono::milliseconds{1});
                    check();
                }
                ++token;
            }
            check();
        }
        producer->flush(std::chrono::seconds{30});
        check();
    } catch (const std::exception& error) {
        give_up(error);
    }
}

void Publisher::finish() {
    queue_.close();
    if (thread_.joinable()) thread_.join();
}

Loop::Loop(std::string database_url)
    : connection_(std::move(database_url)), thread_([this] { run(); }) {}

void Loop::run() {
    while (const auto job = queue_.pop()) {
        try {
            (*job)(connection_);
        } catch (const std::exception& error) {
            give_up(error);
        }
    }
}

void Loop::finish() {
    queue_.close();
    if (thread_.joinable()) thread_.join();
}

}  // namespace orderflow::bench
