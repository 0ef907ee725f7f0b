#include "aws/profile.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/auto.h"

enum { MAX_FILE = 1024 * 1024 };

static bool
is_section_of(struct mr_slice line, struct mr_slice name, enum mr_profile_section section)
{
    static const char *const prefixes[] = { "", "profile ", "sso-session " };
    struct mr_slice prefix = mr_slice_str(prefixes[section]);
    struct mr_slice title = mr_slice_trim(mr_slice_of(line.data + 1, line.size - 2));
    if (section == MR_SECTION_CONFIG && mr_slice_is(name, "default") &&
        mr_slice_is(title, "default")) {
        return true;
    }
    return mr_slice_starts_with(title, prefix) &&
           mr_slice_eq(mr_slice_trim(mr_slice_from(title, prefix.size)), name);
}

static void
set(struct mr_slice *member, struct mr_slice value)
{
    if (member->data == NULL) {
        *member = value;
    }
}

static void
take(struct mr_profile *profile, struct mr_slice key, struct mr_slice value)
{
    const struct {
        const char *key;
        struct mr_slice *member;
    } known[] = {
        { "aws_access_key_id", &profile->access_key },
        { "aws_secret_access_key", &profile->secret_key },
        { "aws_session_token", &profile->session_token },
        { "region", &profile->region },
        { "endpoint_url", &profile->endpoint_url },
        { "role_arn", &profile->role_arn },
        { "source_profile", &profile->source_profile },
        { "credential_source", &profile->credential_source },
        { "web_identity_token_file", &profile->web_identity_token_file },
        { "role_session_name", &profile->role_session_name },
        { "external_id", &profile->external_id },
        { "duration_seconds", &profile->duration_seconds },
        { "sso_session", &profile->sso_session },
        { "sso_start_url", &profile->sso_start_url },
        { "sso_region", &profile->sso_region },
        { "sso_account_id", &profile->sso_account_id },
        { "sso_role_name", &profile->sso_role_name },
        { "credential_process", &profile->credential_process },
        { "mfa_serial", &profile->mfa_serial },
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (mr_slice_eq_nocase(key, mr_slice_str(known[i].key))) {
            set(known[i].member, value);
        }
    }
}

void
mr_profile_parse(struct mr_slice text, struct mr_slice name, enum mr_profile_section section,
                 struct mr_profile *profile)
{
    bool ours = false;
    while (text.data != NULL) {
        struct mr_slice line = mr_slice_cut(&text, '\n');
        if (line.size > 0 && line.data[line.size - 1] == '\r') {
            line.size--;
        }
        bool indented = line.size > 0 && (line.data[0] == ' ' || line.data[0] == '\t');
        struct mr_slice value = mr_slice_trim(line);
        if (value.size == 0 || value.data[0] == '#' || value.data[0] == ';' || indented) {
            continue;
        }
        if (value.data[0] == '[') {
            ours = value.size >= 2 && value.data[value.size - 1] == ']' &&
                   is_section_of(value, name, section);
            profile->found |= ours;
            continue;
        }
        struct mr_slice key = mr_slice_cut(&value, '=');
        if (ours && value.data != NULL) {
            take(profile, mr_slice_trim(key), mr_slice_trim(value));
        }
    }
}

struct mr_slice
mr_profile_read_file(const char *path, struct mr_arena *arena)
{
    mr_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct mr_slice none = { NULL, 0 };
    off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    if (size < 0 || size > MAX_FILE) {
        return none;
    }
    uint8_t *data = mr_arena_alloc(arena, (size_t)size + 1);
    ssize_t got = pread(fd, data, (size_t)size, 0);
    return got < 0 ? none : mr_slice_of(data, (size_t)got);
}

void
mr_profile_read(struct mr_slice name, mr_get_env_fn *get_env, void *env_context,
                struct mr_arena *arena, struct mr_profile *out_profile)
{
    const char *home = get_env("HOME", env_context);
    const char *paths[] = { get_env("AWS_SHARED_CREDENTIALS_FILE", env_context),
                            get_env("AWS_CONFIG_FILE", env_context) };
    const char *const below_home[] = { ".aws/credentials", ".aws/config" };

    *out_profile = (struct mr_profile){ 0 };
    for (int i = MR_SECTION_CREDENTIALS; i <= MR_SECTION_CONFIG; i++) {
        if (paths[i] == NULL || paths[i][0] == '\0') {
            paths[i] =
                home == NULL ? NULL : mr_arena_printf(arena, "%s/%s", home, below_home[i]);
        }
        if (paths[i] == NULL) {
            continue;
        }
        struct mr_slice text = mr_profile_read_file(paths[i], arena);
        mr_profile_parse(text, name, (enum mr_profile_section)i, out_profile);
        if (i == MR_SECTION_CONFIG && out_profile->sso_session.size > 0) {
            mr_profile_parse(text, out_profile->sso_session, MR_SECTION_SSO_SESSION,
                             out_profile);
        }
    }
}
