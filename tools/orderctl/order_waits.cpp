// Part of order_report.hpp: what an order waits for, since when, why, and what ends the wait.
#include <algorithm>
#include <array>
#include <string_view>

#include "orderctl/order_report.hpp"
#include "orderctl/parked_rows.hpp"
#include "payment/payment.hpp"

namespace orderflow::orderctl {
namespace {

using std::string;

struct Participant {
    const char* name;
    std::int64_t bit;
    std::optional<ParticipantView> OrderReport::* row;
    const char* feeds;  // the service whose event moves it forward
    std::array<std::string_view, 2> forward_done;
    std::array<std::string_view, 3> back_done;
};
constexpr Participant kParticipants[] = {{"inventory",
                                          1,
                                          &OrderReport::inventory,
                                          "order",
                                          {"RESERVED", "REJECTED"},
                                          {"RELEASED", "CANCELLED", ""}},
                                         {"payment",
                                          2,
                                          &OrderReport::payment,
                                          "inventory",
                                          {"CAPTURED", "DECLINED"},
                                          {"REFUNDED", "NEVER_CHARGED", "SETTLED"}},
                                         {"shipping",
                                          4,
                                          &OrderReport::shipping,
                                          "payment",
                                          {"SCHEDULED", "REFUSED"},
                                          {"VOIDED", "CANCELLED", ""}}};

string record_text(const ParkedRowView& parked) {
    return "record " + std::to_string(parked.id) + " (" + parked.topic + "/" +
           std::to_string(parked.partition) + "@" + std::to_string(parked.offset) + ")";
}

string tries(std::int64_t count) {
    return std::to_string(count) + (count == 1 ? " try" : " tries");
}

string relay_text(const EventView& event) {
    return "the relay of " + event.service + "-service has not confirmed " + event.type + " (seq " +
           std::to_string(event.seq) + ")" +
           (event.refusal ? ": its topic refuses, " + *event.refusal : "");
}

Wait wait_for_record(const ParkedRowView& parked, const Surroundings& around) {
    Wait wait{parked.service, parked.parked_at, "", std::nullopt};
    if (parked.dead) {
        wait.whom = "operator";
        wait.why = parked.service + " has given up " + record_text(parked) + " after " +
                   tries(parked.attempts) + ": " + parked.error;
        wait.mend =
            around.propose.ctl("records retry " + std::to_string(parked.id) + " --service " +
                               parked.service + " --reason 'the cause is fixed'");
    } else {
        wait.why = parked.service + " has put " + record_text(parked) + " aside, ";
        if (!parked.behind) wait.why += tries(parked.attempts) + " failed, ";
        wait.why += next_try_text(parked.due_at, parked.behind, around.now) + ": " + parked.error;
    }
    return wait;
}

// Finds, for one participant of one order, the reason why it does not answer.
class Cause {
public:
    Cause(const OrderReport& order, const Surroundings& around, const Participant& participant,
          bool back, string since)
        : order_(order),
          around_(around),
          participant_(participant),
          row_(order.*participant.row),
          back_(back) {
        wait_.whom = participant.name;
        wait_.since = std::move(since);
    }

    Wait find() {
        if (row_ && is_payment_call()) return gateway();
        if (around_.trouble) {
            return because("Kafka does not answer: " + *around_.trouble,
                           around_.propose.up + " --no-demo   # or start Kafka again");
        }
        if (row_ && answered()) return answer_is_missing();
        return event_is_missing();
    }

private:
    Wait because(string why, std::optional<string> mend) {
        wait_.why = std::move(why);
        wait_.mend = std::move(mend);
        return wait_;
    }

    bool answered() const {
        const auto is = [&](std::string_view state) { return row_->state == state; };
        return back_ ? std::ranges::any_of(participant_.back_done, is)
                     : std::ranges::any_of(participant_.forward_done, is);
    }
    bool is_payment_call() const {
        if (participant_.bit != 2) return false;
        return back_ ? row_->state == "CANCELLING"
                     : row_->state == "INTENT" || row_->state == "UNKNOWN";
    }

    string next_try() const {
        const auto touched = row_->since ? parse_rfc3339(*row_->since) : std::nullopt;
        if (!touched) return "soon";
        const Instant due =
            *touched + payment::retry_after(static_cast<std::int32_t>(row_->attempts.value_or(0)));
        return (due <= around_.now ? "due since " : "about ") + to_rfc3339(due);
    }

    Wait gateway() {
        const std::int64_t attempts = row_->attempts.value_or(0);
        if (around_.idle.contains("payment")) return not_running("payment");
        if (back_) {
            return because(attempts == 0 ? string("the cancel is under way at the gateway")
                                         : "the gateway has not answered the cancel clearly: " +
                                               tries(attempts) + ", next try " + next_try(),
                           around_.propose.ctl("payment settle " + order_.id + " --as refunded") +
                               "   # or --as never-charged: ask the gateway's people");
        }
        if (row_->state == "INTENT") return because("the charge is under way", std::nullopt);
        return because("charge UNKNOWN: " + tries(attempts) +
                           " without a clear outcome, next try " + next_try(),
                       around_.propose.cancel(order_.id) + "   # or wait for the gateway");
    }

