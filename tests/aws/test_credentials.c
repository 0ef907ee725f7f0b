#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "aws/client.h"
#include "aws/credential_fetch.h"
#include "tests/aws/service.h"

enum { MAX_VARIABLES = 8 };

/* A machine: its environment, its files, and whoever hands credentials out on it. */
struct world {
    struct service service;
    struct mr_credential_chain *chain;
    const char *names[MAX_VARIABLES], *values[MAX_VARIABLES];
    char home[32], path[64];
    const char *answer;
    int status;
    int asked;
    char seen[8][96]; /* "PUT /latest/api/token", ... */
    char seen_header[64];
    char seen_body[512];
    int ready;
    char error[256];
};

static const char *
get_env(const char *name, void *context)
{
    struct world *world = context;
    for (int i = 0; i < MAX_VARIABLES && world->names[i] != NULL; i++) {
        if (strcmp(world->names[i], name) == 0) {
            return world->values[i];
        }
    }
    return strcmp(name, "HOME") == 0 ? world->home : NULL;
}

static void
serve(struct mr_http_exchange *exchange, const struct mr_http_request *request, void *context)
{
    struct world *world = context;
    int place = world->asked < 7 ? world->asked : 7;
    snprintf(world->seen[place], sizeof(world->seen[0]), "%.*s %.*s",
             MR_SLICE_ARGS(request->method), MR_SLICE_ARGS(request->target));
    world->asked++;
    snprintf(world->seen_body, sizeof(world->seen_body), "%.*s", MR_SLICE_ARGS(request->body));
    struct mr_slice header = mr_http_request_header(request, "authorization");
    if (header.data == NULL) {
        header = mr_http_request_header(request, "x-aws-ec2-metadata-token");
    }
    snprintf(world->seen_header, sizeof(world->seen_header), "%.*s", MR_SLICE_ARGS(header));
    const char *body =
        mr_slice_is(request->path, "/latest/api/token") ? "the-token"
        : mr_slice_is(request->path, "/latest/meta-data/iam/security-credentials/")
            ? "my-role"
            : world->answer;
    service_answer(exchange, world->status, body, NULL);
}

