#include "simulation/points.hpp"

#include <iomanip>
#include <ostream>
#include <stdexcept>
#include <vector>

#include "core/enums.hpp"

namespace orderflow::simulation {
namespace {

using events::Service;

constexpr auto kAll = static_cast<std::uint8_t>(bit(Service::order) | bit(Service::payment) |
                                                bit(Service::inventory) | bit(Service::shipping) |
                                                bit(Service::analytics));
constexpr auto kOrder = bit(Service::order);
constexpr auto kPayment = bit(Service::payment);
constexpr auto kInventory = bit(Service::inventory);
constexpr auto kShipping = bit(Service::shipping);
constexpr auto kLocking =
    static_cast<std::uint8_t>(kInventory | kShipping | bit(Service::analytics));

struct Row {
    std::uint8_t services;  // bits
    Step step;
    std::vector<Effect> effects;
};

// The list of crash points.
const std::vector<Row>& rows() {
    using enum Effect;
    static const std::vector<Row> kRows{
        {kOrder, Step::accept, {begin, save, append, before_commit, after_commit}},
        {kOrder, Step::cancel, {begin, load, save, append, before_commit, after_commit}},
        {kOrder, Step::deadline, {scan, begin, load, save, append, before_commit, after_commit}},
        {kInventory,
         Step::catalogue,
         {begin, load, lock, save, append, before_commit, after_commit}},
        {kPayment, Step::settle, {begin, load, save, append, before_commit, after_commit}},
        {kAll,
         Step::consume,
         {poll, begin, blocked, load, save, park, append, before_commit, after_commit, offsets}},
        {kAll,
         Step::retry,
         {begin, take_due, load, save, retried, append, before_commit, after_commit}},
        {kLocking, Step::consume, {lock}},
        {kLocking, Step::retry, {lock}},
        {kPayment, Step::consume, {submit}},
        {kPayment, Step::retry, {submit}},
        {kPayment, Step::results, {begin, load, save, append, before_commit, after_commit}},
        {kPayment, Step::recovery, {scan}},
        {kPayment, Step::call, {before_post, after_post}},
        {kAll, Step::relay, {lead, read, produce, before_checkpoint, after_checkpoint}},
    };
    return kRows;
}

std::size_t index_of(const Point& point) {
    return (static_cast<std::size_t>(point.service) * kSteps +
            static_cast<std::size_t>(point.step)) *
               kEffects +
           static_cast<std::size_t>(point.effect);
}

template <class Visit>
void for_each_point(Visit visit) {
    for (const Row& row : rows()) {
        for (std::size_t i = 0; i < events::kServiceNames.size(); ++i) {
            const auto service = static_cast<Service>(i);
            if (!(row.services & bit(service))) continue;
            for (const Effect effect : row.effects) visit(Point{service, row.step, effect});
        }
    }
}

const std::vector<bool>& known() {
    static const std::vector<bool> kKnown = [] {
        std::vector<bool> flags(events::kServiceNames.size() * kSteps * kEffects);
        for_each_point([&](const Point& point) { flags[index_of(point)] = true; });
        return flags;
    }();
    return kKnown;
}

}  // namespace

std::string to_string(const Point& point) {
    const std::string_view service = events::names_of(point.service).name;
    return std::string(service.substr(0, service.find('-'))) + "." +
           std::string(orderflow::name_of(point.step)) + "." +
           std::string(orderflow::name_of(point.effect));
}

Points::Count& Points::at(const Point& point) {
    const std::size_t index = index_of(point);
    if (!known()[index]) throw std::logic_error("points.cpp does not list " + to_string(point));
    return counts_[index];
}

void Points::print(std::ostream& out) const {
    out << std::left << std::setw(36) << "crash point" << std::right << std::setw(11) << "reached"
        << std::setw(10) << "crashed" << std::setw(14) << "disconnected" << std::setw(13)
        << "interrupted" << "\n";
    for_each_point([&](const Point& point) {
        const Count& count = counts_[index_of(point)];
        out << std::left << std::setw(36) << to_string(point) << std::right << std::setw(11)
            << count.reached << std::setw(10) << count.crashed << std::setw(14)
            << count.disconnected << std::setw(13) << count.interrupted << "\n";
    });
}

std::size_t Points::never_reached() const {
    std::size_t never = 0;
    for_each_point([&](const Point& point) {
        if (counts_[index_of(point)].reached == 0) ++never;
    });
    return never;
}

}  // namespace orderflow::simulation
