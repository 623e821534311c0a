#pragma once
// The directory of this build's sources, for tests that read documents, schemas or code. Any
// thread.
#include <filesystem>

namespace orderflow::test {

std::filesystem::path source_dir();

}  // namespace orderflow::test
