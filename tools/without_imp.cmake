# No IMP: the core as a static library, then either the Python extension
# (built by scikit-build-core) or the C++ tests of the core.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# Headers are spelled <IMP/emgmm/internal/x.h> in every build; this link makes the path.
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include/IMP/emgmm)
file(CREATE_LINK ${CMAKE_SOURCE_DIR}/include/internal
     ${CMAKE_BINARY_DIR}/include/IMP/emgmm/internal SYMBOLIC)

find_package(Threads REQUIRED)
file(GLOB core_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/internal/*.cpp)
add_library(emgmm_core STATIC ${core_sources})
target_include_directories(emgmm_core PUBLIC ${CMAKE_BINARY_DIR}/include)
target_link_libraries(emgmm_core PUBLIC Threads::Threads)
# The result must not depend on the instruction set beyond rounding: no -ffast-math.
target_compile_options(emgmm_core PRIVATE -O3 -Wall -Wextra -Wno-psabi)

if(SKBUILD)
  find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.Module)
  find_package(nanobind CONFIG REQUIRED)
  file(GLOB binding_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/pyext/bind*.cpp)
  nanobind_add_module(_core NB_STATIC ${binding_sources})
  target_link_libraries(_core PRIVATE emgmm_core)
  install(TARGETS _core LIBRARY DESTINATION emgmm)
else()
  enable_testing()
  file(GLOB core_tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/test/*test_core_*.cpp)
  foreach(source ${core_tests})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/test)
    target_link_libraries(${name} PRIVATE emgmm_core)
    add_test(NAME ${name} COMMAND ${name})
  endforeach()
endif()
