# mr_library(<room> SOURCES ... DEPENDS ...): one static library a folder.
#
# The library is called mr_<room>, with the alias mr::<room> that the others
# link. Its public include root is the repository, so an #include always names
# the room it comes from: #include "poller/batcher.h".
function(mr_library room)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(mr_${room} STATIC ${arg_SOURCES})
  add_library(mr::${room} ALIAS mr_${room})
  target_include_directories(mr_${room} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(mr_${room} PUBLIC ${arg_DEPENDS} PRIVATE mr_warnings ${arg_PRIVATE_DEPENDS})
endfunction()

# mr_program(<name> SOURCES ... DEPENDS ...): build/<preset>/bin/<name>.
function(mr_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE mr_warnings ${arg_DEPENDS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
endfunction()

# mr_test(<room>/<name> DEPENDS ...): tests/<room>/test_<name>.c as one ctest.
# Call it from tests/<room>/CMakeLists.txt.
function(mr_test path)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  cmake_path(GET path PARENT_PATH room)
  cmake_path(GET path FILENAME name)
  add_executable(test_${room}_${name} ${PROJECT_SOURCE_DIR}/tests/${room}/test_${name}.c
                 ${arg_SOURCES})
  target_include_directories(test_${room}_${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(test_${room}_${name} PRIVATE mr_warnings mr_suite ${arg_DEPENDS})
  add_test(NAME ${room}.${name} COMMAND test_${room}_${name})
  set_tests_properties(${room}.${name} PROPERTIES LABELS unit TIMEOUT 120)
endfunction()

# mr_fuzz(<room>/<name> DEPENDS ...): tests/fuzz/<room>_<name>.c as a libFuzzer target fuzz_<room>_<name>,
# with an optional seed corpus in tests/fuzz/corpus/<room>_<name>/. Without MR_FUZZ nothing is built.
function(mr_fuzz path)
  if(NOT MR_FUZZ)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  string(REPLACE "/" "_" name ${path})
  add_executable(fuzz_${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/${name}.c ${arg_SOURCES})
  target_include_directories(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(fuzz_${name} PRIVATE mr_warnings ${arg_DEPENDS})
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
  if(NOT TARGET fuzz_targets)
    add_custom_target(fuzz_targets) # all of them and nothing else
  endif()
  add_dependencies(fuzz_targets fuzz_${name})
endfunction()
