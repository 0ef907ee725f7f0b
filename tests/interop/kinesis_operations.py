"""Every operation that changes or tells something of a stream, over raw JSON, in AWS's words."""
from kinesis_server import ACCOUNT, ARN, Server, check, refused, same

UNDER = f"under account {ACCOUNT}"


def splitting(server):
    call, ok = server.call, server.ok
    ok("CreateStream", StreamName="s", ShardCount=3)

    def split(shard, key, name="s"):
        return call("SplitShard", StreamName=name, ShardToSplit=shard, NewStartingHashKey=key)

    refused("a shard id that cannot be one comes before the stream", split("ABKLFD8", "0", "none"),
            "ResourceNotFoundException", f"Could not find shard ABKLFD8 in stream none {UNDER}.")
    refused("then the stream", split("2147483647", "0", "none"), "ResourceNotFoundException",
            f"Stream none {UNDER} not found.")
    refused("then the shard", split("shardId-5", "0"), "ResourceNotFoundException",
            f"Could not find shard shardId-000000000005 in stream s {UNDER}.")
    refused("a hash key must be inside", split("shard-0", "1"), "InvalidArgumentException",
            f"NewStartingHashKey 1 used in SplitShard() on shard shardId-000000000000 in stream s {UNDER} is "
            "not both greater than one plus the shard's StartingHashKey 0 and less than the shard's "
            "EndingHashKey 113427455640312821154458202477256070484.")
    refused("even one no hash key can be", split("shard-2", "9" * 39), "InvalidArgumentException",
            f"NewStartingHashKey {'9' * 39} used in SplitShard() on shard shardId-000000000002 in stream s "
            f"{UNDER} is not both greater than one plus the shard's StartingHashKey "
            "226854911280625642308916404954512140970 and less than the shard's EndingHashKey "
            "340282366920938463463374607431768211455.")
    refused("however many digits it has", split("shard-0", "1" * 42), "InvalidArgumentException",
            f"NewStartingHashKey {'1' * 42} used in SplitShard() on shard shardId-000000000000 in stream s "
            f"{UNDER} is not both greater than one plus the shard's StartingHashKey 0 and less than the shard's "
            "EndingHashKey 113427455640312821154458202477256070484.")
    same("a split answers with nothing", split("x-0", "2"), (200, None))
    shards = server.shards("s")
    same("it has two children", [(s["ShardId"], s.get("ParentShardId")) for s in shards[3:]],
         [("shardId-000000000003", "shardId-000000000000"),
          ("shardId-000000000004", "shardId-000000000000")])
    same("who share its range", [s["HashKeyRange"] for s in shards[3:]], [
        {"StartingHashKey": "0", "EndingHashKey": "1"},
        {"StartingHashKey": "2", "EndingHashKey": "113427455640312821154458202477256070484"}])
    check("and it has an end", "EndingSequenceNumber" in shards[0]["SequenceNumberRange"])
    refused("a closed shard is not split", split("0", "2"), "InvalidArgumentException",
            f"Shard shardId-000000000000 in stream s {UNDER} has already been merged or split, and thus is not "
            "eligible for merging or splitting.")

    def merge(first, second):
        return call("MergeShards", StreamName="s", ShardToMerge=first, AdjacentShardToMerge=second)

    refused("only neighbours merge, in their order", merge("4", "3"), "InvalidArgumentException",
            f"Shards shardId-000000000004 and shardId-000000000003 in stream s {UNDER} are not an adjacent pair "
            "of shards eligible for merging")
    refused("and only those that are there", merge("3", "9"), "ResourceNotFoundException",
            f"Could not find shard shardId-000000000009 in stream s {UNDER}.")
    same("a merge answers with nothing", merge("3", "4"), (200, None))
    child = server.shards("s")[5]
    same("its child has both parents", (child["ParentShardId"], child["AdjacentParentShardId"]),
         ("shardId-000000000003", "shardId-000000000004"))

    iterator = server.iterator("s")
    end = ok("GetRecords", ShardIterator=iterator)
    check("a closed shard is read to its end", "NextShardIterator" not in end, end)
    same("and names its children", [c["ShardId"] for c in end["ChildShards"]],
         ["shardId-000000000003", "shardId-000000000004"])
    same("with their parents", end["ChildShards"][0]["ParentShards"], ["shardId-000000000000"])
    same("a merged shard names one child with two parents",
         ok("GetRecords", ShardIterator=server.iterator("s", 3))["ChildShards"][0]["ParentShards"],
         ["shardId-000000000003", "shardId-000000000004"])


