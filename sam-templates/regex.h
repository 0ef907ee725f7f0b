/*
 * regex: does a text match a regular expression of a template?
 *
 * The usual half of Java's: literals, `.`, classes with ranges, \d \w \s and
 * their opposites, groups, alternatives, * + ? {m,n}, anchors. It runs all
 * alternatives side by side, so no pattern takes longer than its length times
 * that of the text. The whole text must match, as AllowedPattern wants it.
 */
#ifndef MR_SAM_TEMPLATES_REGEX_H
#define MR_SAM_TEMPLATES_REGEX_H

#include "base/arena.h"
#include "base/slice.h"

enum mr_regex_result {
    MR_REGEX_MATCHES,
    MR_REGEX_DIFFERS,
    MR_REGEX_NOT_UNDERSTOOD, /* lookarounds, back references, or too large */
};

enum mr_regex_result mr_regex_match(struct mr_arena *arena, struct mr_slice pattern,
                                    struct mr_slice text);

#endif
