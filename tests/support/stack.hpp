#pragma once
// The stack that component tests run on: PostgreSQL and Kafka that scripts/up started. The
// environment variable ORDERFLOW_TEST_STACK contains the path of its stack.env. Any thread.
#include <string>

namespace orderflow::test {

// Returns a setting of stack.env, for example KAFKA_BROKERS. Throws std::runtime_error if it is
// missing: a test without its stack fails, it does not pass.
std::string stack_setting(const std::string& name);

}  // namespace orderflow::test
