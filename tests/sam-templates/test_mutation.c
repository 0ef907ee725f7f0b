/* Templates that are damaged at random are read or refused: no crash, no hang. */
#include "base/random.h"
#include "tests/sam-templates/reading.h"

static const char seed_template[] =
    "Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]\n"
    "Parameters: {P: {Type: String, Default: x, AllowedPattern: '[a-z]+(b|c){1,3}'}, L: {Type: CommaDelimitedList, Default: 'a,b'}}\n"
    "Mappings: {M: {x: {k: 1}}}\n"
    "Conditions: {C: !Equals [!Ref P, x], D: !And [!Condition C, !Not [!Condition C]]}\n"
    "Globals: {Function: {Runtime: r, Handler: h, Environment: {Variables: &v {A: 1}}}}\n"
    "Resources:\n"
    "  Fn::ForEach::Q: [N, !Ref L, {'Q${N}': {Type: AWS::SQS::Queue}}]\n"
    "  S: {Type: AWS::Kinesis::Stream, Condition: C, Properties: {Name: !Sub '${P}-${AWS::Region}', ShardCount: !FindInMap [M, !Ref P, k]}}\n"
    "  T: {Type: AWS::DynamoDB::Table, Properties: {StreamSpecification: {StreamViewType: KEYS_ONLY}}}\n"
    "  F:\n"
    "    Type: AWS::Serverless::Function\n"
    "    Condition: C\n"
    "    Properties:\n"
    "      Environment: {Variables: {<<: *v, B: !Join ['-', [a, !Ref S]]}}\n"
    "      AutoPublishAlias: live\n"
    "      EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: SQS}}}\n"
    "      Events:\n"
    "        E: {Type: Kinesis, Properties: {Stream: !GetAtt S.Arn, StartingPosition: LATEST, BatchSize: !If [D, 1, 2], DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Qa.Arn}}}}\n"
    "        N: {Type: SNS, Properties: {Topic: !Ref X, SqsSubscription: true}}\n"
    "  X: {Type: AWS::SNS::Topic}\n"
    "Outputs: {O: {Value: !Select [0, !Split ['-', !Ref S]], Condition: C}}\n";

/* Pieces that templates are made of, to be put where they do not belong. */
static const char *const pieces[] = {
    "!Ref ", "!Sub '${F}'", "{", "}", "[", "]", ": ", "- ", "\n", "\n  ", "&v ", "*v", "<<: *v",
    "!GetAtt F.Arn", "Fn::If", "!If [C, a]", "null", "AWS::NoValue", "'", "\"", "\\", "\t",
    "Properties", "Resources:", "Fn::ForEach::Q", "${", "0x", "---\n", "#", ",", "\xc3\xa9", "|\n",
};

static void
damage(struct mr_random *random, struct mr_buf *text)
{
    size_t at = (size_t)mr_random_below(random, text->size);
    switch (mr_random_below(random, 5)) {
    case 0: /* another byte */
        text->data[at] = (uint8_t)mr_random_below(random, 256);
        break;
    case 1: { /* a part is missing */
        size_t left = text->size - at;
        size_t size = 1 + (size_t)mr_random_below(random, left < 40 ? left : 40);
        memmove(text->data + at, text->data + at + size, left - size);
        text->size -= size;
        break;
    }
    case 2:
    case 3: { /* a piece too many */
        const char *piece = pieces[mr_random_below(random, sizeof(pieces) / sizeof(pieces[0]))];
        size_t size = strlen(piece);
        mr_buf_reserve(text, size);
        memmove(text->data + at + size, text->data + at, text->size - at);
        memcpy(text->data + at, piece, size);
        text->size += size;
        break;
    }
    default: { /* a part stands twice */
        size_t left = text->size - at;
        size_t size = 1 + (size_t)mr_random_below(random, left < 200 ? left : 200);
        mr_buf_reserve(text, size);
        memmove(text->data + at + size, text->data + at, left);
        text->size += size;
        break;
    }
    }
}

START_TEST(a_damaged_template_is_read_or_refused)
{
    struct mr_random random;
    unsigned accepted = 0;
    mr_random_init_seed(&random, 20260101);
    mr_auto(mr_template_free) struct mr_template *whole = look_at(seed_template);
    ck_assert_ok(whole);

    for (int round = 0; round < 4000; round++) {
        mr_auto_buf struct mr_buf text = { 0 }, out = { 0 };
        mr_buf_append_str(&text, seed_template);
        for (uint64_t left = 1 + mr_random_below(&random, 4); left > 0 && text.size > 0; left--) {
            damage(&random, &text);
        }
        struct mr_template_options options = {
            .missing = round % 2 ? MR_TEMPLATE_MISSING_IS_DUMMY : MR_TEMPLATE_MISSING_IS_ERROR,
        };
        mr_auto(mr_template_free) struct mr_template *tpl =
            mr_template_parse(mr_buf_slice(&text), &options);
        mr_template_write_json(tpl, round % 4 < 2 ? MR_TEMPLATE_L1 : MR_TEMPLATE_L2, &out);
        accepted += mr_template_ok(tpl);
    }

    ck_assert_uint_gt(accepted, 100);
    ck_assert_uint_lt(accepted, 3900);
}
END_TEST

MR_SUITE("sam-templates.mutation", MR_TEST(a_damaged_template_is_read_or_refused))
