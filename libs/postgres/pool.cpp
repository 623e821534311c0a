#include "postgres/pool.hpp"

namespace orderflow::postgres {

Pool::Pool(Url url, std::size_t threads, std::size_t capacity, const Gate* gate, Profile profile)
    : url_(std::move(url)),
      profile_(profile),
      gate_(gate),
      jobs_(capacity, GatherLimits{.max_records = 1}) {
    for (std::size_t i = 0; i < threads; ++i) {
        threads_.emplace_back([this](std::stop_token stop) { work(stop); });
    }
}

Pool::~Pool() { request_stop(); }

void Pool::request_stop() {
    jobs_.close();
    for (auto& thread : threads_) thread.request_stop();
}

bool Pool::lost(Connection& connection) {
    try {
        throw;
    } catch (const DatabaseError& error) {
        if (error.connection_lost()) connection.reset();
        return error.connection_lost();
    } catch (...) {
        return false;
    }
}

std::exception_ptr Pool::translate(Connection& connection) {
    try {
        throw;
    } catch (const DatabaseError& error) {
        connection.reset();
        if (!error.transient()) return std::current_exception();
        return std::make_exception_ptr(Unavailable(error.what()));
    } catch (...) {
        connection.reset();
        return std::current_exception();
    }
}

void Pool::work(std::stop_token stop) {
    Connection connection(url_, profile_);
    while (!stop.stop_requested()) {
        for (Job& job : jobs_.take(std::chrono::milliseconds{500})) job(connection);
    }
}

}  // namespace orderflow::postgres
