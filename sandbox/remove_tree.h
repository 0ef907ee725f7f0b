/*
 * remove_tree: rm -r for directories a handler has written to.
 *
 * Goes by descriptors and follows no link, so nothing outside can be reached
 * whatever stands inside, even while it changes.
 */
#ifndef MR_SANDBOX_REMOVE_TREE_H
#define MR_SANDBOX_REMOVE_TREE_H

/* Removes `name` below `dir_fd` with all it holds, as far as it is allowed. */
void mr_remove_tree(int dir_fd, const char *name);

#endif
