#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "aws/client.h"
#include "aws/credential_chain.h"
#include "tests/aws/service.h"

enum { MAX_VARIABLES = 8 };

/* A machine: its environment, its files, and whoever hands credentials out on it. */
struct world {
    struct service service;
    struct mr_credential_chain *chain;
    const char *names[MAX_VARIABLES], *values[MAX_VARIABLES];
    char home[32], path[160];
    const char *answer, *sso_answer, *instance_answer;
    int status;
    int asked;
    char seen[8][128]; /* "PUT /latest/api/token", ... */
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
    if (header.data == NULL) {
        header = mr_http_request_header(request, "x-amz-sso_bearer_token");
    }
    snprintf(world->seen_header, sizeof(world->seen_header), "%.*s", MR_SLICE_ARGS(header));
    const char *body =
        mr_slice_is(request->path, "/latest/api/token") ? "the-token"
        : mr_slice_is(request->path, "/latest/meta-data/iam/security-credentials/") ? "my-role"
        : mr_slice_is(request->path, "/federation/credentials") ? world->sso_answer
        : world->instance_answer != NULL &&
                mr_slice_starts_with(request->path, MR_SLICE("/latest/"))
            ? world->instance_answer
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
    { "role", "millrace", "millrace", NULL, "" }, /* nobody is asked for a local endpoint */
    { "nobody", NULL, NULL, NULL, "AWS_PROFILE is nobody, which neither" },
};

