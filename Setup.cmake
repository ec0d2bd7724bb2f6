# IMP reads this before src/: the core joins the library of IMP.emgmm. IMP itself looks for sources
# in src/ alone.
file(GLOB_RECURSE IMP_emgmm_LIBRARY_EXTRA_SOURCES CONFIGURE_DEPENDS
     ${CMAKE_CURRENT_LIST_DIR}/src/core/*.cpp)
include_directories(${CMAKE_CURRENT_LIST_DIR}/src/core)
