#pragma once
// The steps that a process has not completed since its start: its database, Kafka, its consumer
// group. They are shown by /readyz and as a metric. Code that waits for a step holds a StartStep
// meanwhile. Thread-safe.
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace orderflow {

class StartSteps {
public:
    // "kafka: order-events: Not authorized", in the order in which the steps began.
    std::vector<std::string> list() const {
        const std::lock_guard lock(mutex_);
        std::vector<std::string> texts;
        for (const Item& item : items_) {
            texts.push_back(item.why.empty() ? item.name : item.name + ": " + item.why);
        }
        return texts;
    }

    // How many steps of each name are not done; 0 for a name whose steps are all done.
    std::map<std::string, int> counts() const {
        const std::lock_guard lock(mutex_);
        return counts_;
    }

private:
    friend class StartStep;
    struct Item {
        std::string name;
        std::string why;
    };
    mutable std::mutex mutex_;
    std::list<Item> items_;
    std::map<std::string, int> counts_;
};

// One step: not done from its construction until done(), or until it is destroyed.
class StartStep {
public:
    // `steps` may be null: then the step is not recorded anywhere. `name` is the label of a metric,
    // so it must have few values ("database", "kafka", "consumer", "relay").
    StartStep(StartSteps* steps, std::string name) : steps_(steps) {
        if (!steps_) return;
        const std::lock_guard lock(steps_->mutex_);
        ++steps_->counts_[name];
        item_ = steps_->items_.insert(steps_->items_.end(), {std::move(name), {}});
    }
    ~StartStep() { done(); }
    StartStep(const StartStep&) = delete;
    StartStep& operator=(const StartStep&) = delete;

    // Sets the reason why the step is not done yet.
    void because(std::string why) {
        if (!steps_) return;
        const std::lock_guard lock(steps_->mutex_);
        item_->why = std::move(why);
    }

    void done() {
        if (!steps_) return;
        const std::lock_guard lock(steps_->mutex_);
        --steps_->counts_[item_->name];
        steps_->items_.erase(item_);
        steps_ = nullptr;
    }

private:
    StartSteps* steps_;
    std::list<StartSteps::Item>::iterator item_;
};

}  // namespace orderflow
