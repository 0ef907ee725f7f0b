"""Handles orders, {"type":"order","id":7,"amount":12.5}, a batch at a time. One with "poison": true
cannot be handled: it and what is behind it come again, until it is given up."""
import base64
import json


def handle(order):
    if order.get("poison"):
        raise ValueError(f"cannot handle {order}")
    print(f"order {order['id']} ok")


def handler(event, context):
    for record in event["Records"]:
        try:
            handle(json.loads(base64.b64decode(record["kinesis"]["data"])))
        except Exception as error:
            print(error)
            # A stream is worked through in order: the rest comes again.
            return {"batchItemFailures": [{"itemIdentifier": record["kinesis"]["sequenceNumber"]}]}
    return {"batchItemFailures": []}
