# IMP found: its own CMake function builds the module IMP.emgmm from this tree.
if(POLICY CMP0058)
  cmake_policy(SET CMP0058 NEW)
endif()
set(SWIG_EXECUTABLE swig CACHE STRING "Swig program")

include(${IMP_USE_FILE})
enable_testing()
set(LIBRARY_OUTPUT_PATH ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_MACOSX_RPATH 0)
include_directories(SYSTEM ${IMP_INCLUDE_DIR})
include_directories("${CMAKE_BINARY_DIR}/include")

imp_build_module(${CMAKE_SOURCE_DIR} emgmm)
