// `orderctl check`.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <thread>
#include <utility>

#include <spdlog/spdlog.h>

#include "json/json.hpp"
#include "orderctl/check.hpp"
#include "orderctl/check_metrics.hpp"
#include "orderctl/commands.hpp"
#include "orderctl/evidence.hpp"
#include "orderctl/facts_readers.hpp"
#include "orderctl/parked_rows.hpp"
#include "orderctl/raw_json.hpp"
#include "orderctl/terminal.hpp"

namespace orderflow::orderctl {

struct ParkedView {
    std::string service;
    std::int64_t id;
    bool dead;
    std::string topic;
    std::int64_t partition;
    std::int64_t offset;
    std::optional<OrderId> order_id;
    std::int64_t attempts;
    Instant parked_at;
    std::optional<std::string> due_at;   // none: dead; if `behind` is set, of that record
    std::optional<std::int64_t> behind;  // the id of the record that it waits behind
    std::string error;
};
BOOST_DESCRIBE_STRUCT(ParkedView, (),
                      (service, id, dead, topic, partition, offset, order_id, attempts, parked_at,
                       due_at, behind, error))

struct CheckDocument {
    std::string verdict;  // clean, violated, not judged, not quiet
    std::optional<std::string> unrest;
    std::vector<std::string> notes;
    Counts counts;
    std::vector<Invariant> invariants;
    std::vector<Violation> violations;
    std::vector<ParkedView> parked;
};
BOOST_DESCRIBE_STRUCT(CheckDocument, (),
                      (verdict, unrest, notes, counts, invariants, violations, parked))

namespace {

constexpr const char* kHelp =
    "Checks that nothing is lost, doubled, or inconsistent: invariants I1-I5, I8-I10 over the five "
    "databases, the topics from their beginning and the gateway's ledger. Orders still under way "
    "are counted, not judged.";
constexpr const char* kExample = R"(
Examples:
  orderctl check --quiesce 30                wait up to 30 s until nothing moves, then check
  orderctl check --json | jq .violations
  orderctl check --history client.jsonl      also I1 and I2: the answers that clients received
  orderctl check --without-gateway           where the gateway has no ledger to read: no I3, no I4
  orderctl check --every 300 --metrics 127.0.0.1:9465
                                             without end, with the results as metrics
Exit code 1: violations. 2: nothing violated, but something could not be read (without the gateway's
ledger all but I3 and I4 are judged), hardly anything could be judged, or the system did not become
quiet in time.)";
// The limits of the text output: violations of each invariant, and parked records.
constexpr std::size_t kMaxPrinted = 20;

struct CheckOptions {
    int quiesce_s = 0;
    int every_s = 0;      // 0: once
    std::string metrics;  // address for Prometheus's requests; empty: none
    bool without_gateway = false;
    std::string history;
};

std::vector<ParkedView> parked_views(const Facts& facts) {
    std::vector<ParkedView> views;
    for (const ParkedFact& parked : facts.parked) {
        views.push_back({std::string(short_name(parked.service)), parked.id, parked.dead,
                         parked.topic, parked.partition, parked.offset, parked.order,
                         parked.attempts, parked.parked_at,
                         parked.due_at ? std::optional(to_rfc3339(*parked.due_at)) : std::nullopt,
                         parked.behind, parked.error});
    }
    return views;
}

const char* text(Verdict verdict) {
    switch (verdict) {
        case Verdict::ok: return "ok";
        case Verdict::violated: return "VIOLATED";
        case Verdict::not_judged: return "not judged";
    }
    return "";
}

// The rows of an order or product are printed once, with the first of its violations.
void print_violations(const CheckDocument& document, const Invariant& invariant,
                      std::set<std::string>& shown_before) {
    std::size_t printed = 0;
    for (const Violation& violation : document.violations) {
        if (violation.invariant != invariant.id) continue;
        if (++printed > kMaxPrinted) break;
        std::string subject;
        if (violation.order_id) subject = "order " + violation.order_id->to_string();
        if (violation.product_id) subject = "product " + *violation.product_id;
        say("      ", subject, subject.empty() ? "" : ": ", violation.what, "\n");
        if (!shown_before.insert(subject).second) continue;
        for (const RawJson& row : violation.rows) say("        ", row.text, "\n");
    }
    if (invariant.violations > static_cast<std::int64_t>(kMaxPrinted)) {
        say("      … ", invariant.violations, " in all; --json has the first ", kMaxViolations,
            "\n");
    }
}

void print_parked(const std::vector<ParkedView>& list) {
    std::size_t printed = 0;
    const Instant now = system_now();
    for (const ParkedView& parked : list) {
        if (++printed > kMaxPrinted) break;
        say(parked.dead ? "dead  " : "parked", " ", parked.service, " record ", parked.id, " ",
            parked.topic, "/", parked.partition, "@", parked.offset, " order ",
            parked.order_id ? parked.order_id->to_string() : "unknown", ", ", parked.attempts,
            parked.attempts == 1 ? " try" : " tries");
        if (!parked.dead) say(", ", next_try_text(parked.due_at, parked.behind, now));
        say(": ", parked.error, "\n");
    }
    if (list.size() > kMaxPrinted) say("… ", list.size(), " parked or dead in all\n");
}

// Printed before any further request to the stack, so that the verdict is never lost.
void print_verdict(const CheckDocument& document) {
    say(document.verdict);
    const char* separator = ": ";
    for (const Invariant& invariant : document.invariants) {
        if (invariant.violations == 0) continue;
        say(std::exchange(separator, ", "), invariant.id, " ", invariant.violations);
    }
    say("\n");
    flush_output();
}

void print(const CheckDocument& document) {
    const Counts& n = document.counts;
    const auto say_others = [&] {
        say(n.in_flight, " orders in flight, ", n.parked, " with parked records");
        if (n.not_arrived > 0)
            say(", ", n.not_arrived, " final, but not received by every service");
    };
    say(n.orders, " orders: ", n.settled, " comparable, ");
    say_others();
    say("; ", n.ledger_rows, " ledger rows, ", n.records, " records (", n.duplicates,
        " duplicates, ", n.foreign_records, " foreign), ", n.gateway_lines, " gateway lines\n");
    std::set<std::string> shown_before;
    for (const Invariant& invariant : document.invariants) {
        say(padded(invariant.id, 4), " ", padded(text(invariant.verdict), 10), " ",
            invariant.title);
        if (invariant.violations > 0) say(": ", invariant.violations);
        if (!invariant.note.empty()) say(" (", invariant.note, ")");
        say("\n");
        print_violations(document, invariant, shown_before);
    }
    if (n.in_flight + n.parked + n.not_arrived > 0) {
        say("not judged: ");
        say_others();
        say("\n");
    }
    if (n.settled_by_hand > 0) {
        say("settled by hand: ", n.settled_by_hand,
            " orders wait for the gateway's answer, their money is not judged\n");
    }
    for (const std::string& note : document.notes) say(note, "\n");
    print_parked(document.parked);
    if (document.unrest) say("not quiet: ", *document.unrest, "\n");
    say(document.verdict, "\n");
}

std::optional<History> load_history(const std::string& file) {
    if (file.empty()) return std::nullopt;
    std::ifstream in(file);
    if (!in) throw CannotDo("cannot read " + file);
    auto history = read_history(in);
    if (in.bad()) throw CannotDo("cannot read " + file);
    if (!history) throw CannotDo(file + ": " + history.error().detail);
    return std::move(*history);
}

// Retries while a part of the stack does not answer yet, until the time is over: the network of a
// new container is not open at once.
Unrest patient_quiesce(const Endpoints& endpoints, int seconds) {
    using std::chrono::steady_clock;
    const auto end = steady_clock::now() + std::chrono::seconds(seconds);
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::seconds>(end - steady_clock::now());
        try {
            return quiesce(endpoints, std::max(left, std::chrono::seconds(1)));
        } catch (const std::exception&) {
            if (left <= std::chrono::seconds(1)) throw;
            std::this_thread::sleep_for(std::chrono::milliseconds(500));
        }
    }
}

