#pragma once
// A topic that belongs to one test, which may do to it what operators, retention and other people's
// producers do. One thread.
#include <cstdint>
#include <memory>
#include <string>

namespace orderflow::test {

class OwnTopic {
public:
    explicit OwnTopic(int partitions);
    ~OwnTopic();

    const std::string& name() const { return name_; }
    void remove();
    void create(int partitions);
    void grow(int partitions);  // to so many
    // What retention does: nothing below the partition's end is left.
    void delete_records(int partition);

    // Records of any text, and waits until all are persisted.
    void send(int partition, int records);
    // The same in a transaction of its own, which leaves its marker behind them.
    void send_in_transaction(int partition, int records);
    // A transaction that stays open until this is called again, or the test ends.
    void begin_transaction(int partition, int records);
    void commit_transaction();

    std::int64_t end(int partition) const;

private:
    class Producer;
    const std::string name_;
    const std::string transactional_id_;
    std::unique_ptr<Producer> producer_;
    std::unique_ptr<Producer> transactional_;
};

}  // namespace orderflow::test
