#pragma once
// How the commands begin that orderctl proposes, so that each works as it is printed, also for a
// stack that is not the default one. Made by Endpoints once; pure.
#include <string>
#include <string_view>

namespace orderflow::orderctl {

struct Proposals {
    std::string orderctl = "orderctl";           // with what leads it to this stack
    std::string up = "scripts/up";               // starts what does not run of this stack
    std::string edge = "http://localhost:3000";  // where clients go
    // Kafka's own tool, with where Kafka is.
    std::string transactions = "kafka-transactions.sh --bootstrap-server localhost:9092";
    std::string curl = "curl";  // to the edge, with whom to believe

    // "orderctl --stack-env /tmp/mine/stack.env lag".
    std::string ctl(const std::string& command) const { return orderctl + " " + command; }
    std::string cancel(const std::string& order) const {
        return curl + " -X POST " + edge + "/api/orders/" + order + "/cancellations";
    }
};

// One word for a shell: as it is where that is safe, otherwise quoted. bash, if the text holds what
// a terminal is not shown.
std::string shell_word(std::string_view text);

}  // namespace orderflow::orderctl
