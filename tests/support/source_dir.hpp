#pragma once
// Where the sources of this build are, for tests that read documents, schemas or code.
#include <filesystem>

namespace orderflow::test {

std::filesystem::path source_dir();

}  // namespace orderflow::test
