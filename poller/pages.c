#include "poller/pages.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"

struct mr_page {
    struct mr_page *next;
    struct mr_record_block *block;
    const struct mr_record *records;
    uint64_t first; /* position */
    size_t count, bytes;
};

static size_t
bytes_of(const struct mr_record *records, size_t count)
{
    size_t bytes = sizeof(struct mr_page) + count * sizeof(records[0]);
    for (size_t i = 0; i < count; i++) {
        bytes += records[i].sequence_number.size + records[i].partition_key.size +
                 records[i].data.size;
    }
    return bytes;
}

size_t
mr_pages_add(struct mr_pages *pages, const struct mr_record *records, size_t count,
             struct mr_record_block *block)
{
    struct mr_page *page = mr_alloc(sizeof(*page));
    *page = (struct mr_page){ .block = mr_record_block_ref(block),
                              .records = records,
                              .first = pages->end,
                              .count = count,
                              .bytes = bytes_of(records, count) };
    if (pages->last != NULL) {
        pages->last->next = page;
    } else {
        pages->first = page;
    }
    pages->last = page;
    pages->end += count;
    pages->bytes += page->bytes;
    return page->bytes;
}

const struct mr_record *
mr_pages_find(const struct mr_pages *pages, uint64_t position)
{
    const struct mr_page *page = pages->first;
    while (page != NULL && position >= page->first + page->count) {
        page = page->next;
    }
    mr_assert(page != NULL && position >= page->first);
    return &page->records[position - page->first];
}

size_t
mr_pages_release(struct mr_pages *pages, uint64_t position)
{
    size_t bytes = 0;
    while (pages->first != NULL && pages->first->first + pages->first->count <= position) {
        struct mr_page *page = pages->first;
        pages->first = page->next;
        bytes += page->bytes;
        mr_record_block_unref(page->block);
        free(page);
    }
    if (pages->first == NULL) {
        pages->last = NULL;
    }
    pages->bytes -= bytes;
    return bytes;
}

size_t
mr_pages_clear(struct mr_pages *pages)
{
    return mr_pages_release(pages, pages->end);
}
