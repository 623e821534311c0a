# The project's own CMake functions.

# What every target of ours has in common. Every include names its root's folder:
# "core/ids.hpp", "payment/payment.hpp"; which file may include which is checked by a unit test.
function(orderflow_target target)
  foreach(root libs services tools tests)
    target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/${root})
  endforeach()
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE" AND CMAKE_EXE_LINKER_FLAGS MATCHES "sanitize=thread")
    target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/tsan/threads.cpp)
  endif()
endfunction()

# add_service(payment): the library orderflow_payment, so that tests can link it, and the executable
# payment-service. The migrations are compiled in: first those of the tables that every service has,
# then its own.
function(add_service name)
  set(dir ${PROJECT_SOURCE_DIR}/services/${name})
  set(lib orderflow_${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${dir}/*.cpp)
  list(REMOVE_ITEM sources ${dir}/main.cpp)
  set(common ${PROJECT_SOURCE_DIR}/libs/outbox/migrations)
  set(script ${PROJECT_SOURCE_DIR}/cmake/embed_migrations.cmake)
  set(migrations ${PROJECT_BINARY_DIR}/generated/${name}/migrations.cpp)
  file(GLOB files CONFIGURE_DEPENDS ${common}/*.sql ${dir}/migrations/*.sql)
  add_custom_command(
    OUTPUT ${migrations}
    COMMAND ${CMAKE_COMMAND} -DCOMMON=${common} -DOWN=${dir}/migrations -DOUT=${migrations}
            -DNAME=${name} -P ${script}
    DEPENDS ${files} ${script})
  add_library(${lib} ${sources} ${migrations})
  orderflow_target(${lib})
  target_link_libraries(${lib} PUBLIC orderflow_service orderflow_loops orderflow_http)
  add_executable(${name}-service ${dir}/main.cpp)
  orderflow_target(${name}-service)
  target_link_libraries(${name}-service PRIVATE ${lib})
endfunction()

# add_pages(analytics): compiles services/analytics/pages into the service's library. The pages need no
# build step of their own: what a browser gets are these files.
function(add_pages name)
  set(dir ${PROJECT_SOURCE_DIR}/services/${name}/pages)
  set(script ${PROJECT_SOURCE_DIR}/cmake/embed_pages.cmake)
  set(code ${PROJECT_BINARY_DIR}/generated/${name}/pages.cpp)
  file(GLOB files CONFIGURE_DEPENDS ${dir}/*.html ${dir}/*.js ${dir}/*.css ${dir}/*.svg)
  add_custom_command(
    OUTPUT ${code}
    COMMAND ${CMAKE_COMMAND} -DDIR=${dir} -DOUT=${code} -P ${script}
    DEPENDS ${files} ${script})
  target_sources(orderflow_${name} PRIVATE ${code})
endfunction()

# orderflow_test(NAME LABEL label SOURCES ... LIBS ...): a Catch2 executable whose cases ctest lists.
function(orderflow_test name)
  include(Catch)
  cmake_parse_arguments(arg "SOME_ALONE" "LABEL" "SOURCES;LIBS" ${ARGN})
  set(source_dir ${PROJECT_BINARY_DIR}/generated/tests/source_dir.cpp)
  configure_file(${PROJECT_SOURCE_DIR}/tests/support/source_dir.cpp.in ${source_dir} @ONLY)
  add_executable(${name} ${arg_SOURCES} ${source_dir})
  orderflow_target(${name})
  target_link_libraries(${name} PRIVATE ${arg_LIBS} Catch2::Catch2WithMain)
  if(NOT TARGET tests_${arg_LABEL})
    add_custom_target(tests_${arg_LABEL})
  endif()
  add_dependencies(tests_${arg_LABEL} ${name})
  set(others "")
  if(arg_SOME_ALONE)
    catch_discover_tests(${name} TEST_SPEC [alone] PROPERTIES LABELS ${arg_LABEL} RUN_SERIAL TRUE
                         DISCOVERY_MODE PRE_TEST)
    set(others TEST_SPEC ~[alone])
  endif()
  catch_discover_tests(${name} ${others} PROPERTIES LABELS ${arg_LABEL} DISCOVERY_MODE PRE_TEST)
endfunction()