def counting(server):
    for start, target, total in [(2, 4, 6), (4, 5, 15), (10, 13, 37), (4, 2, 6), (5, 3, 7), (10, 3, 17)]:
        name = f"count-{start}-{target}"
        server.ok("CreateStream", StreamName=name, ShardCount=start)
        answer = server.ok("UpdateShardCount", StreamName=name, TargetShardCount=target,
                           ScalingType="UNIFORM_SCALING")
        same(f"from {start} to {target} shards", answer, {
            "StreamName": name, "CurrentShardCount": start, "TargetShardCount": target,
            "StreamARN": ARN + name})
        shards = server.shards(name)
        same(f"leaves {total} in all", len(shards), total)
        taken = sorted((int(s["HashKeyRange"]["StartingHashKey"]), int(s["HashKeyRange"]["EndingHashKey"]))
                       for s in shards if "EndingSequenceNumber" not in s["SequenceNumberRange"])
        check("the open ones cover every key once", len(taken) == target and taken[0][0] == 0
              and taken[-1][1] == 2**128 - 1
              and all(a[1] + 1 == b[0] for a, b in zip(taken, taken[1:])), taken)
    refused("more than double is refused", server.call(
        "UpdateShardCount", StreamName="count-2-4", TargetShardCount=9, ScalingType="UNIFORM_SCALING"),
        "LimitExceededException", "UpdateShardCount cannot scale up over double your current open shard "
        "count. Current open shard count: 4, Target shard count: 9")
    server.ok("CreateStream", StreamName="demand")
    same("a stream made without a count is on demand and has four shards", len(server.shards("demand")), 4)
    refused("its shards are not counted by hand", server.call(
        "UpdateShardCount", StreamARN=ARN + "demand", TargetShardCount=3, ScalingType="UNIFORM_SCALING"),
        "ValidationException", f"Request is invalid. Stream demand {UNDER} is in On-Demand mode.")


def pages(server):
    server.ok("CreateStream", StreamName="wide", ShardCount=150)
    told = server.ok("DescribeStream", StreamName="wide", Limit=1000)["StreamDescription"]
    same("DescribeStream tells a hundred shards at most", (len(told["Shards"]), told["HasMoreShards"]), (100, True))
    rest = server.ok("DescribeStream", StreamName="wide",
                     ExclusiveStartShardId=told["Shards"][-1]["ShardId"])["StreamDescription"]
    same("and goes on behind one", (len(rest["Shards"]), rest["HasMoreShards"]), (50, False))
    server.ok("DeleteStream", StreamName="wide")


