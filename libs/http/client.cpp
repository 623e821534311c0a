#include "http/client.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "http/client_checks.hpp"
#include "http/curl_multi.hpp"
#include "http/request_fields.hpp"

namespace orderflow::http {

namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

// Even a connection in steady use is replaced after this time, because the name may resolve to
// another address by then.
constexpr long kOldestConnection_s = 300;
// For each request libcurl walks twice over all connections of its multi handle. With one handle
// for a thousand connections, this costs more than the requests themselves. So each handle (a lane)
// gets few requests, and there are no more handles than the work needs, so that connections are
// used again.
constexpr std::size_t kLaneRequests = 64;
// At most so many requests wait for a connection at once; the others wait for their turn. A
// thousand handshakes side by side take seconds of CPU at either end, and none of them would be
// done before its request times out.
constexpr std::size_t kConnecting = 32;
// libcurl keeps the parsed CA file for so long. After that, the next connection reads a replaced
// file.
constexpr long kCaCache_s = 60;

struct EasyCleanup {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ShareCleanup {
    void operator()(CURLSH* share) const { curl_share_cleanup(share); }
};

template <class T>
void set(CURL* easy, CURLoption option, T value) {
    const CURLcode code = curl_easy_setopt(easy, option, value);
    if (code != CURLE_OK) {
        throw std::runtime_error(std::string("libcurl: ") + curl_easy_strerror(code));
    }
}

// Initialises libcurl once per process and checks what it supports; thread-safe.
void require_libcurl() {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (started != CURLE_OK) throw std::runtime_error("libcurl cannot be used");
    constexpr int kNeeded = CURL_VERSION_ASYNCHDNS | CURL_VERSION_SSL;
    if ((curl_version_info(CURLVERSION_NOW)->features & kNeeded) != kNeeded) {
        throw std::runtime_error("this libcurl has no TLS, or its name lookup blocks");
    }
}

void check_request_line(std::string_view method, std::string_view target) {
    const auto printable = [](char c) { return c > ' ' && c < 0x7f; };
    if ((method != "GET" && method != "POST" && method != "PUT") || !target.starts_with('/') ||
        !std::ranges::all_of(target, printable)) {
        throw std::invalid_argument("not a request line: " + std::string(method) + " " +
                                    std::string(target));
    }
}

using Done = asio::any_completion_handler<void(ClientResult)>;

struct Outgoing {
    std::string method, target, body;
    Clock::time_point give_up;
    Done done;
};

// One request, and its libcurl handle, which a later request uses again.
struct Call {
    Call(const ClientLimits& l, std::function<void()> s)
        : limits(l), on_sent(std::move(s)), easy(curl_easy_init()) {
        if (!easy) throw std::bad_alloc();
    }

    static std::size_t on_header(char* bytes, std::size_t, std::size_t size, void* self) noexcept;
    static std::size_t on_body(char* bytes, std::size_t, std::size_t size, void* self) noexcept;
    static int before_sending(void* self, char*, char*, int, int) noexcept;
    std::string reason(CURLcode code) const;

    const ClientLimits& limits;
    const std::function<void()> on_sent;  // called when the request is sent for the first time
    Fields fields;
    std::string url;
    std::string body;
    bool repeatable = false;
    bool sent = false;
    const char* refusal = nullptr;  // why this client ended the request
    std::size_t header_bytes = 0;
    std::size_t lane = 0;
    ClientResult result;
    char error[CURL_ERROR_SIZE] = "";
    Done done;  // empty: no request is running
    std::unique_ptr<CURL, EasyCleanup> easy;
};

// libcurl calls it with the status line and with each header field, including the line end. It also
// does so for interim (1xx) answers.
std::size_t Call::on_header(char* bytes, std::size_t, std::size_t size, void* self) noexcept {
    Call& call = *static_cast<Call*>(self);
    call.header_bytes += size;
    if (call.header_bytes > call.limits.header_bytes) {
        call.refusal = "unreadable answer: too large";
        return 0;
    }
    std::string_view line(bytes, size);
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!line.empty() && blank(line.back())) line.remove_suffix(1);
    if (line.starts_with("HTTP/")) call.result.headers.clear();
    const auto colon = line.find(':');
    if (colon == line.npos || line.starts_with("HTTP/")) return size;
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && blank(value.front())) value.remove_prefix(1);
    call.result.headers.add(line.substr(0, colon), value);
    return size;
}

