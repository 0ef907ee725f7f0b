/*
 * verb: what `millrace` can be asked to do, one file a subcommand.
 *
 * `cli/put.c` defines mr_verb_put; a row in main.c's table makes it `millrace
 * put`. A verb gets argv[0] = "millrace put", parses the rest with argp, writes
 * its result to stdout and one line about a failure to stderr, and returns the
 * exit code.
 */
#ifndef MR_CLI_VERB_H
#define MR_CLI_VERB_H

struct mr_verb {
    const char *name;
    const char *summary; /* a line of `millrace --help`, without a full stop */
    int (*run)(int argc, char **argv);
};

/* Exit codes, the same for every verb. */
enum mr_exit {
    MR_EXIT_OK = 0,
    MR_EXIT_FAILED = 1, /* what was asked for did not work out; of `test`: a case failed */
    MR_EXIT_USAGE = 2,  /* a flag or argument we do not understand */
    MR_EXIT_TEMPLATE = 3,
    MR_EXIT_BUILD = 4,
    MR_EXIT_CANNOT = 78, /* sysexits: this host or configuration does not allow it */
    MR_EXIT_INTERRUPTED = 130,
};

/*
 * "millrace put: stream orders is not there; millrace streams lists them", to stderr.
 * Returns `exit_code`, so that a failing branch is one line.
 */
int mr_complain(int exit_code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The row of that name, or NULL. main.c's table, for completion and help. */
const struct mr_verb *mr_verb_find(const char *name);
/* The table itself, ended by a row without a name. */
const struct mr_verb *mr_verbs(void);

/* The verb nearest to a misspelt one, or NULL when none is near. */
const char *mr_verb_suggest(const char *name);

int mr_verb_up(int argc, char **argv);
int mr_verb_streams(int argc, char **argv);
int mr_verb_init(int argc, char **argv);
int mr_verb_invoke(int argc, char **argv);
int mr_verb_config(int argc, char **argv);
int mr_verb_completion(int argc, char **argv);
int mr_verb_status(int argc, char **argv);
int mr_verb_seek(int argc, char **argv);
int mr_verb_logs(int argc, char **argv);
int mr_verb_dlq(int argc, char **argv);
int mr_verb_replay(int argc, char **argv);
int mr_verb_build(int argc, char **argv);
int mr_verb_faults(int argc, char **argv);
int mr_verb_check(int argc, char **argv);
int mr_verb_env(int argc, char **argv);
int mr_verb_explain(int argc, char **argv);
int mr_verb_put(int argc, char **argv);
int mr_verb_generate_event(int argc, char **argv);
int mr_verb_tail(int argc, char **argv);
int mr_verb_sandbox(int argc, char **argv);
int mr_verb_doctor(int argc, char **argv);
int mr_verb_template(int argc, char **argv);
int mr_verb_test(int argc, char **argv);

#endif