START_TEST(a_profile_is_found_in_either_file_and_a_missing_one_is_said)
{
    struct world *world = new_world();
    char credentials[160], config[160];
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

/* Profiles that others must be asked for; STS, single sign-on and the instance are ours. */
static const char ways[] =
    "[default]\naws_access_key_id = D\naws_secret_access_key = DS\n"
    "[profile by-keys]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = default\n"
    "region = eu-west-1\nexternal_id = x/1\nrole_session_name = me\nduration_seconds = 900\n"
    "[profile signed-on]\nsso_session = corp\nsso_account_id = 123456789012\n"
    "sso_role_name = Dev Ops\n"
    "[sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = eu-north-1\n"
    "[profile by-sso]\nrole_arn = arn:aws:iam::1:role/s\nsource_profile = signed-on\n"
    "[profile by-instance]\nrole_arn = arn:aws:iam::1:role/i\n"
    "credential_source = Ec2InstanceMetadata\n"
    "[profile by-nobody]\nrole_arn = arn:aws:iam::1:role/n\nsource_profile = nobody\n"
    "[profile by-env]\nrole_arn = arn:aws:iam::1:role/n\ncredential_source = Environment\n"
    "[profile mfa]\nrole_arn = arn:aws:iam::1:role/n\nsource_profile = default\n"
    "mfa_serial = arn:aws:iam::1:mfa/me\n"
    "[profile half-sso]\nsso_start_url = https://corp.example/start\nsso_region = eu-north-1\n"
    "[profile process]\ncredential_process = /bin/keys\n";

/* SHA-1 of "corp" names the file. */
static const char login_file[] = "ee0bfd2552fbd840c02cc48b6e823320543c450f";

static const char role_answer[] =
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>R</AccessKeyId>"
    "<SecretAccessKey>RS</SecretAccessKey><SessionToken>RT</SessionToken>"
    "<Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></X>";

static struct world *
new_world_of_profile(const char *profile, const char *login)
{
    struct world *world = new_world();
    static char config[160];
    char path[200];
    world->answer = role_answer;
    world->sso_answer =
        "{\"roleCredentials\":{\"accessKeyId\":\"O\",\"secretAccessKey\":\"OS\","
        "\"sessionToken\":\"OT\",\"expiration\":32472144000000}}";
    world->instance_answer =
        "{\"AccessKeyId\":\"I\",\"SecretAccessKey\":\"IS\",\"Token\":\"IT\"}";
    write_file(world, "config", ways);
    snprintf(config, sizeof(config), "%s", world->path);
    if (login != NULL) {
        snprintf(path, sizeof(path), "mkdir -p %s/.aws/sso/cache", world->home);
        ck_assert_int_eq(system(path), 0);
        snprintf(path, sizeof(path), ".aws/sso/cache/%s.json", login_file);
        write_file(world, path, login);
    }
    set(world, "AWS_CONFIG_FILE", config);
    set(world, "AWS_PROFILE", profile);
    set(world, "AWS_ENDPOINT_URL_STS", world->service.endpoint);
    set(world, "AWS_ENDPOINT_URL_SSO", world->service.endpoint);
    set(world, "AWS_EC2_METADATA_SERVICE_ENDPOINT", world->service.endpoint);
    start(world, false);
    return world;
}

static const char login[] = "{\"accessToken\":\"tok\",\"expiresAt\":\"2999-01-01T00:00:00Z\","
                            "\"region\":\"eu-north-1\"}";
static const char old_login[] =
    "{\"accessToken\":\"tok\",\"expiresAt\":\"2020-01-01T00:00:00Z\"}";

START_TEST(a_profiles_role_is_assumed_with_another_profiles_keys)
{
    struct world *world = new_world_of_profile("by-keys", NULL);
    const char *signed_by = "AWS4-HMAC-SHA256 Credential=D/";

    const struct mr_credentials *found = await(world);

    ck_assert_str_eq(world->error, "");
    ck_assert_str_eq(found->access_key, "R");
    ck_assert_str_eq(found->session_token, "RT");
    ck_assert_uint_eq(found->expires_ms, 32472144000000);
    ck_assert_str_eq(
        world->seen_body,
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&"
        "RoleSessionName=me&DurationSeconds=900&ExternalId=x%2F1");
    ck_assert_ptr_eq(strstr(world->seen_header, signed_by), world->seen_header);
    ck_assert_ptr_nonnull(strstr(world->seen_header, "/eu-west-1/sts/"));
    end_world(world);
}
END_TEST

START_TEST(who_is_signed_on_gets_credentials)
{
    struct world *world = new_world_of_profile("signed-on", login);

    const struct mr_credentials *found = await(world);

    ck_assert_str_eq(world->error, "");
    ck_assert_str_eq(world->seen[0],
                     "GET /federation/credentials?role_name=Dev%20Ops&account_id=123456789012");
    ck_assert_str_eq(world->seen_header, "tok");
    ck_assert_str_eq(found->access_key, "O");
    ck_assert_uint_eq(found->expires_ms, 32472144000000);
    ck_assert_str_eq(mr_credential_chain_origin(world->chain), "single sign-on");
    end_world(world);
}
END_TEST

static const struct {
    const char *profile, *first, *signed_by;
    int asked;
} sources[] = {
    { "by-sso", "GET /federation/", "AWS4-HMAC-SHA256 Credential=O/", 2 },
    { "by-instance", "PUT /latest/api/token", "AWS4-HMAC-SHA256 Credential=I/", 4 },
};

START_TEST(a_role_is_assumed_with_credentials_that_are_fetched_first)
{
    struct world *world = new_world_of_profile(sources[_i].profile, login);

    const struct mr_credentials *found = await(world);

    ck_assert_str_eq(world->error, "");
    ck_assert_str_eq(found->access_key, "R");
    ck_assert_int_eq(world->asked, sources[_i].asked);
    ck_assert_ptr_eq(strstr(world->seen[0], sources[_i].first), world->seen[0]);
    ck_assert_ptr_eq(strstr(world->seen_header, sources[_i].signed_by), world->seen_header);
    end_world(world);
}
END_TEST

static const struct {
    const char *profile, *login, *error;
} failures[] = {
    { "signed-on", NULL, "AWS profile signed-on: nobody is signed on, or no longer" },
    { "signed-on", old_login, "run aws sso login" },
    { "signed-on", "{\"accessToken\":5}", "run aws sso login" },
    { "by-sso", NULL, "nobody is signed on" },
    { "by-nobody", NULL, "source_profile nobody has neither keys nor single sign-on" },
    { "by-env", NULL, "credential_source Environment gives nothing" },
    { "mfa", NULL, "nobody is here to type a code" },
    { "half-sso", NULL, "sso_account_id" },
    { "process", NULL, "AWS profile process: credential_process is not read here" },
};

START_TEST(a_profile_that_leads_nowhere_says_why)
{
    struct world *world = new_world_of_profile(failures[_i].profile, failures[_i].login);

    ck_assert_ptr_null(await(world));

    ck_assert_msg(strstr(world->error, failures[_i].error) != NULL, "%s", world->error);
    ck_assert_int_eq(world->asked, 0);
    end_world(world);
}
END_TEST

START_TEST(a_role_that_may_not_be_assumed_is_told_in_the_words_of_sts)
{
    struct world *world = new_world_of_profile("by-keys", NULL);
    world->status = 403;
    world->answer = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you"
                    "</Message></Error></ErrorResponse>";

    ck_assert_ptr_null(await(world));

    ck_assert_str_eq(world->error, "ask STS for credentials: status 403: not you");
    end_world(world);
}
END_TEST

START_TEST(a_role_is_assumed_again_near_its_end)
{
    struct world *world = new_world_of_profile("by-keys", NULL);
    char answer[2][400], date[32];
    for (int i = 0; i < 2; i++) {
        time_t end = time(NULL) + (i == 0 ? 200 : 3600);
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime(&end));
        snprintf(answer[i], sizeof(answer[i]),
                 "<X><AccessKeyId>R%d</AccessKeyId><SecretAccessKey>S</SecretAccessKey>"
                 "<Expiration>%s</Expiration></X>",
                 i, date);
    }
    world->answer = answer[0];
    ck_assert_str_eq(await(world)->access_key, "R0");

    world->answer = answer[1];
    for (int i = 0;
         i < 500 && strcmp(mr_credential_chain_get(world->chain)->access_key, "R1") != 0; i++) {
        mr_loop_run_once(world->service.loop, 10);
    }

    ck_assert_str_eq(mr_credential_chain_get(world->chain)->access_key, "R1");
    ck_assert_int_eq(world->asked, 2);
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
    char token[160];
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
         MR_TEST(a_profiles_role_is_assumed_with_another_profiles_keys),
         MR_TEST(who_is_signed_on_gets_credentials),
         MR_TEST_LOOP(a_role_is_assumed_with_credentials_that_are_fetched_first, 2),
         MR_TEST_LOOP(a_profile_that_leads_nowhere_says_why, 9),
         MR_TEST(a_role_that_may_not_be_assumed_is_told_in_the_words_of_sts),
         MR_TEST(a_role_is_assumed_again_near_its_end),
         MR_TEST(an_instance_is_asked_for_a_token_a_role_and_its_credentials),
         MR_TEST(a_container_is_asked_with_its_token),
         MR_TEST_LOOP(a_container_elsewhere_over_plain_http_is_refused, 4),
         MR_TEST(a_web_identity_is_changed_for_credentials_by_sts),
         MR_TEST(credentials_near_their_end_are_fetched_again_while_the_old_ones_serve),
         MR_TEST(when_no_new_ones_are_given_the_old_ones_are_used_on),
         MR_TEST(nothing_anywhere_is_a_sentence_that_says_what_to_set))
