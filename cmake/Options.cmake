# Compile options of every target of this project, kept in one interface target.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

# Rooms as shared libraries: after an edit the program need not be linked again. Precompiled headers must then fit both.
if(BUILD_SHARED_LIBS)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # What ccache's manual asks for with precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

add_library(fluxmetrics_options INTERFACE)
target_compile_options(fluxmetrics_options INTERFACE
  -Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Wold-style-cast -Wcast-align -Woverloaded-virtual
  -Wconversion -Wsign-conversion -Wformat=2 -Wimplicit-fallthrough
  # GCC 12 at -O2 takes members of a returned aggregate for uninitialised; ASan and the tests look for real ones.
  -Wno-maybe-uninitialized
  # It also takes a coroutine frame's operator new and delete, both Asio's, for a mismatched pair.
  -Wno-mismatched-new-delete
  # And at -O2 the growth of a std::string for an overflow.
  -Wno-stringop-overflow
  # The compiler's own memory is collected when it is large only: a fifth of a debug build went into that.
  "SHELL:--param ggc-min-heapsize=1000000"
  # HPA arithmetic and packing compare doubles with Go's: no fused multiply-add.
  -ffp-contract=off
  $<$<BOOL:${FLUXMETRICS_PRECOMPILED}>:-fpch-preprocess>
  # In a batch the names of other sources would be shadowed.
  $<$<NOT:$<BOOL:${FLUXMETRICS_BATCHED}>>:-Wshadow>
  $<$<BOOL:${FLUXMETRICS_WERROR}>:-Werror>
  ${FLUXMETRICS_OPTIONS})
target_link_options(fluxmetrics_options INTERFACE ${FLUXMETRICS_LINK_OPTIONS})
target_compile_definitions(fluxmetrics_options INTERFACE
  # Asio's and Beast's non-template code is compiled once (base/asio.cpp, http/beast.cpp), not in every file.
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_BEAST_SEPARATE_COMPILATION)
