# mr_embed(<symbol> <file.c> <directory>): the files below a directory as a C table
#
#     const struct mr_embedded SYMBOL[] = { { "c/src/order.c", bytes, size }, ..., { 0 } };
#
# A name that begins with "dot." stands for one with a dot, which tools like to leave out.
function(mr_embed symbol output directory)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${directory} ${directory}/*)
  list(SORT files)
  set(paths)
  foreach(file IN LISTS files)
    list(APPEND paths ${directory}/${file})
  endforeach()
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DSYMBOL=${symbol} -DOUTPUT=${output} -DDIRECTORY=${directory}
            "-DFILES=${files}" -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${paths} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    VERBATIM)
endfunction()
