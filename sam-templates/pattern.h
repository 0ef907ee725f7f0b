/*
 * pattern: does a text match a regular expression of a template?
 *
 * The usual half of Java's: literals, `.`, classes with ranges, \d \w \s and
 * their opposites, groups, alternatives, * + ? {m,n}, anchors. It runs all
 * alternatives side by side, so no pattern takes longer than its length times
 * that of the text. The whole text must match, as AllowedPattern wants it.
 */
#ifndef MR_SAM_TEMPLATES_PATTERN_H
#define MR_SAM_TEMPLATES_PATTERN_H

#include "base/arena.h"
#include "base/slice.h"

enum mr_pattern_result {
    MR_PATTERN_MATCHES,
    MR_PATTERN_DIFFERS,
    MR_PATTERN_NOT_UNDERSTOOD, /* lookarounds, back references, or too large */
};

enum mr_pattern_result mr_pattern_match(struct mr_arena *arena, struct mr_slice pattern,
                                        struct mr_slice text);

#endif
