# SOCI 4.0 as Debian ships it: no CMake package. Target SOCI::postgresql.
find_path(SOCI_INCLUDE_DIR soci/soci.h)
find_library(SOCI_CORE_LIBRARY soci_core)
find_library(SOCI_POSTGRESQL_LIBRARY soci_postgresql)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SOCI REQUIRED_VARS SOCI_INCLUDE_DIR SOCI_CORE_LIBRARY
                                  SOCI_POSTGRESQL_LIBRARY)
if(SOCI_FOUND AND NOT TARGET SOCI::postgresql)
  add_library(SOCI::postgresql INTERFACE IMPORTED)
  # soci/postgresql/soci-postgresql.h includes <libpq-fe.h> plainly.
  target_include_directories(SOCI::postgresql SYSTEM INTERFACE
    ${SOCI_INCLUDE_DIR} ${SOCI_INCLUDE_DIR}/soci ${PostgreSQL_INCLUDE_DIRS})
  target_link_libraries(SOCI::postgresql INTERFACE ${SOCI_POSTGRESQL_LIBRARY} ${SOCI_CORE_LIBRARY}
                        PostgreSQL::PostgreSQL)
endif()