std::size_t Call::on_body(char* bytes, std::size_t, std::size_t size, void* self) noexcept {
    Call& call = *static_cast<Call*>(self);
    if (call.result.body.size() + size > call.limits.response_bytes) {
        call.refusal = "unreadable answer: too large";
        return 0;
    }
    call.result.body.append(bytes, size);
    return size;
}

// libcurl calls it when it has a connection and is about to send. If the first connection ended
// without an answer, libcurl calls it a second time, for another connection.
int Call::before_sending(void* self, char*, char*, int, int) noexcept {
    Call& call = *static_cast<Call*>(self);
    if (call.sent && !call.repeatable) {
        call.refusal = "the connection ended without an answer";
        return CURL_PREREQFUNC_ABORT;
    }
    if (!std::exchange(call.sent, true)) call.on_sent();
    return CURL_PREREQFUNC_OK;
}

std::string Call::reason(CURLcode code) const {
    if (refusal) return refusal;
    return *error ? error : curl_easy_strerror(code);
}

}  // namespace

struct Client::Core final : std::enable_shared_from_this<Client::Core> {
    Core(asio::io_context& io_, const ClientSettings& settings_, ClientLimits limits_);

    void ask(Outgoing request);
    void begin(Outgoing& request);
    void begin_waiting();
    void watch_waiting();
    void connected();
    void refuse(Outgoing& request, std::string why);
    void deliver(Done done, ClientResult result);
    void end(CURL* easy, CURLcode code);
    void complete(Call& call);
    Call& spare_call();  // the last of `spare`, created if there is none
    void prepare(CURL* easy) const;
    std::size_t free_lane();
    void wait_for_idle_lanes();
    void close();

    asio::io_context& io;
    ClientSettings settings;
    const ClientLimits limits;
    bool closed = false;
    RequestFields fields;
    std::size_t running = 0;
    std::size_t connecting = 0;  // those of `running` that are not sent yet
    std::deque<Outgoing> waiting;
    bool posted = false;      // begin_waiting() is posted
    asio::steady_timer turn;  // armed while requests wait
    bool turn_armed = false;
    asio::steady_timer idle;                      // armed while there are lanes
    std::unique_ptr<CURLSH, ShareCleanup> share;  // shares TLS sessions and names
    std::vector<std::unique_ptr<Call>> calls;     // running and spare
    std::vector<Call*> spare;
    struct Lane {
        std::shared_ptr<CurlMulti> multi;
        std::size_t running = 0;
        Clock::time_point last_use = {};
    };
    std::vector<Lane> lanes;
};

Client::Core::Core(asio::io_context& io_, const ClientSettings& settings_, ClientLimits limits_)
    : io(io_),
      settings(settings_),
      limits(limits_),
      fields(settings_.credentials_file),
      turn(io_),
      idle(io_) {
    require_libcurl();
    settings.origin = checked_origin(settings.origin);
    if (!settings.proxy.empty()) check_proxy(settings.proxy);
    if (!settings.ca_file.empty()) check_ca_file(settings.ca_file);
    share.reset(curl_share_init());
    for (const curl_lock_data what : {CURL_LOCK_DATA_SSL_SESSION, CURL_LOCK_DATA_DNS}) {
        if (!share || curl_share_setopt(share.get(), CURLSHOPT_SHARE, what)) {
            throw std::runtime_error("libcurl cannot share TLS sessions and names");
        }
    }
}

// Returns the index of the first lane with room; adds a lane if there is none.
std::size_t Client::Core::free_lane() {
    const auto has_room = [](const Lane& lane) { return lane.running < kLaneRequests; };
    const auto found = std::ranges::find_if(lanes, has_room);
    const auto index = static_cast<std::size_t>(found - lanes.begin());
    if (found == lanes.end()) {
        lanes.push_back(
            {std::make_shared<CurlMulti>(io, kLaneRequests,
                                         [this](CURL* easy, CURLcode code) { end(easy, code); }),
             0, Clock::now()});
        lanes.back().multi->start();
        if (lanes.size() == 1) wait_for_idle_lanes();
    }
    return index;
}

