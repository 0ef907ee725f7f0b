/* millrace doctor: what this host can isolate, and what would give it more. */
#include <stdio.h>

#include <argp.h>

#include "base/auto.h"
#include "cli/verb.h"
#include "harness/doctor.h"

static const struct argp argp = {
    .doc = "What this host can isolate, what is missing, and how to get it.\v"
           "It starts a millrace-sandboxd, asks what it found, and ends it. The levels: L1 has "
           "namespaces and cgroups; L2, an ordinary user's, has no cgroups; L3 has neither and "
           "leans on Landlock, seccomp and resource limits.",
};

int
mr_verb_doctor(int argc, char **argv)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_error err;

    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    if (mr_doctor_write(&buf, &err) < 0) {
        return mr_complain(MR_EXIT_CANNOT, "%s", err.text);
    }
    fputs(mr_buf_cstr(&buf), stdout);
    return MR_EXIT_OK;
}
