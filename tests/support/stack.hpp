#pragma once
// The stack that component tests run on: PostgreSQL and Kafka as scripts/up started them. The
// environment variable ORDERFLOW_TEST_STACK names its stack.env. Any thread.
#include <string>

namespace orderflow::test {

// A setting of stack.env, KAFKA_BROKERS for example. Throws std::runtime_error if there is none:
// a test without its stack has failed, not passed.
std::string stack_setting(const std::string& name);

}  // namespace orderflow::test
