#include "aws/credentials.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"

void
mr_credentials_init(struct mr_credentials *credentials, const char *access_key,
                    const char *secret_key, const char *session_token)
{
    *credentials = (struct mr_credentials){
        .access_key = mr_strdup(access_key),
        .secret_key = mr_strdup(secret_key),
        .session_token = mr_strdup(session_token),
    };
}

int
mr_credentials_init_env(struct mr_credentials *credentials, struct mr_error *err)
{
    const char *access_key = getenv("AWS_ACCESS_KEY_ID");
    const char *secret_key = getenv("AWS_SECRET_ACCESS_KEY");
    const char *token = getenv("AWS_SESSION_TOKEN");

    if (access_key == NULL || access_key[0] == '\0' || secret_key == NULL ||
        secret_key[0] == '\0') {
        return mr_fail(err, -ENOENT,
                       "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    }
    mr_credentials_init(credentials, access_key, secret_key,
                        token != NULL && token[0] != '\0' ? token : NULL);
    return 0;
}

static void
wipe(char *text)
{
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
        free(text);
    }
}

void
mr_credentials_deinit(struct mr_credentials *credentials)
{
    wipe(credentials->access_key);
    wipe(credentials->secret_key);
    wipe(credentials->session_token);
    *credentials = (struct mr_credentials){ 0 };
}
