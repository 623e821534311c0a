// For builds with ThreadSanitizer. librdkafka starts its threads with C11's thrd_create(), which
// ThreadSanitizer does not intercept: the first allocation on such a thread would end the program.
// These definitions replace the C library's, and start the threads with pthread_create().

#include <cstdint>
#include <memory>

#include <pthread.h>
#include <threads.h>

namespace {

struct Start {
    thrd_start_t function;
    void* argument;
};

void* run(void* start) {
    const std::unique_ptr<Start> owned(static_cast<Start*>(start));
    return reinterpret_cast<void*>(std::intptr_t{owned->function(owned->argument)});
}

}  // namespace

extern "C" int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
    auto start = std::make_unique<Start>(Start{function, argument});
    if (pthread_create(thread, nullptr, &run, start.get())) return thrd_error;
    static_cast<void>(start.release());  // owned by the thread now
    return thrd_success;
}

extern "C" int thrd_join(thrd_t thread, int* code) {
    void* result = nullptr;
    if (pthread_join(thread, &result)) return thrd_error;
    if (code) *code = static_cast<int>(reinterpret_cast<std::intptr_t>(result));
    return thrd_success;
}