def settings(server):
    call, ok = server.call, server.ok

    def summary():
        return ok("DescribeStreamSummary", StreamName="set")["StreamDescriptionSummary"]

    ok("CreateStream", StreamName="set", ShardCount=1, Tags={"made": "with"})
    first = summary()
    same("a new stream has AWS's settings", {k: v for k, v in first.items() if k != "StreamCreationTimestamp"}, {
        "StreamName": "set", "StreamARN": ARN + "set", "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": "PROVISIONED"}, "RetentionPeriodHours": 24,
        "EnhancedMonitoring": [{"ShardLevelMetrics": []}], "EncryptionType": "NONE", "OpenShardCount": 1,
        "ConsumerCount": 0, "MaxRecordSizeInKiB": 1024})

    refused("less than a day is too short", call("IncreaseStreamRetentionPeriod", StreamName="set",
            RetentionPeriodHours=23), "InvalidArgumentException",
            "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short.")
    refused("more than a year is too long", call("IncreaseStreamRetentionPeriod", StreamName="set",
            RetentionPeriodHours=8761), "InvalidArgumentException",
            "Maximum allowed retention period is 8760 hours. Requested retention period (8761 hours) is too long.")
    same("retention grows", call("IncreaseStreamRetentionPeriod", StreamName="set", RetentionPeriodHours=48),
         (200, None))
    same("to what it is already: nothing to do",
         call("IncreaseStreamRetentionPeriod", StreamARN=ARN + "set", RetentionPeriodHours=48), (200, None))
    refused("it does not grow downwards", call("IncreaseStreamRetentionPeriod", StreamName="set",
            RetentionPeriodHours=25), "InvalidArgumentException",
            "Requested retention period (25 hours) for stream set can not be shorter than existing retention "
            "period (48 hours). Use DecreaseRetentionPeriod API.")
    refused("nor shrink upwards", call("DecreaseStreamRetentionPeriod", StreamName="set",
            RetentionPeriodHours=49), "InvalidArgumentException",
            "Requested retention period (49 hours) for stream set can not be longer than existing retention "
            "period (48 hours). Use IncreaseRetentionPeriod API.")
    same("it is told", summary()["RetentionPeriodHours"], 48)

    same("encryption starts", call("StartStreamEncryption", StreamName="set", EncryptionType="KMS",
         KeyId="alias/aws/kinesis"), (200, None))
    same("and is told", (summary()["EncryptionType"], summary()["KeyId"]), ("KMS", "alias/aws/kinesis"))
    put = server.put("set", b"secret")
    same("a record says it was encrypted", put["EncryptionType"], "KMS")
    same("when read, too", ok("GetRecords", ShardIterator=server.iterator("set"))["Records"][0]["EncryptionType"],
         "KMS")
    same("and stops", call("StopStreamEncryption", StreamName="set", EncryptionType="KMS",
         KeyId="alias/aws/kinesis"), (200, None))
    check("a record without encryption says nothing of it", "EncryptionType" not in server.put("set", b"open"))

    same("metrics are turned on", ok("EnableEnhancedMonitoring", StreamName="set",
         ShardLevelMetrics=["IncomingBytes", "OutgoingRecords"]), {
        "StreamName": "set", "StreamARN": ARN + "set", "CurrentShardLevelMetrics": [],
        "DesiredShardLevelMetrics": ["IncomingBytes", "OutgoingRecords"]})
    same("and off", ok("DisableEnhancedMonitoring", StreamName="set", ShardLevelMetrics=["ALL"]), {
        "StreamName": "set", "StreamARN": ARN + "set",
        "CurrentShardLevelMetrics": ["IncomingBytes", "OutgoingRecords"], "DesiredShardLevelMetrics": []})

    same("records may be larger", call("UpdateMaxRecordSize", StreamARN=ARN + "set", MaxRecordSizeInKiB=4096),
         (200, None))
    server.put("set", b"x" * (4 * 1024 * 1024 - 1))
    same("up to what was said", summary()["MaxRecordSizeInKiB"], 4096)
    refused("which has bounds", call("UpdateMaxRecordSize", StreamARN=ARN + "set", MaxRecordSizeInKiB=1023),
            "ValidationException", "1 validation error detected: Value '1023' at 'maxRecordSizeInKiB' failed to "
            "satisfy constraint: Member must have value greater than or equal to 1024")

    same("a stream goes on demand", call("UpdateStreamMode", StreamARN=ARN + "set",
         StreamModeDetails={"StreamMode": "ON_DEMAND"}), (200, None))
    same("and says so", summary()["StreamModeDetails"], {"StreamMode": "ON_DEMAND"})
    refused("warm throughput needs the commitment", call("UpdateStreamWarmThroughput", StreamName="set",
            WarmThroughputMiBps=10), "ValidationException")
    same("an account has none at first", ok("DescribeAccountSettings"),
         {"MinimumThroughputBillingCommitment": {"Status": "DISABLED"}})
    begun = ok("UpdateAccountSettings", MinimumThroughputBillingCommitment={"Status": "ENABLED"})
    same("it commits", begun["MinimumThroughputBillingCommitment"]["Status"], "ENABLED")
    same("now it warms", ok("UpdateStreamWarmThroughput", StreamName="set", WarmThroughputMiBps=10), {
        "StreamARN": ARN + "set", "StreamName": "set", "WarmThroughput": {"TargetMiBps": 10, "CurrentMiBps": 10}})
    ended = ok("UpdateAccountSettings", MinimumThroughputBillingCommitment={"Status": "DISABLED"})
    same("a commitment lasts a day", ended["MinimumThroughputBillingCommitment"]["Status"],
         "ENABLED_UNTIL_EARLIEST_ALLOWED_END")
    limits = ok("DescribeLimits")
    same("limits are told", sorted(limits), ["OnDemandStreamCount", "OnDemandStreamCountLimit",
                                             "OpenShardCount", "ShardLimit"])
    same("with the streams on demand", limits["OnDemandStreamCount"], 2)


