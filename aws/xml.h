/*
 * xml: one element's text out of an answer of AWS's older protocols.
 *
 * SQS, SNS, S3 and STS answer in XML of which we want a word or two: no tree, no namespaces,
 * no validation. Takes any bytes.
 */
#ifndef MR_AWS_XML_H
#define MR_AWS_XML_H

#include "base/arena.h"
#include "base/slice.h"

/*
 * The text of the first element of that name, with its entities decoded: a view, or in the
 * arena when there were any. Absent when there is no such element.
 */
struct mr_slice mr_xml_text(struct mr_slice xml, const char *name, struct mr_arena *arena);

#endif
