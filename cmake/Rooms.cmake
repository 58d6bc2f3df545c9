# Several sources of a target in one compilation, where FLUXMETRICS_BATCHED says so: most of what a source costs is the
# headers of Asio and GoogleTest. Names in anonymous namespaces must then differ between the sources of a target.
function(fluxmetrics_batched target)
  if(FLUXMETRICS_BATCHED)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 10)
    # GCC takes whatever is not in the main file for a header.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()

# The headers of libraries that most sources include, compiled once for all targets with the same options.
#
#   fluxmetrics_headers(room_headers LIBS Boost::json [OPTIONS -O0] [HEADERS <gtest/gtest.h>])
function(fluxmetrics_headers name)
  cmake_parse_arguments(ARG "" "" "LIBS;OPTIONS;HEADERS" ${ARGN})
  if(NOT FLUXMETRICS_PRECOMPILED)
    return()
  endif()
  file(WRITE ${PROJECT_BINARY_DIR}/${name}.cpp "")
  add_library(${name} OBJECT ${PROJECT_BINARY_DIR}/${name}.cpp)
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} fluxmetrics_options)
  target_compile_options(${name} PRIVATE ${ARG_OPTIONS})
  target_precompile_headers(${name} PRIVATE
    <algorithm> <array> <charconv> <chrono> <cstdint> <deque> <expected> <functional> <map> <memory> <optional>
    <ranges> <set> <span> <string> <string_view> <unordered_map> <utility> <variant> <vector>
    <fmt/format.h> <fmt/ranges.h> <boost/json.hpp>
    <boost/asio/awaitable.hpp> <boost/asio/co_spawn.hpp> <boost/asio/io_context.hpp> <boost/asio/post.hpp>
    <boost/asio/steady_timer.hpp> <boost/asio/use_awaitable.hpp> <boost/asio/write.hpp>
    <boost/asio/local/stream_protocol.hpp> <boost/asio/ip/tcp.hpp> <boost/asio/experimental/awaitable_operators.hpp>
    ${ARG_HEADERS})
endfunction()

function(fluxmetrics_precompiled target headers)
  if(FLUXMETRICS_PRECOMPILED)
    target_precompile_headers(${target} REUSE_FROM ${headers})
  endif()
endfunction()

# A room is one directory of src/: one library that names the rooms it may use. A file that includes
# a room which is not declared here does not link (and tests/lint/rooms.py says so before that).
#
#   fluxmetrics_room(flux ROOMS base LIBS Boost::json)
function(fluxmetrics_room name)
  cmake_parse_arguments(ARG "" "" "ROOMS;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/(main|bridge)\\.cpp$")
  list(TRANSFORM ARG_ROOMS PREPEND room_)
  if(sources)
    add_library(room_${name} ${sources})  # shared where BUILD_SHARED_LIBS says so
    target_include_directories(room_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(room_${name} PUBLIC ${ARG_ROOMS} ${ARG_LIBS} PRIVATE fluxmetrics_options)
    fluxmetrics_batched(room_${name})
    fluxmetrics_precompiled(room_${name} room_headers)
  else()
    add_library(room_${name} INTERFACE)
    target_include_directories(room_${name} INTERFACE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(room_${name} INTERFACE ${ARG_ROOMS} ${ARG_LIBS})
  endif()
endfunction()

# The unit tests of one room: tests/unit/NAME/*.cpp become the ctest entry NAME.
#
#   fluxmetrics_unit_tests(flux ROOMS simulate APART message_test)
#
# APART: sources that share names with others, and are compiled alone even where those are batched.
function(fluxmetrics_unit_tests name)
  cmake_parse_arguments(ARG "" "" "ROOMS;APART" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/unit/${name}/*.cpp)
  if(NOT sources)
    return()
  endif()
  list(TRANSFORM ARG_ROOMS PREPEND room_)
  add_executable(test_${name} ${sources})
  target_link_libraries(test_${name} PRIVATE room_${name} ${ARG_ROOMS} GTest::gtest_main fluxmetrics_options)
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/unit)
  # The tests' own code need not be fast, and GoogleTest takes an optimiser long; what they test is built as it ships.
  target_compile_options(test_${name} PRIVATE -O0)
  fluxmetrics_batched(test_${name})
  list(TRANSFORM ARG_APART REPLACE "(.+)" "${PROJECT_SOURCE_DIR}/tests/unit/${name}/\\1.cpp")
  set_source_files_properties(${ARG_APART} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  fluxmetrics_precompiled(test_${name} test_headers)
  target_compile_definitions(test_${name} PRIVATE TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data")
  add_test(NAME ${name} COMMAND test_${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()
