/*
 * list: a doubly linked list through a member of its elements.
 *
 * The head is a `struct mr_list`; elements embed one. An element is on at most
 * one list per member. Nothing is allocated.
 */
#ifndef MR_BASE_LIST_H
#define MR_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct mr_list {
    struct mr_list *next, *prev;
};

#define MR_CONTAINER_OF(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void
mr_list_init(struct mr_list *list)
{
    list->next = list->prev = list;
}

static inline bool
mr_list_empty(const struct mr_list *list)
{
    return list->next == list;
}

static inline void
mr_list_insert_before(struct mr_list *place, struct mr_list *node)
{
    node->prev = place->prev;
    node->next = place;
    place->prev->next = node;
    place->prev = node;
}

static inline void
mr_list_push_back(struct mr_list *list, struct mr_list *node)
{
    mr_list_insert_before(list, node);
}

static inline void
mr_list_push_front(struct mr_list *list, struct mr_list *node)
{
    mr_list_insert_before(list->next, node);
}

/* Safe on a node that is initialised and on no list. */
static inline void
mr_list_remove(struct mr_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    mr_list_init(node);
}

/* The body may remove `node`, and nothing else. */
#define MR_LIST_EACH(node, list)                                                              \
    for (struct mr_list *node = (list)->next, *node##_next = node->next; node != (list); \
         node = node##_next, node##_next = node->next)

#endif
