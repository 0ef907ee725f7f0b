// Handles orders, {"type":"order","id":7,"amount":12.5}, a batch at a time. One with "poison": true
// cannot be handled: it and what is behind it come again, until it is given up.
function handle(order) {
    if (order.poison) {
        throw new Error(`cannot handle ${JSON.stringify(order)}`);
    }
    console.log(`order ${order.id} ok`);
}

export async function handler(event) {
    for (const record of event.Records) {
        try {
            handle(JSON.parse(Buffer.from(record.kinesis.data, "base64")));
        } catch (error) {
            console.error(error.message);
            // A stream is worked through in order: the rest comes again.
            return { batchItemFailures: [{ itemIdentifier: record.kinesis.sequenceNumber }] };
        }
    }
    return { batchItemFailures: [] };
}