def tags(server):
    call, ok = server.call, server.ok

    def listed(**more):
        answer = ok("ListTagsForStream", StreamName="set", **more)
        return [(t["Key"], t["Value"]) for t in answer["Tags"]], answer["HasMoreTags"]

    same("a stream keeps the tags it was made with", listed(), ([("made", "with")], False))
    same("tags are added", call("AddTagsToStream", StreamName="set", Tags={"a": "1", "\u00fc0 _.:/=+-@": ""}),
         (200, None))
    same("and sorted", listed(), ([("a", "1"), ("made", "with"), ("\u00fc0 _.:/=+-@", "")], False))
    same("in pages", listed(Limit=1, ExclusiveStartTagKey="a"), ([("made", "with")], True))
    refused("not with any character", call("AddTagsToStream", StreamName="set", Tags={"a;b": "c"}),
            "InvalidArgumentException", "Some tags contain invalid characters. Valid characters: Unicode letters, "
            "digits, white space, _ . / = + - % @ :.")
    many = {f"t{i}": "v" for i in range(48)}
    for i in range(0, 40, 10):
        ok("AddTagsToStream", StreamName="set", Tags=dict(list(many.items())[i:i + 10]))
    refused("more than fifty are refused", call("TagResource", ResourceARN=ARN + "set",
            Tags=dict(list(many.items())[40:])), "InvalidArgumentException",
            f"Failed to add tags to stream set {UNDER} because a given stream cannot have more than 50 tags "
            "associated with it.")
    same("tags go", call("RemoveTagsFromStream", StreamName="set", TagKeys=list(many)[:10]), (200, None))
    same("by ARN, too", call("UntagResource", ResourceARN=ARN + "set", TagKeys=list(many)[10:40]), (200, None))
    same("and are told by ARN", [t["Key"] for t in ok("ListTagsForResource", ResourceARN=ARN + "set")["Tags"]],
         ["a", "made", "\u00fc0 _.:/=+-@"])
    refused("of a stream that is there", call("ListTagsForStream", StreamName="none"),
            "ResourceNotFoundException", f"Stream none {UNDER} not found.")


def policies(server):
    arn = ARN + "set"
    policy = '{"Version": "2012-10-17", "Statement": []}'
    same("a stream without a policy has an empty one", server.ok("GetResourcePolicy", ResourceARN=arn),
         {"Policy": "{}"})
    refused("which cannot be deleted", server.call("DeleteResourcePolicy", ResourceARN=arn),
            "ResourceNotFoundException", f"No resource policy found for resource ARN {arn}.")
    same("a policy is put", server.call("PutResourcePolicy", ResourceARN=arn, Policy=policy), (200, None))
    same("and given back as it was", server.ok("GetResourcePolicy", ResourceARN=arn), {"Policy": policy})
    same("and deleted", server.call("DeleteResourcePolicy", ResourceARN=arn), (200, None))
    refused("a policy is JSON", server.call("PutResourcePolicy", ResourceARN=arn, Policy="{"),
            "InvalidArgumentException")
    refused("of a stream that is there", server.call("GetResourcePolicy", ResourceARN=arn + "unknown"),
            "ResourceNotFoundException", f"Stream {arn}unknown {UNDER} not found.")


