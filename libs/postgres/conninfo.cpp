#include "postgres/conninfo.hpp"

#include <cstdlib>
#include <map>
#include <stdexcept>
#include <utility>

#include <libpq-fe.h>

namespace orderflow::postgres {
namespace {

constexpr const char* kNoUrl =
    "the database URL is not a libpq connection string: neither name=value words nor a URI (in a "
    "URI's password, @ : / % must be written as %40 %3A %2F %25)";

// The options of a conninfo string or a postgres:// URI. Throws std::invalid_argument.
std::map<std::string, std::string> parse_conninfo(const std::string& url) {
    char* problem = nullptr;
    const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
        PQconninfoParse(url.c_str(), &problem), &PQconninfoFree);
    if (!options) {
        PQfreemem(problem);  // it quotes the text at the fault, perhaps the password
        throw std::invalid_argument(kNoUrl);
    }
    std::map<std::string, std::string> values;
    for (const PQconninfoOption* option = options.get(); option->keyword; ++option) {
        if (option->val) values[option->keyword] = option->val;
    }
    // A password in a URI that is not escaped ends at its first @ or /. The rest of it would be
    // taken for a host, a port or a database.
    const bool is_uri = url.starts_with("postgres://") || url.starts_with("postgresql://");
    for (const char* place : {"host", "port", "dbname"}) {
        if (is_uri && values.contains(place) && values[place].find('@') != std::string::npos) {
            throw std::invalid_argument(kNoUrl);
        }
    }
    return values;
}

std::string to_conninfo(const std::map<std::string, std::string>& values) {
    std::string text;
    for (const auto& [key, value] : values) {
        text += text.empty() ? "" : " ";
        text += key + "='";
        for (const char c : value) {
            if (c == '\'' || c == '\\') text += '\\';
            text += c;
        }
        text += '\'';
    }
    return text;
}

}  // namespace

std::string masked(const std::string& url) {
    try {
        auto values = parse_conninfo(url);
        for (auto& [name, value] : values) {
            if (name.ends_with("password") || name.ends_with("secret")) value = "***";
        }
        return to_conninfo(values);
    } catch (const std::invalid_argument&) {
        return "***";  // unreadable, so any part of it may be the password
    }
}

std::string with_password(const std::string& url, const std::string& password) {
    auto values = parse_conninfo(url);
    values["password"] = password;
    return to_conninfo(values);
}

void ignore_environment() {
    for (const char* name : {"PGTZ", "PGDATESTYLE", "PGGEQO"}) ::unsetenv(name);
}

Url::Url(std::string a_conninfo, std::string_view a_schema)
    : conninfo(std::move(a_conninfo)), schema(a_schema) {
    parse_conninfo(conninfo);
}

std::string with_pins(const std::string& conninfo) {
    auto values = parse_conninfo(conninfo);
    values["client_encoding"] = "UTF8";
    values.try_emplace("options", "");  // otherwise libpq uses PGOPTIONS
    // A dead peer is noticed within seconds, unless the operator sets other values.
    values.try_emplace("connect_timeout", "3");
    values.try_emplace("tcp_user_timeout", "5000");
    values.try_emplace("keepalives_idle", "5");
    return to_conninfo(values);
}

}  // namespace orderflow::postgres
