#pragma once
// One HTTP/1.1 answer from bytes, into ClientResult, within limits. Inside libs/http only; includes
// Beast's parser.

#include <cstddef>

#include <boost/beast/http/basic_parser.hpp>

#include "http/client.hpp"

namespace orderflow::http {

class ResponseParser : public boost::beast::http::basic_parser<false> {
    using Text = boost::beast::string_view;
    using Code = boost::system::error_code;

public:
    ResponseParser(ClientResult& result, const ClientLimits& limits, bool head)
        : result_(result), header_bytes_left_(limits.header_bytes) {
        header_limit(static_cast<std::uint32_t>(limits.header_bytes));
        body_limit(limits.response_bytes);
        eager(true);
        skip(head);
    }

private:
    void on_request_impl(boost::beast::http::verb, Text, Text, int, Code&) override {}
    void on_response_impl(int status, Text, int, Code&) override {
        result_.status = status;
        result_.headers.clear();
    }
    void on_field_impl(boost::beast::http::field, Text name, Text value, Code& ec) override {
        const std::size_t size = name.size() + value.size();
        if (size > header_bytes_left_) {
            ec = boost::beast::http::error::header_limit;
            return;
        }
        header_bytes_left_ -= size;
        if (in_body_) return;  // trailers
        result_.headers.add({name.data(), name.size()}, {value.data(), value.size()});
    }
    void on_header_impl(Code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, Code&) override {
        in_body_ = true;
    }
    std::size_t on_body_impl(Text bytes, Code&) override {
        result_.body.append(bytes.data(), bytes.size());
        return bytes.size();
    }
    void on_chunk_header_impl(std::uint64_t, Text, Code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, Text bytes, Code& ec) override {
        return on_body_impl(bytes, ec);
    }
    void on_finish_impl(Code&) override {}

    ClientResult& result_;
    std::size_t header_bytes_left_;
    bool in_body_ = false;
};

}  // namespace orderflow::http
