# IMP makes a test of every script in examples/ and benchmark/. Those of the pip package need that
# package, which IMP's Python need not have; pytest runs them.
file(GLOB_RECURSE scripts RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}
     ${CMAKE_CURRENT_SOURCE_DIR}/examples/*.py ${CMAKE_CURRENT_SOURCE_DIR}/benchmark/*.py)
set(ignored "list(APPEND CTEST_CUSTOM_TESTS_IGNORE")
foreach(script ${scripts})
  get_filename_component(name ${script} NAME)
  if(NOT name MATCHES "^imp_")
    string(APPEND ignored " IMP.emgmm-${name}")
  endif()
endforeach()
string(APPEND ignored ")\n")
set(custom ${CMAKE_BINARY_DIR}/CTestCustom.cmake)
if(CMAKE_SOURCE_DIR STREQUAL CMAKE_CURRENT_SOURCE_DIR)
  file(WRITE ${custom} "${ignored}")
elseif(NOT CMAKE_VERSION VERSION_LESS 3.19)
  # IMP writes this file itself, after its modules.
  cmake_language(EVAL CODE "cmake_language(DEFER DIRECTORY [[${CMAKE_SOURCE_DIR}]] CALL
                            file APPEND [[${custom}]] [[${ignored}]])")
endif()
