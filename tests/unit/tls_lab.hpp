#pragma once
// A certificate authority and a TLS server in this process, on OpenSSL, for tests: certificates are
// made when they are needed, none is kept in the tree.

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "unit/http_lab.hpp"

namespace orderflow::http::test {

struct OpensslFree {
    void operator()(X509* x) const { X509_free(x); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(BIO* bio) const { BIO_free(bio); }
};
template <class T>
using Openssl = std::unique_ptr<T, OpensslFree>;

// What a certificate is made for.
struct Subject {
    std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";
    long from_s = -3'600;  // from now
    long until_s = 3'600;
};

struct Identity {
    Openssl<EVP_PKEY> key;
    Openssl<X509> certificate;
};

class CertificateAuthority {
public:
    CertificateAuthority() : self_(make("CA " + std::to_string(++made_), {.names = ""}, nullptr)) {}

    Identity issue(const Subject& subject) const { return make("server", subject, &self_); }

    std::string pem() const {
        const Openssl<BIO> out(BIO_new(BIO_s_mem()));
        PEM_write_bio_X509(out.get(), self_.certificate.get());
        char* bytes = nullptr;
        const long size = BIO_get_mem_data(out.get(), &bytes);
        return {bytes, static_cast<std::size_t>(size)};
    }

private:
    // Null issuer: an authority, signed by itself.
    static Identity make(const std::string& name, const Subject& subject, const Identity* issuer) {
        static std::atomic<long> serial = 1;
        Identity made{Openssl<EVP_PKEY>(EVP_EC_gen("P-256")), Openssl<X509>(X509_new())};
        X509* const x = made.certificate.get();
        X509* const by = issuer ? issuer->certificate.get() : x;
        X509_set_version(x, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(x), ::getpid() * 1'000L + serial++);
        X509_gmtime_adj(X509_getm_notBefore(x), subject.from_s);
        X509_gmtime_adj(X509_getm_notAfter(x), subject.until_s);
        X509_set_pubkey(x, made.key.get());
        X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
        X509_set_issuer_name(x, X509_get_subject_name(by));
        extend(x, by, NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
        if (issuer) extend(x, by, NID_subject_alt_name, subject.names);
        if (!X509_sign(x, (issuer ? issuer->key : made.key).get(), EVP_sha256())) {
            throw std::runtime_error("a certificate cannot be signed");
        }
        return made;
    }
    static void extend(X509* x, X509* issuer, int what, const std::string& value) {
        X509V3_CTX context;
        X509V3_set_ctx(&context, issuer, x, nullptr, nullptr, 0);
        X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
        if (!extension) throw std::runtime_error("no extension: " + value);
        X509_add_ext(x, extension, -1);
        X509_EXTENSION_free(extension);
    }

    static inline std::atomic<int> made_ = 0;  // each has its own name
    const Identity self_;
};

// Answers each request with 200 {}; IPv4 and IPv6 on one port, one connection after the other.
class TlsServer {
public:
    explicit TlsServer(Identity identity)
        : context_(SSL_CTX_new(TLS_server_method())),
          acceptor_(io_, tcp::endpoint(asio::ip::address_v6::any(), 0)) {
        SSL_CTX_use_certificate(context_.get(), identity.certificate.get());
        SSL_CTX_use_PrivateKey(context_.get(), identity.key.get());
        thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
    }

    unsigned short port() { return acceptor_.local_endpoint().port(); }
    int handshakes() const { return handshakes_; }  // that succeeded
    int resumed() const { return resumed_; }
    int requests() const { return requests_; }
    int ended() const { return ended_; }  // connections
    void close_after_each(bool yes) { close_after_each_ = yes; }
    void hang_up_on_next() { hang_up_ = true; }
    void be_a_proxy_first() { proxy_ = true; }
    std::string proxy_request() const { return locked(proxy_request_); }
    std::string last_request() const { return locked(last_request_); }

private:
    void run(const std::stop_token& stop) {
        sigset_t pipes;  // OpenSSL writes to clients that have gone
        sigemptyset(&pipes);
        sigaddset(&pipes, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipes, nullptr);
        while (!stop.stop_requested()) {
            pollfd waiting{acceptor_.native_handle(), POLLIN, 0};
            if (::poll(&waiting, 1, 10) <= 0) continue;
            boost::system::error_code ec;
            tcp::socket socket = acceptor_.accept(ec);
            if (!ec) serve(socket, stop);
        }
    }

    void serve(tcp::socket& socket, const std::stop_token& stop) {
        if (proxy_) {
            std::string request(4096, '\0');
            boost::system::error_code ec;
            request.resize(socket.read_some(asio::buffer(request), ec));
            keep(proxy_request_, request);
            asio::write(socket, asio::buffer("HTTP/1.1 200 Go on\r\nVia: proxy\r\n\r\n"s), ec);
        }
        const Openssl<SSL> ssl(SSL_new(context_.get()));
        SSL_set_fd(ssl.get(), socket.native_handle());
        const timeval limit{5, 0};
        setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        if (SSL_accept(ssl.get()) == 1) {
            ++handshakes_;
            resumed_ += SSL_session_reused(ssl.get());
            while (!stop.stop_requested() && answer(ssl.get(), socket.native_handle(), stop)) {}
        }
        ERR_clear_error();
        ++ended_;
    }

    bool answer(SSL* ssl, int socket, const std::stop_token& stop) {
        while (SSL_pending(ssl) == 0) {
            pollfd waiting{socket, POLLIN, 0};
            if (::poll(&waiting, 1, 10) > 0) break;
            if (stop.stop_requested()) return false;
        }
        char bytes[4096];
        const int size = SSL_read(ssl, bytes, sizeof bytes);
        if (size <= 0) return false;
        ++requests_;
        keep(last_request_, {bytes, static_cast<std::size_t>(size)});
        if (hang_up_.exchange(false)) return false;
        const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n";
        const std::string text =
            head + (close_after_each_ ? "Connection: close\r\n" : "") + "\r\n{}";
        return SSL_write(ssl, text.data(), static_cast<int>(text.size())) > 0 && !close_after_each_;
    }

    std::string locked(const std::string& text) const {
        const std::lock_guard lock(mutex_);
        return text;
    }
    void keep(std::string& where, std::string text) {
        const std::lock_guard lock(mutex_);
        where = std::move(text);
    }

    asio::io_context io_;
    Openssl<SSL_CTX> context_;
    tcp::acceptor acceptor_;
    std::atomic<int> handshakes_ = 0, resumed_ = 0, requests_ = 0, ended_ = 0;
    std::atomic<bool> close_after_each_ = false, hang_up_ = false, proxy_ = false;
    mutable std::mutex mutex_;
    std::string proxy_request_, last_request_;
    std::jthread thread_;
};

}  // namespace orderflow::http::test