int run_check(const Context& context, const CheckOptions& options, CheckMetrics* metrics) {
    const auto begun = std::chrono::system_clock::now();
    const auto history = load_history(options.history);
    CheckDocument document;
    if (options.quiesce_s > 0) {
        say_progress("whether anything moves");
        const Unrest unrest = patient_quiesce(context.endpoints, options.quiesce_s);
        if (!unrest.quiet()) document.unrest = unrest.text();
    }
    const Facts facts =
        gather(context.endpoints, {.gateway = !options.without_gateway}, say_progress);
    end_progress();
    Report report = check(facts, history ? &*history : nullptr);
    const bool violated = std::ranges::any_of(report.invariants, [](const Invariant& invariant) {
        return invariant.verdict == Verdict::violated;
    });
    const bool silent_gateway = !facts.gateway_error.empty();
    const bool complete = !report.judged_nothing() && !silent_gateway;
    document.verdict = violated          ? "violated"
                       : !complete       ? "not judged"
                       : document.unrest ? "not quiet"
                                         : "clean";
    document.notes = std::move(report.notes);
    if (silent_gateway) {
        document.notes.push_back("I3 and I4 are not judged, all other invariants are: " +
                                 facts.gateway_error);
    }
    document.counts = report.counts;
    document.invariants = std::move(report.invariants);
    if (metrics) metrics->show(document.invariants, complete, begun);
    if (!context.json) print_verdict(document);
    attach_rows(context.endpoints, facts, Detail::brief, report.violations);
    document.violations = std::move(report.violations);
    document.parked = parked_views(facts);
    if (context.json) {
        print_raw(json::to_json(document) + "\n");
    } else {
        print(document);
    }
    return violated ? kViolated : document.verdict == "clean" ? kClean : kCannotDo;
}

