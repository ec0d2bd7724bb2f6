# IMP found: its own CMake function builds the module IMP.emgmm from this tree.
if(POLICY CMP0058)
  cmake_policy(SET CMP0058 NEW)
endif()
set(SWIG_EXECUTABLE swig CACHE STRING "Swig program")

# The module must use the Python that IMP was built with: that of IMP's build tree, or the one
# installed in the same place (conda, Linux packages).
if(NOT DEFINED Python3_EXECUTABLE)
  if(EXISTS "${IMP_DIR}/CMakeCache.txt")
    load_cache(${IMP_DIR} READ_WITH_PREFIX IMP_CACHE_ Python3_EXECUTABLE _Python3_EXECUTABLE)
    foreach(found IN ITEMS "${IMP_CACHE__Python3_EXECUTABLE}" "${IMP_CACHE_Python3_EXECUTABLE}")
      if(EXISTS "${found}")
        set(Python3_EXECUTABLE "${found}")
      endif()
    endforeach()
  else()
    get_filename_component(found "${IMP_DIR}/../../../bin/python3" ABSOLUTE)
    if(EXISTS "${found}")
      set(Python3_EXECUTABLE "${found}")
    endif()
  endif()
endif()

include(${IMP_USE_FILE})
enable_testing()
set(LIBRARY_OUTPUT_PATH ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_MACOSX_RPATH 0)
include_directories(SYSTEM ${IMP_INCLUDE_DIR})
include_directories("${CMAKE_BINARY_DIR}/include")

imp_build_module(${CMAKE_SOURCE_DIR} emgmm)

include(tools/imp_scripts.cmake)
