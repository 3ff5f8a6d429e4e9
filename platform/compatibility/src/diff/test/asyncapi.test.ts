import { expect, test } from "vitest";
import { diffApis } from "../diff-apis.ts";

const TYPE = "payments.invoice.paid.v1";

function api(payload: object, { action = "send", address = TYPE, message = {} } = {}) {
  return {
    asyncapi: "3.0.0",
    channels: { paid: { address, messages: { [TYPE]: { $ref: "#/components/messages/Paid" } } } },
    operations: {
      tell: { action, channel: { $ref: "#/channels/paid" } },
    },
    components: { messages: { Paid: { name: TYPE, payload, ...message } } },
  };
}

const paid = (properties: object, required: string[] = []) => ({
  type: "object",
  properties,
  required,
});
const amount = { type: "string" };

function changes(before: object, after: object): string[] {
  return diffApis(before, after, { kind: "asyncapi" }).map(
    ({ level, rule, operation, direction, property }) =>
      [level, rule, operation, direction, property ?? ""].join(" ").trim(),
  );
}

test("a field that readers knew may not go, a new one may come", () => {
  const [less, more] = [api(paid({})), api(paid({ amount }, ["amount"]))];
  expect(changes(more, less)).toEqual([`breaking property-removed ${TYPE} event amount`]);
  expect(changes(less, more)).toEqual([`warning required-property-added ${TYPE} event amount`]);
});

test("what is received is demanded of others, so the variance turns round", () => {
  const received = (payload: object) => api(payload, { action: "receive" });
  expect(changes(received(paid({})), received(paid({ amount }, ["amount"])))).toEqual([
    `breaking required-property-added ${TYPE} request amount`,
  ]);
});

test("an event that is told of no longer breaks its readers", () => {
  const none = { asyncapi: "3.0.0", channels: {}, operations: {} };
  expect(changes(api(paid({})), none)).toEqual([`breaking event-removed ${TYPE} event`]);
  expect(changes(none, api(paid({})))).toEqual([`info event-added ${TYPE} event`]);
});

test("another channel or another form is another event to who waits for it", () => {
  expect(changes(api(paid({})), api(paid({}), { address: "other" }))).toEqual([
    `breaking event-moved ${TYPE} event`,
  ]);
  const message = { contentType: "application/xml" };
  expect(changes(api(paid({})), api(paid({}), { message }))).toEqual([
    `breaking content-type-changed ${TYPE} event`,
  ]);
});

test("headers and traits are read too", () => {
  const headers = (type: string) => ({
    message: { traits: [{ headers: paid({ key: { type } }) }] },
  });
  expect(changes(api(paid({}), headers("string")), api(paid({}), headers("integer")))).toEqual([
    `breaking type-changed ${TYPE} event key`,
  ]);
});