static struct world *
new_world(void)
{
    struct world *world = mr_alloc_zero(1, sizeof(*world));
    snprintf(world->home, sizeof(world->home), "/tmp/mr-aws-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(world->home));
    world->status = 200;
    service_init(&world->service, serve, world);
    return world;
}

static void
start(struct world *world, bool local)
{
    world->chain = mr_credential_chain_new(
        &(struct mr_credential_chain_options){ .loop = world->service.loop,
                                               .http = world->service.http,
                                               .local = local,
                                               .get_env = get_env,
                                               .env_context = world });
}

static void
write_file(struct world *world, const char *name, const char *text)
{
    snprintf(world->path, sizeof(world->path), "%s/%s", world->home, name);
    FILE *file = fopen(world->path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void
end_world(struct world *world)
{
    mr_auto_free char *remove = mr_format("rm -rf %s", world->home);
    mr_credential_chain_free(world->chain);
    service_deinit(&world->service);
    ck_assert_int_eq(system(remove), 0);
    free(world);
}

static void
on_ready(const struct mr_error *err, void *context)
{
    struct world *world = context;
    world->ready++;
    snprintf(world->error, sizeof(world->error), "%s", err == NULL ? "" : err->text);
}

static const struct mr_credentials *
await(struct world *world)
{
    struct mr_credential_wait wait;
    int before = world->ready;
    mr_credential_chain_await(world->chain, &wait, on_ready, world);
    ck_assert_int_eq(world->ready, before);
    service_await(&world->service, &world->ready, before + 1);
    return mr_credential_chain_get(world->chain);
}

static void
set(struct world *world, const char *name, const char *value)
{
    int i = 0;
    while (world->names[i] != NULL) {
        i++;
    }
    world->names[i] = name;
    world->values[i] = value;
}

START_TEST(the_environment_comes_first)
{
    struct world *world = new_world();
    set(world, "AWS_ACCESS_KEY_ID", "A");
    set(world, "AWS_SECRET_ACCESS_KEY", "S");
    set(world, "AWS_SESSION_TOKEN", "T");
    set(world, "AWS_PROFILE", "missing");
    start(world, false);

    ck_assert_ptr_null(mr_credential_chain_get(world->chain));
    const struct mr_credentials *found = await(world);

    ck_assert_str_eq(found->access_key, "A");
    ck_assert_str_eq(found->secret_key, "S");
    ck_assert_str_eq(found->session_token, "T");
    ck_assert_str_eq(mr_credential_chain_origin(world->chain), "environment");
    end_world(world);
}
END_TEST

static const char credentials_file[] = "# mine\n"
                                       "[default]\n"
                                       "aws_access_key_id = D\r\n"
                                       "aws_secret_access_key=DS\n"
                                       "\n"
                                       "[other]\n"
                                       "aws_access_key_id = O\n"
                                       "aws_secret_access_key = OS\n"
                                       "aws_session_token = OT=\n";
static const char config_file[] = "[profile conf]\nregion = eu-west-1\n"
                                  "aws_access_key_id = C\naws_secret_access_key = CS\n"
                                  "s3 =\n  aws_access_key_id = nested\n"
                                  "[profile role]\nrole_arn = arn:aws:iam::1:role/r\n";

static const struct {
    const char *profile, *access, *secret, *token, *error;
} profiles[] = {
    { NULL, "D", "DS", NULL, "" },
    { "other", "O", "OS", "OT=", "" },
    { "conf", "C", "CS", NULL, "" },
    { "role", NULL, NULL, NULL, "AWS profile role: role_arn is not read here" },
    { "nobody", NULL, NULL, NULL, "AWS_PROFILE is nobody, which neither" },
};

START_TEST(a_profile_is_found_in_either_file_and_a_missing_one_is_said)
{
    struct world *world = new_world();
    char credentials[64], config[64];
    write_file(world, "credentials", credentials_file);
    snprintf(credentials, sizeof(credentials), "%s", world->path);
    write_file(world, "config", config_file);
    snprintf(config, sizeof(config), "%s", world->path);
    set(world, "AWS_SHARED_CREDENTIALS_FILE", credentials);
    set(world, "AWS_CONFIG_FILE", config);
    if (profiles[_i].profile != NULL) {
        set(world, "AWS_PROFILE", profiles[_i].profile);
    }
    start(world, true);

    const struct mr_credentials *found = await(world);

    if (profiles[_i].access == NULL) {
        ck_assert_ptr_null(found);
        ck_assert_ptr_nonnull(strstr(world->error, profiles[_i].error));
    } else {
        ck_assert_str_eq(found->access_key, profiles[_i].access);
        ck_assert_str_eq(found->secret_key, profiles[_i].secret);
        ck_assert_pstr_eq(found->session_token, profiles[_i].token);
    }
    end_world(world);
}
END_TEST

START_TEST(for_a_local_endpoint_made_up_ones_do)
{
    struct world *world = new_world();
    set(world, "AWS_EC2_METADATA_SERVICE_ENDPOINT", world->service.endpoint);
    start(world, true);

    const struct mr_credentials *found = await(world);

    ck_assert_ptr_nonnull(found);
    ck_assert_int_eq(world->asked, 0);
    end_world(world);
}
END_TEST

START_TEST(an_instance_is_asked_for_a_token_a_role_and_its_credentials)
{
    struct world *world = new_world();
    set(world, "AWS_EC2_METADATA_SERVICE_ENDPOINT", world->service.endpoint);
    world->answer = "{\"Code\":\"Success\",\"AccessKeyId\":\"I\",\"SecretAccessKey\":\"IS\","
                    "\"Token\":\"IT\",\"Expiration\":\"2999-01-01T00:00:00Z\"}";
    start(world, false);

    const struct mr_credentials *found = await(world);

    ck_assert_str_eq(world->seen[0], "PUT /latest/api/token");
    ck_assert_str_eq(world->seen[1], "GET /latest/meta-data/iam/security-credentials/");
    ck_assert_str_eq(world->seen[2], "GET /latest/meta-data/iam/security-credentials/my-role");
    ck_assert_str_eq(world->seen_header, "the-token");
    ck_assert_str_eq(found->access_key, "I");
    ck_assert_uint_eq(found->expires_ms, 32472144000000);
    end_world(world);
}
END_TEST

START_TEST(a_container_is_asked_with_its_token)
{
    struct world *world = new_world();
    char url[96];
    snprintf(url, sizeof(url), "%s/creds", world->service.endpoint);
    set(world, "AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    set(world, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic x");
    world->answer = "{\"AccessKeyId\":\"C\",\"SecretAccessKey\":\"CS\",\"Token\":\"CT\"}";
    start(world, false);

    const struct mr_credentials *found = await(world);

    ck_assert_str_eq(world->seen[0], "GET /creds");
    ck_assert_str_eq(world->seen_header, "Basic x");
    ck_assert_str_eq(found->session_token, "CT");
    end_world(world);
}
END_TEST

START_TEST(a_container_elsewhere_over_plain_http_is_refused)
{
    static const char *const urls[] = { "http://example.com/", "http://127.0.0.1@example.com/",
                                        "http://169.254.170.200/",
                                        "http://localhost.example/" };
    struct world *world = new_world();
    set(world, "AWS_CONTAINER_CREDENTIALS_FULL_URI", urls[_i]);
    start(world, false);

    ck_assert_ptr_null(await(world));

    ck_assert_ptr_nonnull(strstr(world->error, "neither https nor on this machine"));
    end_world(world);
}
END_TEST

START_TEST(a_web_identity_is_changed_for_credentials_by_sts)
{
    struct world *world = new_world();
    char token[64];
    write_file(world, "token", "ey.J\n");
    snprintf(token, sizeof(token), "%s", world->path);
    set(world, "AWS_WEB_IDENTITY_TOKEN_FILE", token);
    set(world, "AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/r");
    set(world, "AWS_ENDPOINT_URL_STS", world->service.endpoint);
    world->answer =
        "<AssumeRoleWithWebIdentityResponse><Credentials><AccessKeyId>W</AccessKeyId>"
        "<SecretAccessKey>W/S</SecretAccessKey><SessionToken>WT</SessionToken>"
        "<Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></X>";
    start(world, false);

    const struct mr_credentials *found = await(world);

    ck_assert_str_eq(
        world->seen_body,
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam"
        "%3A%3A123456789012%3Arole%2Fr&RoleSessionName=millrace&WebIdentityToken="
        "ey.J");
    ck_assert_str_eq(found->access_key, "W");
    ck_assert_str_eq(found->secret_key, "W/S");
    end_world(world);
}
END_TEST

static void
expiry(char text[200], time_t from_now)
{
    time_t end = time(NULL) + from_now;
    char date[32];
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime(&end));
    snprintf(text, 200,
             "{\"AccessKeyId\":\"K%ld\",\"SecretAccessKey\":\"S\",\"Expiration\":\"%s\"}",
             (long)from_now, date);
}

START_TEST(credentials_near_their_end_are_fetched_again_while_the_old_ones_serve)
{
    struct world *world = new_world();
    char url[96], answer[200];
    snprintf(url, sizeof(url), "%s/creds", world->service.endpoint);
    set(world, "AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    expiry(answer, 200);
    world->answer = answer;
    start(world, false);
    (void)await(world);
    int asked = world->asked;

    expiry(answer, 3600);
    ck_assert_str_eq(mr_credential_chain_get(world->chain)->access_key, "K200");
    for (int i = 0;
         i < 500 && strcmp(mr_credential_chain_get(world->chain)->access_key, "K3600"); i++) {
        mr_loop_run_once(world->service.loop, 10);
    }

    ck_assert_str_eq(mr_credential_chain_get(world->chain)->access_key, "K3600");
    ck_assert_int_ge(world->asked, asked);
    end_world(world);
}
END_TEST

START_TEST(when_no_new_ones_are_given_the_old_ones_are_used_on)
{
    struct world *world = new_world();
    char url[96], answer[200];
    snprintf(url, sizeof(url), "%s/creds", world->service.endpoint);
    set(world, "AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    expiry(answer, 30);
    world->answer = answer;
    start(world, false);
    world->status = 200;
    struct mr_credential_wait wait;
    mr_credential_chain_await(world->chain, &wait, on_ready, world);
    service_await(&world->service, &world->ready, 1);

    world->status = 500;
    ck_assert_ptr_null(mr_credential_chain_get(world->chain));
    const struct mr_credentials *found = await(world);

    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(found->access_key, "K30");
    end_world(world);
}
END_TEST

START_TEST(nothing_anywhere_is_a_sentence_that_says_what_to_set)
{
    struct world *world = new_world();
    set(world, "AWS_EC2_METADATA_DISABLED", "true");
    start(world, false);

    ck_assert_ptr_null(await(world));

    ck_assert_ptr_nonnull(strstr(world->error, "set AWS_ACCESS_KEY_ID"));
    end_world(world);
}
END_TEST

MR_SUITE("aws.credentials", MR_TEST(the_environment_comes_first),
         MR_TEST_LOOP(a_profile_is_found_in_either_file_and_a_missing_one_is_said, 5),
         MR_TEST(for_a_local_endpoint_made_up_ones_do),
         MR_TEST(an_instance_is_asked_for_a_token_a_role_and_its_credentials),
         MR_TEST(a_container_is_asked_with_its_token),
         MR_TEST_LOOP(a_container_elsewhere_over_plain_http_is_refused, 4),
         MR_TEST(a_web_identity_is_changed_for_credentials_by_sts),
         MR_TEST(credentials_near_their_end_are_fetched_again_while_the_old_ones_serve),
         MR_TEST(when_no_new_ones_are_given_the_old_ones_are_used_on),
         MR_TEST(nothing_anywhere_is_a_sentence_that_says_what_to_set))