// Runs for ever: data that cannot be read now may be available in the next round.
[[noreturn]] void watch(const Context& context, const CheckOptions& options) {
    // Signals have no default action for the first process of a container: it must handle them
    // itself.
    for (const int signal : {SIGTERM, SIGINT}) {
        std::signal(signal, [](int) { std::_Exit(kClean); });
    }
    std::optional<CheckMetrics> metrics;
    if (!options.metrics.empty()) metrics.emplace(options.metrics);
    for (;;) {
        if (!context.json) say(to_rfc3339(system_now()), "\n");
        try {
            run_check(context, options, metrics ? &*metrics : nullptr);
        } catch (const OutputError&) {
            throw;
        } catch (const std::exception& error) {
            if (context.json) {
                spdlog::error("not judged: {}", shown(error.what()));
            } else {
                say("not judged: ", std::string(error.what()), "\n");
            }
        }
        flush_output();
        std::this_thread::sleep_for(std::chrono::seconds(options.every_s));
    }
}

}  // namespace

void add_check(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("check", kHelp);
    command->footer(kExample);
    command->fallthrough();
    const auto options = std::make_shared<CheckOptions>();
    command
        ->add_option("--quiesce", options->quiesce_s,
                     "wait at most this many seconds until nothing is in flight")
        ->check(CLI::Range(0, 86'400));
    CLI::Option* every =
        command
            ->add_option("--every", options->every_s,
                         "check again this many seconds after each check, without end")
            ->check(CLI::Range(1, 86'400));
    command
        ->add_option("--metrics", options->metrics,
                     "ADDRESS:PORT that serves /metrics to Prometheus")
        ->needs(every);
    command->add_flag("--without-gateway", options->without_gateway,
                      "do not read the gateway's ledger: I3 and I4 are not judged");
    command->add_option("--history", options->history,
                        "file of JSON lines with the requests of clients (docs/orderctl.md)");
    command->callback([&context, options] {
        context.run = [&context, options] {
            if (options->every_s > 0) watch(context, *options);
            return run_check(context, *options, nullptr);
        };
    });
}

}  // namespace orderflow::orderctl
