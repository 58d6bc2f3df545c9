# Several sources of a target in one compilation, where FLUXMETRICS_BATCHED says so: most of what a source costs is the
# headers of Asio and GoogleTest. Names in anonymous namespaces must then differ between the sources of a target.
function(fluxmetrics_batched target)
  if(FLUXMETRICS_BATCHED)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 10)
    # GCC takes whatever is not in the main file for a header.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()

# A room is one directory of src/: one static library that names the rooms it may use. A file that includes
# a room which is not declared here does not link (and tests/lint/rooms.py says so before that).
#
#   fluxmetrics_room(flux ROOMS base LIBS Boost::json)
function(fluxmetrics_room name)
  cmake_parse_arguments(ARG "" "" "ROOMS;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/(main|bridge)\\.cpp$")
  list(TRANSFORM ARG_ROOMS PREPEND room_)
  if(sources)
    add_library(room_${name} STATIC ${sources})
    target_include_directories(room_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(room_${name} PUBLIC ${ARG_ROOMS} ${ARG_LIBS} PRIVATE fluxmetrics_options)
    fluxmetrics_batched(room_${name})
  else()
    add_library(room_${name} INTERFACE)
    target_include_directories(room_${name} INTERFACE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(room_${name} INTERFACE ${ARG_ROOMS} ${ARG_LIBS})
  endif()
endfunction()

# The unit tests of one room: tests/unit/NAME/*.cpp become the ctest entry NAME.
#
#   fluxmetrics_unit_tests(flux)
#
# APART: its sources share names, and are compiled one by one even where others are batched.
function(fluxmetrics_unit_tests name)
  cmake_parse_arguments(ARG "APART" "" "ROOMS" ${ARGN})
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
  if(NOT ARG_APART)
    fluxmetrics_batched(test_${name})
  endif()
  target_compile_definitions(test_${name} PRIVATE TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data")
  add_test(NAME ${name} COMMAND test_${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()
