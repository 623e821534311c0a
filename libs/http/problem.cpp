#include "http/problem.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace orderflow::http {

namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void write_string(Writer& writer, std::string_view text) {
    writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void write_member(Writer& writer, const char* name, std::string_view value) {
    writer.Key(name);
    write_string(writer, value);
}

}  // namespace

Response problem(int status, std::string_view type_suffix, std::string_view title,
                 std::string_view detail, const std::vector<FieldError>& errors) {
    rapidjson::StringBuffer buffer;
    Writer writer(buffer);
    writer.StartObject();
    write_member(writer, "type", "/problems/" + std::string(type_suffix));
    write_member(writer, "title", title);
    writer.Key("status");
    writer.Int(status);
    write_member(writer, "detail", detail);
    if (!errors.empty()) {
        writer.Key("errors");
        writer.StartArray();
        for (const FieldError& error : errors) {
            writer.StartObject();
            write_member(writer, "pointer", error.pointer);
            write_member(writer, "code", error.code);
            write_member(writer, "detail", error.detail);
            writer.EndObject();
        }
        writer.EndArray();
    }
    writer.EndObject();

    Response response;
    response.status = status;
    response.content_type = "application/problem+json";
    response.body.assign(buffer.GetString(), buffer.GetSize());
    return response;
}

Response problem_internal(std::string_view detail) {
    return problem(500, "internal", "Internal error", detail);
}

Response problem_unavailable(std::string_view detail, unsigned retry_after_s) {
    Response response = problem(503, "unavailable", "Service unavailable", detail);
    response.headers.emplace_back("Retry-After", std::to_string(retry_after_s));
    return response;
}

}  // namespace orderflow::http
