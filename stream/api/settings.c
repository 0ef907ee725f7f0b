/*
 * settings: what can be changed of a stream while it runs: retention, encryption, record size,
 * capacity mode, warm throughput.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "stream/api/actions.h"
#include "stream/api/change.h"
#include "stream/api/kinesis.h"
#include "stream/api/quota.h"
#include "stream/api/settings.h"
#include "stream/api/target.h"

/* The stream is UPDATING for as long as the state delay says. */
static void
begin_update(struct mr_call *call, struct mr_stream_facts *facts)
{
    if (call->kinesis->options.state_delay_ms > 0) {
        facts->updated_ms = call->now_ms + call->kinesis->options.state_delay_ms;
    }
}

static void
on_set(struct mr_kinesis *kinesis, struct mr_call *call, struct mr_slice name,
       const struct mr_error *err)
{
    (void)kinesis;
    (void)name;
    if (call == NULL) {
        return;
    }
    if (err != NULL) {
        mr_call_fail_store(call, err);
    } else {
        mr_target_done(call);
    }
}

/* ---- retention ---- */

static bool
is_allowed(struct mr_call *call, int64_t hours)
{
    if (hours < MR_KINESIS_MIN_RETENTION_HOURS) {
        mr_call_fail(call, "InvalidArgumentException",
                     "Minimum allowed retention period is %d hours. Requested retention period "
                     "(%lld hours) is too short.",
                     MR_KINESIS_MIN_RETENTION_HOURS, (long long)hours);
        return false;
    }
    if (hours > MR_KINESIS_MAX_RETENTION_HOURS) {
        mr_call_fail(call, "InvalidArgumentException",
                     "Maximum allowed retention period is %d hours. Requested retention period "
                     "(%lld hours) is too long.",
                     MR_KINESIS_MAX_RETENTION_HOURS, (long long)hours);
        return false;
    }
    return true;
}

static void
change_retention(struct mr_call *call, bool increase)
{
    struct mr_stream_facts *facts = mr_target_stream(call);
    int64_t hours = mr_value_number(&call->input, "RetentionPeriodHours", 0);
    struct mr_stream_info info = { .retention_hours = MR_KINESIS_MIN_RETENTION_HOURS };
    if (facts == NULL || !is_allowed(call, hours)) {
        return;
    }
    mr_store_glance(call->kinesis->options.store, mr_slice_str(facts->name), &info);
    int64_t now = info.retention_hours;
    if (increase ? hours < now : hours > now) {
        mr_call_fail(call, "InvalidArgumentException",
                     "Requested retention period (%lld hours) for stream %s can not be %s than "
                     "existing retention period (%lld hours). Use %sRetentionPeriod API.",
                     (long long)hours, facts->name, increase ? "shorter" : "longer",
                     (long long)now, increase ? "Decrease" : "Increase");
        return;
    }
    if (!mr_target_is_active(call, facts)) {
        return;
    }
    if (hours == now) {
        mr_call_answer(call);
        return;
    }
    struct mr_change change = { .kind = MR_CHANGE_SETTINGS,
                                .stream = mr_slice_str(facts->name),
                                .retention_hours = (uint32_t)hours };
    begin_update(call, facts);
    mr_call_change(call, &change, on_set);
}

void
mr_act_increase_retention(struct mr_call *call)
{
    change_retention(call, true);
}

void
mr_act_decrease_retention(struct mr_call *call)
{
    change_retention(call, false);
}

/* ---- encryption ---- */

void
mr_act_start_encryption(struct mr_call *call)
{
    struct mr_stream_facts *facts = mr_target_active_stream(call);
    if (facts == NULL) {
        return;
    }
    if (!mr_slice_is(mr_value_text(&call->input, "EncryptionType"), "KMS")) {
        mr_call_fail(call, "InvalidArgumentException",
                     "The EncryptionType to start with is KMS.");
        return;
    }
    free(facts->key_id);
    facts->key_id = mr_slice_dup(mr_value_text(&call->input, "KeyId"));
    facts->encrypted = true;
    mr_kinesis_apply_encryption(call->kinesis);
    begin_update(call, facts);
    mr_target_done(call);
}

