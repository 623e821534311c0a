#pragma once
// The end of work that was done for a caller elsewhere, on another thread or in another coroutine:
// its value, or the exception that it threw. Used with await_callback(). A value; any thread.
#include <exception>
#include <utility>

namespace orderflow {

template <class T>
struct Attempt {
    std::exception_ptr error;  // null: the work succeeded
    T value{};

    // Returns the value, or throws the error. Once.
    T take() && {
        if (error) std::rethrow_exception(error);
        return std::move(value);
    }
};

}  // namespace orderflow
