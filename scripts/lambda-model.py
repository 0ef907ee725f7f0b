#!/usr/bin/env python3
"""Print control/model_tables.c from AWS's Lambda service model.

    scripts/lambda-model.py MODEL.json | clang-format > control/model_tables.c

MODEL.json is the model the SDKs ship (botocore: data/lambda/2015-03-31/service-2.json). Printed are
the inputs of the operations that control/routes.c serves, and every modelled error.
"""
import json
import re
import sys

KINDS = {
    "string": "STRING", "integer": "INTEGER", "long": "INTEGER", "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP", "blob": "BLOB", "double": "DOUBLE", "list": "LIST", "map": "MAP",
    "structure": "STRUCTURE",
}
# What the service holds and its model does not say.
BOUNDS = {
    "Timeout": {"max": 900},
    "MemorySize": {"max": 10240},
}

# Where AWS's messages list an enum in another order.
ENUMS = {
    "EventSourcePosition": ["LATEST", "AT_TIMESTAMP", "TRIM_HORIZON"],
}


def text(value):
    return json.dumps(value)


def posix_class(body):
    """[...] of Java in POSIX's words: no escapes inside, a lone dash at the end."""
    negated, dash, out, at = body.startswith("^"), False, [], 0
    body = body[1:] if negated else body
    while at < len(body):
        character = body[at]
        if character == "\\":
            kind = body[at + 1]
            if kind == "x":
                out.append(chr(int(body[at + 2:at + 4], 16)))
                at += 4
                if body[at:at + 1] == "-":
                    out.append("-" + chr(int(body[at + 3:at + 5], 16)))
                    at += 5
                continue
            if kind == "-":
                dash = True
            else:
                out.append({"d": "0-9", "s": "[:space:]", "w": "[:alnum:]_"}.get(kind, kind))
            at += 2
        elif character == "-":
            dash = True
            at += 1
        elif body[at + 1:at + 2] == "-" and at + 2 < len(body) and character.isalnum() \
                and body[at + 2].isalnum():
            out.append(body[at:at + 3])
            at += 3
        else:
            out.append(character)
            at += 1
    return "[" + ("^" if negated else "") + "".join(out) + ("-" if dash else "") + "]"


def posix(java):
    """What POSIX's regcomp takes; look-around is left out, but for "no number"."""
    not_number = bool(re.match(r"\(*\(\?!\^(\[0-9\]|\\d)\+\$\)", java))
    java = re.sub(r"\(\?(!|<!)(\(.*?\)|[^()])*\)", "", java).replace("(?:", "(")
    out, at = [], 0
    while at < len(java):
        if java[at] == "[":
            end = at + 1
            while java[end] != "]":
                end += 2 if java[end] == "\\" else 1
            out.append(posix_class(java[at + 1:end]))
            at = end + 1
        elif java[at] == "\\" and java[at + 1] in "ds":
            out.append({"d": "[0-9]", "s": "[[:space:]]"}[java[at + 1]])
            at += 2
        elif java[at] == "\\" and java[at + 1] not in "().*?+|$^[]{}\\":
            out.append(java[at + 1])
            at += 2
        elif java[at] == "\\":
            out.append(java[at:at + 2])
            at += 2
        else:
            out.append(java[at])
            at += 1
    return "^(" + "".join(out) + ")$", not_number


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        model = json.load(file)
    with open("control/routes.c", encoding="utf-8") as file:
        served = set(re.findall(r'"([A-Z][A-Za-z]+)", (?:act_|NULL)', file.read()))
    shapes = model["shapes"]
    done, out = set(), []

    def emit(name):
        if name in done:
            return
        done.add(name)
        shape = {**shapes[name], **BOUNDS.get(name, {})}
        kind = shape["type"]
        fields = [f".kind = MR_MODEL_{KINDS[kind]}"]
        for bound in ("min", "max"):
            if bound in shape:
                fields.append(f".has_{bound} = true, .{bound} = {int(shape[bound])}")
        if shape.get("pattern") not in (None, ".*", "[\\s\\S]*"):
            expression, not_number = posix(shape["pattern"])
            if name == "Arn":  # DynamoDB Local's region
                expression = expression.replace("-[0-9]{1})?", "-[0-9]{1}|ddblocal)?")
            fields.append(f".pattern = {text(shape['pattern'])}, .posix = {text(expression)}")
            if not_number:
                fields.append(".not_number = true")
        if "enum" in shape and name != "Runtime":
            values = ", ".join(text(value) for value in ENUMS.get(name, shape["enum"]))
            out.append(f"static const char *const {name}_values[] = {{ {values}, NULL }};")
            fields.append(f".values = {name}_values")
        if kind == "list":
            emit(shape["member"]["shape"])
            fields.append(f".element = &{shape['member']['shape']}")
        elif kind == "map":
            emit(shape["key"]["shape"])
            emit(shape["value"]["shape"])
            fields.append(f".key = &{shape['key']['shape']}, .element = &{shape['value']['shape']}")
        elif kind == "structure":
            rows = []
            for member, reference in shape["members"].items():
                emit(reference["shape"])
                row = [f".name = {text(member)}, .shape = &{reference['shape']}"]
                if member in shape.get("required", []):
                    row.append(".required = true")
                where = reference.get("location")
                if where:
                    row.append(f".where = MR_MODEL_{'QUERY' if where == 'querystring' else where.upper()}")
                    row.append(f".wire = {text(reference['locationName'])}")
                elif shape.get("payload") == member:
                    row.append(".where = MR_MODEL_PAYLOAD")
                rows.append("{ " + ", ".join(row) + " },")
            if rows:
                out.append(f"static const struct mr_model_member {name}_members[] = {{\n"
                           + "\n".join(rows) + "\n};")
                fields.append(f".members = {name}_members, .member_count = {len(rows)}")
        out.append(f"static const struct mr_model_shape {name} = {{ " + ", ".join(fields) + " };")

    operations = sorted(set(model["operations"]) & served)
    for operation in operations:
        emit(model["operations"][operation]["input"]["shape"])
    print("/* Made by scripts/lambda-model.py from AWS's service model. Do not edit. */")
    print('#include "control/model.h"\n')
    print("\n".join(out))
    print("\nstatic const struct {\nconst char *operation;\nconst struct mr_model_shape *input;\n}"
          " inputs[] = {")
    for operation in operations:
        print(f'{{ "{operation}", &{model["operations"][operation]["input"]["shape"]} }},')
    print("};\n\nconst struct mr_model_shape *\nmr_model_input(const char *operation)\n{")
    print("for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {")
    print("if (strcmp(inputs[i].operation, operation) == 0) {\nreturn inputs[i].input;\n}\n}")
    print("return NULL;\n}\n\nconst char *\nmr_model_operation(size_t index)\n{")
    print("return index < sizeof(inputs) / sizeof(inputs[0]) ? inputs[index].operation : NULL;\n}")
    print("\nconst struct mr_model_error mr_model_errors[] = {")
    for name, shape in sorted(shapes.items()):
        if shape.get("exception"):
            spelled = "Message" if "Message" in shape.get("members", {}) else "message"
            print(f'{{ "{name}", {shape.get("error", {}).get("httpStatusCode", 400)}, "{spelled}" }},')
    print("{ NULL, 0, NULL },\n};")


main()
