# No IMP: the core as a static library, then either the Python extension
# (built by scikit-build-core) or the C++ tests of the core.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# Errors of memory, arithmetic and threads are looked for while the code runs (make sanitize).
set(EMGMM_SANITIZE "" CACHE STRING "What -fsanitize= takes: address,undefined or thread")
set(optimization -O3)
if(EMGMM_SANITIZE)
  set(optimization -O1)
  add_compile_options(-fsanitize=${EMGMM_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer -g1 ${optimization} -D_GLIBCXX_ASSERTIONS)
  add_link_options(-fsanitize=${EMGMM_SANITIZE})
endif()

find_package(Threads REQUIRED)
file(GLOB_RECURSE core_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/core/*.cpp)
add_library(emgmm_core STATIC ${core_sources})
target_include_directories(emgmm_core PUBLIC ${CMAKE_SOURCE_DIR}/src/core)
target_link_libraries(emgmm_core PUBLIC Threads::Threads)
# The result must not depend on the instruction set beyond rounding: no -ffast-math.
target_compile_options(emgmm_core PRIVATE ${optimization} -Wall -Wextra -Wno-psabi)

if(SKBUILD)
  find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.Module)
  find_package(nanobind CONFIG REQUIRED)
  file(GLOB binding_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/pyext/bind*.cpp)
  nanobind_add_module(_core NB_STATIC ${binding_sources})
  target_link_libraries(_core PRIVATE emgmm_core)
  install(TARGETS _core LIBRARY DESTINATION emgmm)
  # What editors and type checkers see of the extension.
  nanobind_add_stub(_core_stub MODULE _core OUTPUT ${CMAKE_BINARY_DIR}/_core.pyi
                    PYTHON_PATH $<TARGET_FILE_DIR:_core> DEPENDS _core)
  install(FILES ${CMAKE_BINARY_DIR}/_core.pyi DESTINATION emgmm)
endif()

if(NOT SKBUILD OR EMGMM_SANITIZE)
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