// Sets the options that are the same for each request.
void Client::Core::prepare(CURL* easy) const {
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_QUICK_EXIT, 1L);  // a request that times out does not wait for its DNS lookup
    set(easy, CURLOPT_SHARE, share.get());
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(easy, CURLOPT_PATH_AS_IS, 1L);
    set(easy, CURLOPT_HEADERFUNCTION, &Call::on_header);
    set(easy, CURLOPT_WRITEFUNCTION, &Call::on_body);
    set(easy, CURLOPT_PREREQFUNCTION, &Call::before_sending);
    set(easy, CURLOPT_MAXAGE_CONN, static_cast<long>(limits.idle_timeout.count()));
    set(easy, CURLOPT_MAXLIFETIME_CONN, kOldestConnection_s);
    set(easy, CURLOPT_DNS_CACHE_TIMEOUT, static_cast<long>(limits.resolve_again_after.count()));
    set(easy, CURLOPT_PROXY, settings.proxy.c_str());  // "": no proxy, whatever the environment has
    set(easy, CURLOPT_NOPROXY, "");
    // One file, and no directory of certificates beside it. With a directory, libcurl would not
    // keep the parsed certificates, and the system's directory would be trusted in addition to the
    // CA file.
    const char* system_cas = curl_version_info(CURLVERSION_NOW)->cainfo;
    const char* cas = settings.ca_file.empty() ? system_cas : settings.ca_file.c_str();
    const char* nowhere = nullptr;
    for (const auto& [file, directory] : {std::pair{CURLOPT_CAINFO, CURLOPT_CAPATH},
                                          std::pair{CURLOPT_PROXY_CAINFO, CURLOPT_PROXY_CAPATH}}) {
        if (!cas) continue;
        set(easy, file, cas);
        set(easy, directory, nowhere);
    }
    set(easy, CURLOPT_CA_CACHE_TIMEOUT, kCaCache_s);
    set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
}

Call& Client::Core::spare_call() {
    if (spare.empty()) {
        auto call = std::make_unique<Call>(limits, [this] { connected(); });
        CURL* const easy = call->easy.get();
        prepare(easy);
        set(easy, CURLOPT_PRIVATE, call.get());
        set(easy, CURLOPT_HEADERDATA, call.get());
        set(easy, CURLOPT_WRITEDATA, call.get());
        set(easy, CURLOPT_PREREQDATA, call.get());
        set(easy, CURLOPT_ERRORBUFFER, call->error);
        spare.push_back(call.get());
        calls.push_back(std::move(call));
    }
    return *spare.back();
}

// Must not throw: the coroutine of the caller is already suspended.
void Client::Core::ask(Outgoing request) {
    if (closed) {
        refuse(request, "client closed");
    } else if (running + waiting.size() >= limits.requests) {
        refuse(request, "too many requests at once");
    } else {
        if (turn_armed && request.give_up < turn.expiry()) turn_armed = false;
        waiting.push_back(std::move(request));
        begin_waiting();
    }
}

void Client::Core::begin_waiting() {
    while (!waiting.empty() && connecting < kConnecting) {
        Outgoing request = std::move(waiting.front());
        waiting.pop_front();
        try {
            begin(request);
        } catch (const std::exception& error) {
            refuse(request, error.what());
        }
    }
    watch_waiting();
}

void Client::Core::watch_waiting() {
    if (turn_armed || waiting.empty()) return;
    turn_armed = true;
    turn.expires_at(std::ranges::min_element(waiting, {}, &Outgoing::give_up)->give_up);
    turn.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
        const auto core = weak.lock();
        if (!core || ec || core->closed) return;
        core->turn_armed = false;
        const auto now = Clock::now();
        const auto in_time = [now](const Outgoing& request) { return request.give_up > now; };
        auto& all = core->waiting;
        const auto late = std::stable_partition(all.begin(), all.end(), in_time);
        for (auto it = late; it != all.end(); ++it) core->refuse(*it, "no connection in time");
        all.erase(late, all.end());
        core->watch_waiting();
    });
}

// A request has a connection, or has ended without one. This may run inside libcurl, so
// begin_waiting() is posted.
void Client::Core::connected() {
    --connecting;
    if (waiting.empty() || posted) return;
    posted = true;
    asio::post(io, [weak = weak_from_this()] {
        const auto core = weak.lock();
        if (!core) return;
        core->posted = false;
        if (!core->closed) core->begin_waiting();
    });
}

