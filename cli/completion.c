/*
 * millrace completion: what a shell needs to complete our verbs and their options.
 *
 * The script asks the program itself (`millrace completion --list VERB`), so it is never older
 * than the program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <argp.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "cli/verb.h"

enum { LIST = 256 };

static const struct argp_option options[] = {
    { "list", LIST, "VERB", OPTION_HIDDEN, NULL, 0 },
    { 0 },
};

struct flags {
    const char *shell, *verb;
};

static const char *const scripts[][2] = {
    { "bash",
      "_millrace() {\n"
      "    local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]}\n"
      "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
      "        COMPREPLY=($(compgen -W \"$(millrace completion --list '')\" -- \"$word\"))\n"
      "    elif [ \"${word:0:1}\" = - ]; then\n"
      "        COMPREPLY=($(compgen -W \"$(millrace completion --list \"$verb\")\" -- "
      "\"$word\"))\n"
      "    else\n"
      "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
      "    fi\n"
      "}\n"
      "complete -o filenames -F _millrace millrace\n" },
    { "zsh", "autoload -U +X bashcompinit && bashcompinit\n"
             "source <(millrace completion bash)\n" },
    { "fish",
      "complete -c millrace -n '__fish_use_subcommand' -f -a \"(millrace completion --list "
      "'')\"\n"
      "complete -c millrace -n 'not __fish_use_subcommand' -a \"(millrace completion --list "
      "(commandline -opc)[2])\"\n" },
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    struct flags *flags = state->input;
    switch (key) {
    case LIST:
        flags->verb = arg;
        return 0;
    case ARGP_KEY_ARG:
        flags->shell = arg;
        return 0;
    case ARGP_KEY_END:
        if (flags->shell == NULL && flags->verb == NULL) {
            argp_error(state, "for which shell? bash, zsh or fish");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The verb's own --help, and of each line the words that begin with "--". */
static int
list_options(const char *name)
{
    const struct mr_verb *verb = mr_verb_find(name);
    int ends[2];
    if (verb == NULL || pipe(ends) < 0) {
        return MR_EXIT_OK;
    }
    pid_t pid = fork();
    if (pid == 0) {
        char *words[] = { mr_format("millrace %s", name), mr_strdup("--help"), NULL };
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        _exit(verb->run(2, words));
    }
    close(ends[1]);
    FILE *help = fdopen(ends[0], "r");
    char line[512];
    while (help != NULL && fgets(line, sizeof(line), help) != NULL) {
        size_t indent = strspn(line, " ");
        if (line[indent] != '-') {
            continue;
        }
        for (char *at = strstr(line, "--"); at != NULL; at = strstr(at + 2, "--")) {
            size_t size = strspn(at, "-abcdefghijklmnopqrstuvwxyz0123456789");
            printf("%.*s\n", (int)size, at);
            at += size > 2 ? size - 2 : 0;
        }
    }
    if (help != NULL) {
        fclose(help);
    }
    waitpid(pid, NULL, 0);
    return MR_EXIT_OK;
}

int
mr_verb_completion(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "bash|zsh|fish",
        .doc =
            "Print a script that completes our verbs and options in your shell.\v"
            "For bash: source <(millrace completion bash). For fish: millrace completion fish "
            "> ~/.config/fish/completions/millrace.fish",
    };
    struct flags flags = { 0 };
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    if (flags.verb != NULL && flags.verb[0] != '\0') {
        return list_options(flags.verb);
    }
    if (flags.verb != NULL) {
        for (const struct mr_verb *verb = mr_verbs(); verb->name != NULL; verb++) {
            puts(verb->name);
        }
        return MR_EXIT_OK;
    }
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        if (strcmp(scripts[i][0], flags.shell) == 0) {
            fputs(scripts[i][1], stdout);
            return MR_EXIT_OK;
        }
    }
    return mr_complain(MR_EXIT_USAGE, "\"%s\" is not a shell we know: bash, zsh or fish",
                       flags.shell);
}