    // The participant has decided; the order service has not handled its event yet.
    Wait answer_is_missing() {
        const string topic = string(participant_.name) + "-events";
        if (const auto event = unsent(participant_.name)) return relay(*event);
        if (const auto late = unread("order", topic)) return *late;
        return because(
            "has answered (" + row_->state + "), but the order service has not received the answer",
            around_.propose.ctl("republish --order " + order_.id));
    }

    Wait event_is_missing() {
        const string feeds = back_ ? "order" : participant_.feeds;
        if (const auto event = unsent(feeds)) return relay(*event);
        if (const auto late = unread(participant_.name, feeds + "-events")) return *late;
        return because("has read all records, but has not received the event",
                       around_.propose.ctl("republish --order " + order_.id));
    }

    const EventView* unsent(std::string_view service) const {
        const auto found = std::ranges::find_if(order_.events, [&](const EventView& event) {
            return !event.relayed && event.service == service;
        });
        return found == order_.events.end() ? nullptr : &*found;
    }
    Wait relay(const EventView& event) {
        return because(relay_text(event), around_.propose.ctl("lag   # is ") + event.service +
                                              "-service running, and Kafka?");
    }

    Wait not_running(const string& service) {
        return because(service + "-service is not running: its consumer group has no member",
                       around_.propose.up + " --no-demo   # or start " + service + "-service");
    }
    // What may be in front of the event: first in the partition to which events of the order go
    // now.
    std::optional<Wait> unread(const string& service, const string& topic) {
        if (auto late = behind(around_.behind, service, topic)) return late;
        if (auto unseen = hidden(topic)) return unseen;
        return behind(around_.behind_before, service, topic);
    }
    std::optional<Wait> behind(const Surroundings::Counts& counts, const string& service,
                               const string& topic) {
        const auto found = counts.find({service, topic});
        if (found == counts.end() || found->second == 0) return std::nullopt;
        if (around_.idle.contains(service)) return not_running(service);
        return because(service + "-service has " + std::to_string(found->second) +
                           (found->second == 1 ? " record of " : " records of ") + topic +
                           " to read before the event",
                       around_.propose.ctl("lag   # is it shrinking?"));
    }
    // If the event were sent again, it would come after the same open transaction.
    std::optional<Wait> hidden(const string& topic) {
        const auto found = around_.hidden.find(topic);
        if (found == around_.hidden.end()) return std::nullopt;
        const Hidden& end = found->second;
        return because(
            "an open Kafka transaction hides " + topic + "/" + std::to_string(end.partition) +
                " from offset " + std::to_string(end.from) + " to " + std::to_string(end.end - 1) +
                " from every consumer",
            around_.propose.transactions + " abort --topic " + topic + " --partition " +
                std::to_string(end.partition) + " --start-offset " + std::to_string(end.from) +
                "   # (describe-producers names the producer); or wait until the transaction ends");
    }

    const OrderReport& order_;
    const Surroundings& around_;
    const Participant& participant_;
    const std::optional<ParticipantView>& row_;
    const bool back_;
    Wait wait_;
};

// A record that these services have put aside explains the wait better than anything else.
bool has_parked(const OrderReport& order, std::string_view participant) {
    return std::ranges::any_of(order.parked, [&](const ParkedRowView& parked) {
        return parked.service == participant || parked.service == "order";
    });
}

void add_saga(const OrderReport& order, const Surroundings& around, std::vector<Wait>& waits) {
    const SagaView& saga = *order.order;
    const auto add = [&](const Participant& participant, bool back, const string& since) {
        if (has_parked(order, participant.name)) return;
        waits.push_back(Cause(order, around, participant, back, since).find());
    };
    if (saga.state == "PROCESSING") {
        const std::size_t who = saga.captured_at ? 2 : saga.reserved_at ? 1 : 0;
        add(kParticipants[who], false,
            saga.captured_at.value_or(saga.reserved_at.value_or(saga.placed_at)));
    }
    if (saga.state == "CANCELLING") {
        for (const Participant& participant : kParticipants) {
            if (saga.answers & participant.bit) continue;
            add(participant, true, saga.cancelling_at.value_or(saga.placed_at));
        }
    }
    if (saga.state == "COMPLETED" && order.inventory && order.inventory->state == "RESERVED") {
        Wait wait{"inventory", saga.finished_at.value_or(saga.placed_at),
                  "the reservation has not become a sale yet", std::nullopt};
        if (!has_parked(order, "inventory")) waits.push_back(wait);
    }
}

}  // namespace

std::vector<Wait> waits_for(const OrderReport& order, const Surroundings& around) {
    std::vector<Wait> waits;
    for (const ParkedRowView& parked : order.parked) {
        waits.push_back(wait_for_record(parked, around));
    }
    if (order.order) add_saga(order, around, waits);
    const auto named = [&](const EventView& event) {
        return std::ranges::any_of(waits, [&](const Wait& wait) {
            return wait.why.find("(seq " + std::to_string(event.seq) + ")") != string::npos;
        });
    };
    for (const EventView& event : order.events) {
        if (event.relayed || named(event)) continue;
        waits.push_back({"relay", event.time, relay_text(event), std::nullopt});
    }
    return waits;
}

}  // namespace orderflow::orderctl