def consumers(server):
    call, ok, arn = server.call, server.ok, ARN + "set"
    made = ok("RegisterStreamConsumer", StreamARN=arn, ConsumerName="c0", Tags={"a": "b"})["Consumer"]
    same("a consumer has four members", sorted(made), ["ConsumerARN", "ConsumerCreationTimestamp", "ConsumerName",
                                                       "ConsumerStatus"])
    same("its ARN ends with its creation", made["ConsumerARN"],
         f"{arn}/consumer/c0:{int(made['ConsumerCreationTimestamp'])}")
    refused("its name is its own", call("RegisterStreamConsumer", StreamARN=arn, ConsumerName="c0"),
            "ResourceInUseException")
    by_arn = ok("DescribeStreamConsumer", ConsumerARN=made["ConsumerARN"])["ConsumerDescription"]
    same("it is described with its stream", by_arn, {**made, "ConsumerStatus": "ACTIVE", "StreamARN": arn})
    same("by name just so", ok("DescribeStreamConsumer", StreamARN=arn, ConsumerName="c0")["ConsumerDescription"],
         by_arn)
    same("it has tags", ok("ListTagsForResource", ResourceARN=made["ConsumerARN"])["Tags"],
         [{"Key": "a", "Value": "b"}])
    unknown = f"{arn}/consumer/none:1"
    refused("one that is not there", call("DescribeStreamConsumer", ConsumerARN=unknown),
            "ResourceNotFoundException", f"Consumer {unknown}, account {ACCOUNT} not found.")
    for i in range(1, 20):
        ok("RegisterStreamConsumer", StreamARN=arn, ConsumerName=f"c{i:02}")
    page = ok("ListStreamConsumers", StreamARN=arn, MaxResults=15)
    rest = ok("ListStreamConsumers", StreamARN=arn, NextToken=page["NextToken"])
    same("twenty are listed in pages", (len(page["Consumers"]), len(rest["Consumers"]), "NextToken" in rest),
         (15, 5, False))
    same("the summary counts them",
         ok("DescribeStreamSummary", StreamName="set")["StreamDescriptionSummary"]["ConsumerCount"], 20)
    refused("a stream with consumers is not deleted", call("DeleteStream", StreamName="set"),
            "ResourceInUseException")
    same("a consumer goes", call("DeregisterStreamConsumer", ConsumerARN=made["ConsumerARN"]), (200, None))
    same("unless it is said so", call("DeleteStream", StreamARN=arn, EnforceConsumerDeletion=True), (200, None))
    server.ok("CreateStream", StreamName="crowd", ShardCount=1)


def states():
    server = Server("--state-delay", "60000")
    call, ok = server.call, server.ok
    ok("CreateStream", StreamName="slow", ShardCount=1)
    same("a stream is CREATING for a while", ok("DescribeStream", StreamName="slow")["StreamDescription"]
         ["StreamStatus"], "CREATING")
    refused("it takes no records yet", call("PutRecord", StreamName="slow", PartitionKey="k", Data=""),
            "ResourceNotFoundException", f"Stream slow {UNDER} not found.")
    refused("nor has it shards to read", call("GetShardIterator", StreamName="slow", ShardId="0",
            ShardIteratorType="LATEST"), "ResourceNotFoundException",
            f"Shard shardId-000000000000 in stream slow {UNDER} does not exist")
    refused("nor is it split", call("SplitShard", StreamName="slow", ShardToSplit="0", NewStartingHashKey="2"),
            "ResourceInUseException", f"Stream slow {UNDER} not ACTIVE, instead in state CREATING")
    ok("DeleteStream", StreamName="slow")
    same("then it is DELETING", ok("DescribeStream", StreamName="slow")["StreamDescription"]["StreamStatus"],
         "DELETING")
    server.close()

    server = Server("--state-delay", "400")
    server.ok("CreateStream", StreamName="slow", ShardCount=1)
    wait_active(server)
    server.ok("SplitShard", StreamName="slow", ShardToSplit="0", NewStartingHashKey="2")
    told = server.ok("DescribeStream", StreamName="slow")["StreamDescription"]
    same("a stream that splits is UPDATING", told["StreamStatus"], "UPDATING")
    same("its shards are not split yet", len(told["Shards"]), 1)
    refused("it is not split twice", server.call("SplitShard", StreamName="slow", ShardToSplit="0",
            NewStartingHashKey="2"), "ResourceInUseException",
            f"Stream slow {UNDER} not ACTIVE, instead in state UPDATING")
    same("it takes records meanwhile", server.put("slow", b"")["ShardId"], "shardId-000000000000")
    same("then they are", len(wait_active(server)["Shards"]), 3)
    server.close()


def wait_active(server):
    while True:
        told = server.ok("DescribeStream", StreamName="slow")["StreamDescription"]
        if told["StreamStatus"] == "ACTIVE":
            return told


def kept(server):
    before = {name: server.ok("DescribeStreamSummary", StreamName=name)
              for name in server.ok("ListStreams")["StreamNames"]}
    same("the server stops", server.stop(), 0)
    server.start()
    after = {name: server.ok("DescribeStreamSummary", StreamName=name)
             for name in server.ok("ListStreams")["StreamNames"]}
    same("all of it is there after a restart", after, before)


def main():
    server = Server()
    splitting(server)
    counting(server)
    pages(server)
    settings(server)
    tags(server)
    policies(server)
    consumers(server)
    kept(server)
    server.close()
    states()


main()
