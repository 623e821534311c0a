#pragma once
// The beginnings of the commands that orderctl proposes. Each command works as it is printed, even
// for a stack that is not the default one. Endpoints fills them once; pure.
#include <string>
#include <string_view>

namespace orderflow::orderctl {

struct Proposals {
    std::string orderctl = "orderctl";           // with the options for this stack
    std::string up = "scripts/up";               // starts what does not run in this stack
    std::string edge = "http://localhost:3000";  // the address for clients
    // Kafka's own tool, with the brokers' address.
    std::string transactions = "kafka-transactions.sh --bootstrap-server localhost:9092";
    std::string curl = "curl";  // to the edge, with the CA file

    // "orderctl --stack-env /tmp/mine/stack.env lag".
    std::string ctl(const std::string& command) const { return orderctl + " " + command; }
    std::string cancel(const std::string& order) const {
        return curl + " -X POST " + edge + "/api/orders/" + order + "/cancellations";
    }
};

// Returns one word for a shell: unchanged if that is safe, otherwise quoted. If the text contains
// characters that `shown` would replace, the quotes are bash's.
std::string shell_word(std::string_view text);

}  // namespace orderflow::orderctl
