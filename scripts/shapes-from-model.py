#!/usr/bin/env python3
"""Print stream/api/shapes.c from AWS's Kinesis service model.

    scripts/shapes-from-model.py MODEL.json | clang-format > stream/api/shapes.c

MODEL.json is the model the SDKs ship (botocore: data/kinesis/2013-12-02/service-2.json). Only the
shapes of inputs are printed, the shared ones once.
"""
import json
import sys

PATTERNS = {
    None: "NONE",
    "[a-zA-Z0-9_.-]+": "NAME",
    "arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+": "STREAM_ARN",
    "arn:aws.*:kinesis:.*:\\d{12}:.*stream/\\S+": "RESOURCE_ARN",
    "^(arn):aws.*:kinesis:.*:\\d{12}:.*stream\\/[a-zA-Z0-9_.-]+\\/consumer\\/[a-zA-Z0-9_.-]+:[0-9]+":
        "CONSUMER_ARN",
    "0|([1-9]\\d{0,38})": "HASH_KEY",
    "0|([1-9]\\d{0,128})": "SEQUENCE_NUMBER",
    "[a-z0-9]{20}-[a-z0-9]{3}": "STREAM_ID",
}

# AWS's messages list the values of this one in another order than its model.
ENUMS = {
    "ShardIteratorType": ["AFTER_SEQUENCE_NUMBER", "LATEST", "AT_TIMESTAMP", "AT_SEQUENCE_NUMBER",
                          "TRIM_HORIZON"],
}

# AWS takes ten tags a call, whatever the model says: (input, member) -> shape, and what differs in it.
MEMBERS = {
    ("AddTagsToStreamInput", "Tags"): ("TagMapOfACall", "TagMap", {"max": 10}),
    ("RemoveTagsFromStreamInput", "TagKeys"): ("TagKeyListOfACall", "TagKeyList", {"max": 10}),
}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        model = json.load(file)
    shapes = model["shapes"]
    for (owner, member), (name, base, differs) in MEMBERS.items():
        shapes[name] = {**shapes[base], **differs}
        shapes[owner]["members"][member]["shape"] = name
    done, out = set(), []

    def emit(name):
        if name in done:
            return
        done.add(name)
        shape = shapes[name]
        kind = shape["type"]
        fields = [f".kind = MR_SHAPE_{kind.upper()}"]
        for bound in ("min", "max"):
            if bound in shape:
                fields.append(f".has_{bound} = true, .{bound} = {shape[bound]}")
        if shape.get("pattern"):
            fields.append(f".pattern = MR_PATTERN_{PATTERNS[shape['pattern']]}")
        if "enum" in shape:
            values = ", ".join(f'"{value}"' for value in ENUMS.get(name, shape["enum"]))
            out.append(f"static const char *const {name}_values[] = {{ {values}, NULL }};")
            fields.append(f".values = {name}_values")
        if kind == "list":
            emit(shape["member"]["shape"])
            fields.append(f".element = &{shape['member']['shape']}")
        elif kind == "map":
            emit(shape["key"]["shape"])
            emit(shape["value"]["shape"])
            fields.append(f".key = &{shape['key']['shape']}")
            fields.append(f".element = &{shape['value']['shape']}")
        elif kind == "structure":
            fields.append(f'.java_name = "com.amazonaws.kinesis.v20131202.{name}"')
            rows = []
            for member, reference in shape["members"].items():
                emit(reference["shape"])
                required = "true" if member in shape.get("required", []) else "false"
                rows.append(f'{{ "{member}", &{reference["shape"]}, {required} }},')
            if rows:
                out.append(f"static const struct mr_shape_member {name}_members[] = {{\n"
                           + "\n".join(rows) + "\n};")
                fields.append(f".members = {name}_members, .member_count = {len(rows)}")
        out.append(f"static const struct mr_shape {name} = {{ " + ", ".join(fields) + " };")

    operations = sorted(model["operations"])
    for operation in operations:
        emit(model["operations"][operation]["input"]["shape"])
    print("/* Made by scripts/shapes-from-model.py from AWS's service model. Do not edit. */")
    print('#include "stream/api/shape.h"\n')
    print("\n".join(out))
    print("\nstatic const struct {\nconst char *operation;\nconst struct mr_shape *input;\n} inputs[] = {")
    for operation in operations:
        print(f'{{ "{operation}", &{model["operations"][operation]["input"]["shape"]} }},')
    print("};\n\nconst struct mr_shape *\nmr_shape_input(const char *operation)\n{")
    print("for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {")
    print("if (strcmp(inputs[i].operation, operation) == 0) {\nreturn inputs[i].input;\n}\n}")
    print("return NULL;\n}")


main()
