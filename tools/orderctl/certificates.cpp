#include "orderctl/certificates.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string_view>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "core/blocking_socket.hpp"
#include "orderctl/connect.hpp"

namespace orderflow::orderctl {
namespace {

constexpr std::chrono::seconds kPatience{3};  // for each of its steps

template <auto free>
struct Freer {
    template <class T>
    void operator()(T* value) const {
        free(value);
    }
};
using Certificate = std::unique_ptr<X509, Freer<&X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freer<&SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Freer<&SSL_free>>;
using File = std::unique_ptr<std::FILE, Freer<&std::fclose>>;

int days_left(const X509* certificate) {
    int days = 0, seconds = 0;
    if (!ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate))) {
        throw CannotDo("a certificate without a readable end");
    }
    return seconds < 0 ? days - 1 : days;
}

// The protocol's SSLRequest: length 8, code 80877103; the answer is one letter.
void ask_postgres_for_tls(const BlockingSocket& socket) {
    constexpr std::string_view kRequest("\x00\x00\x00\x08\x04\xd2\x16\x2f", 8);
    char answer = 0;
    if (!socket.write(kRequest) || !socket.read(answer) || answer != 'S') {
        throw CannotDo("PostgreSQL does not use TLS");
    }
}

}  // namespace

std::optional<int> days_left_in(const std::string& file) {
    const File in(std::fopen(file.c_str(), "re"));
    if (!in) return std::nullopt;
    std::optional<int> least;
    while (const Certificate certificate{PEM_read_X509(in.get(), nullptr, nullptr, nullptr)}) {
        const int days = days_left(certificate.get());
        least = least ? std::min(*least, days) : days;
    }
    ERR_clear_error();
    return least;
}

ShownCertificate look_at_certificate(const Address& address, Handshake handshake,
                                     const std::string& ca_file) {
    const BlockingSocket socket(address, kPatience);
    if (handshake == Handshake::postgres) ask_postgres_for_tls(socket);
    const Context context(SSL_CTX_new(TLS_client_method()));
    const bool has_ca = ca_file.empty()
                            ? SSL_CTX_set_default_verify_paths(context.get()) == 1
                            : SSL_CTX_load_verify_file(context.get(), ca_file.c_str()) == 1;
    const Session session(SSL_new(context.get()));
    SSL_set_fd(session.get(), socket.descriptor());
    SSL_set_tlsext_host_name(session.get(), address.host.c_str());
    // Checks against an address or, if it is none, a name. A mismatch does not end the handshake:
    // the result is read below.
    X509_VERIFY_PARAM* const wanted = SSL_get0_param(session.get());
    if (X509_VERIFY_PARAM_set1_ip_asc(wanted, address.host.c_str()) != 1) {
        SSL_set1_host(session.get(), address.host.c_str());
    }
    // A server that also requires our certificate has sent its own before that.
    const int connected = SSL_connect(session.get());
    const Certificate certificate(SSL_get1_peer_certificate(session.get()));
    ERR_clear_error();
    if (!certificate) {
        throw CannotDo(address.host + ":" + address.port +
                       (connected == 1 ? " presents no certificate" : " does not use TLS"));
    }
    ShownCertificate shown{days_left(certificate.get()), ""};
    const long result = SSL_get_verify_result(session.get());
    if (!has_ca) {
        shown.refusal = "cannot read a CA certificate from " + ca_file;
    } else if (result != X509_V_OK) {
        shown.refusal = X509_verify_cert_error_string(result);
    }
    return shown;
}

}  // namespace orderflow::orderctl
