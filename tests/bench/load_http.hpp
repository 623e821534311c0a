#pragma once
// The small part of HTTP/1.1 that a load generator needs: one response at a time, read as it
// arrives, and a blocking GET for the catalogue before the load starts. Used by bench-load only, on
// its one thread.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orderflow::bench {

// Collects the bytes of one response. Read n bytes into free_space(), then call added(n). After
// Complete, status, body and keep_alive are valid until restart().
class ResponseReader {
public:
    enum class State { Incomplete, Complete, Broken };

    ResponseReader() : buffer_(4096) {}

    std::span<char> free_space();
    State added(std::size_t bytes);
    void restart();

    [[nodiscard]] bool empty() const { return used_ == 0; }
    [[nodiscard]] int status() const { return status_; }
    [[nodiscard]] bool keep_alive() const { return keep_alive_; }
    [[nodiscard]] std::string_view body() const { return body_; }

private:
    bool read_head(std::string_view head);
    State read_chunks(std::string_view rest);

    std::vector<char> buffer_;
    std::size_t used_ = 0;
    std::size_t body_from_ = 0;  // 0 = the head is not complete
    std::size_t content_length_ = 0;
    bool chunked_ = false;
    bool keep_alive_ = true;
    int status_ = 0;
    std::string joined_;  // body of a chunked response
    std::string_view body_;
};

// Returns a non-blocking TCP socket without Nagle, connected or still connecting. Throws
// std::system_error.
int connect_socket(const std::string& host, const std::string& port, bool blocking);

// Sends GETs over one keep-alive connection. Throws std::runtime_error if the target is unavailable
// or its answer is malformed.
class BlockingClient {
public:
    BlockingClient(std::string host, std::string port);
    ~BlockingClient();
    BlockingClient(const BlockingClient&) = delete;
    BlockingClient& operator=(const BlockingClient&) = delete;

    struct Answer {
        int status;
        std::string body;
    };
    Answer get(const std::string& path);

private:
    void disconnect();

    std::string host_;
    std::string port_;
    int fd_ = -1;
    ResponseReader reader_;
};

}  // namespace orderflow::bench