void
mr_act_stop_encryption(struct mr_call *call)
{
    struct mr_stream_facts *facts = mr_target_active_stream(call);
    if (facts == NULL) {
        return;
    }
    free(facts->key_id);
    facts->key_id = NULL;
    facts->encrypted = false;
    mr_kinesis_apply_encryption(call->kinesis);
    begin_update(call, facts);
    mr_target_done(call);
}

/* ---- record size ---- */

void
mr_act_update_max_record_size(struct mr_call *call)
{
    struct mr_stream_facts *facts = mr_target_active_stream(call);
    if (facts == NULL) {
        return;
    }
    facts->max_record_kib =
        mr_value_number(&call->input, "MaxRecordSizeInKiB", MR_KINESIS_DEFAULT_RECORD_KIB);
    begin_update(call, facts);
    mr_target_done(call);
}

/* ---- capacity mode and warm throughput ---- */

bool
mr_settings_take_warm(struct mr_call *call, struct mr_stream_facts *facts, bool on_demand)
{
    int64_t warm = mr_value_number(&call->input, "WarmThroughputMiBps", -1);
    if (warm < 0) {
        return true;
    }
    if (!on_demand) {
        mr_call_fail(call, "ValidationException",
                     "WarmThroughputMiBps can be set for streams in On-Demand mode only.");
        return false;
    }
    if (!mr_catalog_account(call->kinesis->catalog)->commitment) {
        mr_call_fail(call, "ValidationException",
                     "WarmThroughputMiBps needs the minimum throughput billing commitment of "
                     "account %s to be enabled.",
                     call->kinesis->options.account);
        return false;
    }
    if (facts != NULL) {
        facts->warm_mibps = warm;
    }
    return true;
}

void
mr_act_update_stream_mode(struct mr_call *call)
{
    struct mr_stream_facts *facts = mr_target_active_stream(call);
    const struct mr_value *details = mr_value_find(&call->input, "StreamModeDetails");
    bool on_demand = mr_slice_is(mr_value_text(details, "StreamMode"), "ON_DEMAND");
    if (facts == NULL) {
        return;
    }
    if (on_demand != facts->on_demand && call->kinesis->options.limits &&
        mr_changes_today(&facts->mode_changes, call->now_ms) >= MR_QUOTA_MODE_CHANGES) {
        mr_call_fail(call, "LimitExceededException",
                     "The capacity mode of stream %s under account %s can be changed %d times "
                     "in a rolling 24-hour period.",
                     facts->name, call->kinesis->options.account, MR_QUOTA_MODE_CHANGES);
        return;
    }
    if (!mr_settings_take_warm(call, facts, on_demand)) {
        return;
    }
    if (on_demand != facts->on_demand) {
        mr_changes_add(&facts->mode_changes, call->now_ms);
        facts->warm_mibps = on_demand ? facts->warm_mibps : -1;
    }
    facts->on_demand = on_demand;
    begin_update(call, facts);
    mr_target_done(call);
}

void
mr_settings_put_warm(struct mr_output *output, const struct mr_stream_facts *facts)
{
    if (facts->warm_mibps >= 0) {
        mr_output_key(output, "WarmThroughput");
        mr_output_begin(output);
        mr_output_put_integer(output, "TargetMiBps", facts->warm_mibps);
        mr_output_put_integer(output, "CurrentMiBps", facts->warm_mibps);
        mr_output_end(output);
    }
}

void
mr_act_update_warm_throughput(struct mr_call *call)
{
    struct mr_stream_facts *facts = mr_target_active_stream(call);
    struct mr_output *output = &call->output;
    if (facts == NULL || !mr_settings_take_warm(call, facts, facts->on_demand)) {
        return;
    }
    begin_update(call, facts);
    mr_output_begin(output);
    mr_output_put_text(output, "StreamARN", mr_target_arn(call, facts->name));
    mr_output_put_str(output, "StreamName", facts->name);
    mr_settings_put_warm(output, facts);
    mr_output_end(output);
    mr_target_done(call);
}