void Client::Core::begin(Outgoing& request) {
    Call& call = spare_call();
    CURL* const easy = call.easy.get();
    const char* no_verb = nullptr;
    call.fields = fields.of(!request.body.empty());
    call.url = settings.origin + request.target;
    call.body = std::move(request.body);
    call.repeatable = request.method != "POST";
    call.sent = false;
    call.refusal = nullptr;
    call.header_bytes = 0;
    *call.error = '\0';
    set(easy, CURLOPT_URL, call.url.c_str());
    set(easy, CURLOPT_HTTPHEADER, call.fields.get());
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(request.give_up - Clock::now());
    set(easy, CURLOPT_TIMEOUT_MS, std::max<long>(1, static_cast<long>(left.count())));
    set(easy, CURLOPT_CUSTOMREQUEST, request.method == "PUT" ? "PUT" : no_verb);
    if (request.method == "GET") {
        set(easy, CURLOPT_HTTPGET, 1L);
    } else {
        set(easy, CURLOPT_POST, 1L);
        set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
        set(easy, CURLOPT_POSTFIELDS, call.body.c_str());
    }
    call.lane = free_lane();
    lanes[call.lane].multi->add(easy);
    call.done = std::move(request.done);
    spare.pop_back();
    ++lanes[call.lane].running;
    ++running;
    ++connecting;
}

void Client::Core::refuse(Outgoing& request, std::string why) {
    ClientResult none;
    none.error = std::move(why);
    deliver(std::move(request.done), std::move(none));
}

void Client::Core::end(CURL* easy, CURLcode code) {
    char* stored = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &stored);
    Call& call = *reinterpret_cast<Call*>(stored);
    if (code == CURLE_OK) {
        long status = 0;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        call.result.status = static_cast<int>(status);
    } else {
        call.result = {};
        call.result.error = call.reason(code);
    }
    Lane& lane = lanes[call.lane];
    --lane.running;
    lane.last_use = Clock::now();
    --running;
    if (!call.sent) connected();
    complete(call);
}

// Resumes the caller in a later turn of the io_context, when no function of this client or of
// libcurl is on the stack.
void Client::Core::deliver(Done done, ClientResult result) {
    asio::post(io, [done = std::move(done), result = std::move(result)]() mutable {
        std::move(done)(std::move(result));
    });
}

void Client::Core::complete(Call& call) {
    deliver(std::move(call.done), std::move(call.result));
    call.done = nullptr;
    call.result = {};
    spare.push_back(&call);
}

// libcurl closes idle connections only when it opens another one. This timer closes them if no more
// requests come. Requests use the first lane with room, so the last lane becomes idle first.
void Client::Core::wait_for_idle_lanes() {
    const Lane& last = lanes.back();
    idle.expires_at((last.running > 0 ? Clock::now() : last.last_use) + limits.idle_timeout);
    idle.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
        const auto core = weak.lock();
        if (!core || ec || core->closed) return;
        const auto used_since = Clock::now() - core->limits.idle_timeout;
        auto& all = core->lanes;
        while (!all.empty() && all.back().running == 0 && all.back().last_use <= used_since) {
            all.pop_back();
        }
        if (!all.empty()) {
            core->wait_for_idle_lanes();
            return;
        }
        core->spare.clear();
        core->calls.clear();
    });
}

void Client::Core::close() {
    closed = true;
    for (const auto& call : calls) {
        if (!call->done) continue;
        lanes[call->lane].multi->remove(call->easy.get());
        call->result = {};
        call->result.error = "client closed";
        complete(*call);
    }
    for (Outgoing& request : waiting) refuse(request, "client closed");
    waiting.clear();
    lanes.clear();
    turn.cancel();
    idle.cancel();
}

Client::Client(asio::io_context& io, const ClientSettings& settings, ClientLimits limits)
    : core_(std::make_shared<Core>(io, settings, limits)) {}

Client::~Client() { core_->close(); }

asio::awaitable<ClientResult> Client::request(std::string method, std::string target,
                                              std::string body, std::chrono::milliseconds timeout) {
    check_request_line(method, target);
    const auto give_up = Clock::now() + timeout;
    const auto initiate = [give_up](auto handler, std::shared_ptr<Core> core, std::string verb,
                                    std::string path, std::string content) {
        core->ask(
            {std::move(verb), std::move(path), std::move(content), give_up, std::move(handler)});
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, void(ClientResult)>(
        initiate, asio::use_awaitable, core_, std::move(method), std::move(target),
        std::move(body));
}

}  // namespace orderflow::http
