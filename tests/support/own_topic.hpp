#pragma once
// A topic that belongs to one test. The test may do to it what operators, retention and other
// producers do to topics. One thread.
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
    void grow(int partitions);  // to this number
    // Does what retention does: no record before the partition's end is left.
    void delete_records(int partition);

    // Sends records with any text, and waits until all are persisted.
    void send(int partition, int records);
    // The same in a transaction of its own, which leaves its marker after the records.
    void send_in_transaction(int partition, int records);
    // Starts a transaction that stays open until commit_transaction(), or until the test ends.
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
