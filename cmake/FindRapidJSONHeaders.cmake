# RapidJSON by an own interface target: its CMake package hard-codes /usr/include, which on
# Debian 12 would be the version without the fix for CVE-2024-38517.
find_path(RAPIDJSON_HEADERS_DIR rapidjson/reader.h)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(RapidJSONHeaders REQUIRED_VARS RAPIDJSON_HEADERS_DIR)
if(RapidJSONHeaders_FOUND AND NOT TARGET RapidJSON::headers)
  add_library(RapidJSON::headers INTERFACE IMPORTED)
  target_include_directories(RapidJSON::headers SYSTEM INTERFACE ${RAPIDJSON_HEADERS_DIR})
endif()
