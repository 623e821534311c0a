#pragma once
// Connection strings of libpq: a database and its schema, and the string without its password for
// the log. Used by every program that has a database. Values; any thread.
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace orderflow::postgres {

// The connection string for the log: passwords and secrets are replaced by ***. Only *** if libpq
// cannot read the string.
std::string masked(const std::string& url);

// The connection string with this password. Throws std::invalid_argument if libpq cannot read it.
std::string with_password(const std::string& url, const std::string& password);

// How much the connections of one Url are used. The growth of busy_us, divided by the time that
// passed and by the number of connections, is the share of time in which they were busy.
// Thread-safe.
struct Usage {
    std::atomic<std::int64_t> busy_us = 0;      // time in statements until their results
    std::atomic<std::int64_t> connections = 0;  // open now
};

// A database, and the schema that unqualified names refer to. Throws std::invalid_argument if libpq
// cannot read the string.
struct Url {
    Url(std::string a_conninfo, std::string_view a_schema = {});
    Url(const char* a_conninfo) : Url(std::string(a_conninfo)) {}

    std::string conninfo;  // a libpq conninfo string or URI
    std::string schema;    // empty: the role's search_path, and no timeouts of a service
    std::shared_ptr<Usage> usage = {};  // where the use is counted; null: nowhere
};

// Removes PGTZ, PGDATESTYLE and PGGEQO from the environment, so that libpq does not send them. No
// connection string can override them, and every connect fails if one has a value that is unknown
// to the server. Call it before threads start.
void ignore_environment();

// The string for a new connection, with what statements rely on and what a string can set: the
// encoding, and the limits after which a dead peer is noticed. Throws std::invalid_argument.
std::string with_pins(const std::string& conninfo);

}  // namespace orderflow::postgres
