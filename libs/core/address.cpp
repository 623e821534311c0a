#include "core/address.hpp"

namespace orderflow {

Address Address::parse(std::string_view text, std::string_view default_port) {
    Address address;
    address.tls = text.starts_with("https://");
    if (default_port.empty()) default_port = address.tls ? "443" : "80";
    if (const auto scheme = text.find("://"); scheme != text.npos) text.remove_prefix(scheme + 3);
    text = text.substr(0, text.find('/'));
    const auto colon = text.rfind(':');
    const bool has_port = colon != text.npos && text.find(']', colon) == text.npos;
    std::string_view host = has_port ? text.substr(0, colon) : text;
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    address.host = host;
    address.port = has_port ? text.substr(colon + 1) : default_port;
    return address;
}

}  // namespace orderflow
