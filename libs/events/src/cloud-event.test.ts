/** CloudEvents by their specification: what is said comes back, what is wrong is named. */
import { isCoded } from "@tideway/kernel";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeHttp,
  encodeBatched,
  encodeBinary,
  encodeStructured,
  parseCloudEvent,
  toCloudEventJson,
} from "./index.ts";
import type { CloudEvent, HttpMessage } from "./index.ts";

const event = (change: Partial<CloudEvent> = {}): CloudEvent => ({
  id: "1234-1234",
  source: "/mycontext",
  type: "com.example.someevent",
  extensions: {},
  ...change,
});
const json = (change: Readonly<Record<string, unknown>> = {}) => ({
  ...toCloudEventJson(event()),
  ...change,
});
const problemOf = (act: () => unknown): string => {
  try {
    act();
    return "none";
  } catch (error) {
    if (isCoded(error, "CLOUD_EVENT_INVALID")) return String(error.given["problem"]);
    throw error;
  }
};
/** Header names as they come from a server: in lower case; values as they went. */
const binary = (headers: Readonly<Record<string, string>>, body = ""): HttpMessage => ({
  headers: {
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/s",
    "ce-type": "t",
    ...headers,
  },
  body: Buffer.from(body),
});

/** Any character that an attribute may hold. */
const text = fc
  .string({ unit: "binary", minLength: 1 })
  .filter((one) => !/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.test(one))
  // RFC 9110: a value has no space at its ends and quotes mean something; both are encoded.
  .filter((one) => one !== "");
const name = fc.stringMatching(/^[a-z0-9]{1,20}$/).filter((one) => !RESERVED.has(one));
const RESERVED = new Set(
  "specversion id source type subject time datacontenttype dataschema data".split(" "),
);
const anyEvent = fc
  .record({
    id: text,
    type: text,
    subject: text,
    extensions: fc.dictionary(name, text, { maxKeys: 4 }),
    data: fc.jsonValue().filter((one) => one !== null),
  })
  .map((change) => event(change));

describe("in every mode what is said comes back", () => {
  test("structured, batched, binary: any text in any attribute, any JSON as data", () => {
    fc.assert(
      fc.property(anyEvent, (one) => {
        const same = JSON.parse(JSON.stringify(one)) as CloudEvent;
        expect(decodeHttp(encodeStructured(one))).toEqual([same]);
        expect(decodeHttp(encodeBatched([one]))).toEqual([same]);
        // Without a content type data is JSON, and a binary message has to say so.
        const said = { datacontenttype: "application/json", ...same };
        expect(decodeHttp(encodeBinary(one))).toEqual([said]);
      }),
    );
  });

  test("a batch keeps its order, and may be empty", () => {
    const events = ["a", "b", "c"].map((id) => event({ id }));
    expect(decodeHttp(encodeBatched(events))).toEqual(events);
    expect(decodeHttp(encodeBatched([]))).toEqual([]);
  });

  test("bytes", () => {
    const one = event({ datacontenttype: "image/png", data: Uint8Array.of(0, 255, 137, 80) });
    expect(decodeHttp(encodeStructured(one))).toEqual([one]);
    expect(decodeHttp(encodeBinary(one))[0]?.data).toEqual(Buffer.from([0, 255, 137, 80]));
    expect(toCloudEventJson(one)).toMatchObject({ data_base64: "AP+JUA==" });
  });

  test("text", () => {
    const one = event({ datacontenttype: "text/plain; charset=utf-8", data: "Hello, 🌎!" });
    expect(decodeHttp(encodeStructured(one))).toEqual([one]);
    expect(decodeHttp(encodeBinary(one))).toEqual([one]);
  });

  test("numbers and truth values of extensions, where the mode can tell them from text", () => {
    const one = event({ extensions: { count: 2_147_483_647, less: -2_147_483_648, is: true } });
    expect(decodeHttp(encodeStructured(one))).toEqual([one]);
    expect(decodeHttp(encodeBinary(one))[0]?.extensions).toEqual({
      count: "2147483647",
      less: "-2147483648",
      is: "true",
    });
  });
});

describe("header values (HTTP binding 3.1.3.2)", () => {
  // The specification's example: Euro sign, space, grinning face.
  test.each([
    ["Euro € 😀", "Euro%20%E2%82%AC%20%F0%9F%98%80"],
    ['say "100%"', "say%20%22100%25%22"],
    ["a~!b", "a~!b"],
  ])("%s is written %s", (subject, written) => {
    expect(encodeBinary(event({ subject })).headers["ce-subject"]).toBe(written);
  });

  test.each([
    ["lower-case digits", "%e2%82%ac", "€"],
    ["what need not be encoded", "%41%7a", "Az"],
    ["quoted values", '"a \\"b\\" c"', 'a "b" c'],
    ["one round only", "%2541", "%41"],
  ])("%s are read", (_, written, subject) => {
    expect(decodeHttp(binary({ "ce-subject": written }))[0]?.subject).toBe(subject);
  });

  test.each([
    ["half an encoding", "100%", "without two hex digits"],
    ["an encoding of no digits", "%zz", "without two hex digits"],
    ["an overlong character", "%C0%A0", "UTF-8"],
    ["half a surrogate pair", "%ED%A0%80", "UTF-8"],
    ["a line break", "a%0Ab", "control character"],
  ])("%s is refused", (_, written, problem) => {
    expect(problemOf(() => decodeHttp(binary({ "ce-subject": written })))).toContain(problem);
  });
});

describe("what is no CloudEvent is refused, and says why", () => {
  test.each<[string, Readonly<Record<string, unknown>>, string]>([
    ["version 0.3", { specversion: "0.3" }, "specversion"],
    ["version 1", { specversion: 1 }, "specversion"],
    ["no version", { specversion: undefined }, "specversion"],
    ["no id", { id: null }, "id is missing"],
    ["no source", { source: null }, "source is missing"],
    ["no type", { type: null }, "type is missing"],
    ["an empty id", { id: "" }, "id is empty"],
    ["an empty subject", { subject: "" }, "subject is empty"],
    ["a number as id", { id: 1 }, "id is not a string"],
    ["a space in the source", { source: "/a b" }, "source"],
    ["half an encoding in the source", { source: "/a%2" }, "source"],
    ["a relative dataschema", { dataschema: "/schema" }, "dataschema"],
    ["a time without zone", { time: "2018-04-05T03:56:24" }, "time"],
    ["a day that does not exist", { time: "2018-02-30T03:56:24Z" }, "time"],
    ["an hour that does not exist", { time: "2018-02-20T24:00:00Z" }, "time"],
    ["a content type without a subtype", { datacontenttype: "text" }, "datacontenttype"],
    ["a name in capitals", { MyName: "a" }, "MyName"],
    ["a name with a dash", { "my-name": "a" }, "my-name"],
    ["an empty name", { "": "a" }, '""'],
    ["a fraction", { count: 1.5 }, "count"],
    ["a number of 33 bits", { count: 2 ** 31 }, "count"],
    ["a list", { list: [] }, "list"],
    ["a control character", { note: "a\u0007" }, "note"],
    ["half a surrogate pair", { note: "\ud800" }, "note"],
    ["data twice", { data: 1, data_base64: "AA==" }, "data_base64"],
    ["data that is not base 64", { data_base64: "A" }, "data_base64"],
    ["data that is no text", { data_base64: 4 }, "data_base64"],
  ])("%s", (_, change, problem) => {
    // Through JSON, so that undefined means missing.
    const sent: unknown = JSON.parse(JSON.stringify(json(change)));
    expect(problemOf(() => parseCloudEvent(sent))).toContain(problem);
  });

  test.each([[null], ["event"], [[]], [4]])("%j", (value) => {
    expect(problemOf(() => parseCloudEvent(value))).toContain("JSON object");
  });

  test.each<[string, HttpMessage, string]>([
    ["an unknown format", binary({ "content-type": "application/cloudevents+xml" }), "no format"],
    ["a body that is no JSON", binary({ "content-type": "application/json" }, "{"), "not JSON"],
    ["a body that is no UTF-8", { ...binary({}), body: Buffer.from([0xff]) }, "not UTF-8"],
    ["the content type twice", binary({ "ce-datacontenttype": "text/plain" }), "content-type"],
    ["attributes without a name", binary({ "ce-": "a" }), '""'],
    [
      "a batch that is an object",
      {
        headers: { "content-type": "application/cloudevents-batch+json" },
        body: Buffer.from("{}"),
      },
      "not a JSON array",
    ],
  ])("%s", (_, message, problem) => {
    expect(problemOf(() => decodeHttp(message))).toContain(problem);
  });

  test("data that its content type cannot carry", () => {
    const one = event({ datacontenttype: "image/png", data: { not: "bytes" } });
    expect(problemOf(() => encodeBinary(one))).toContain("image/png");
  });
});

test("whatever is sent is read or refused by a code, and what is read can be said again", () => {
  const value = fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue()));
  const change = fc.dictionary(fc.constantFrom(...RESERVED, "data_base64", "x"), fc.jsonValue());
  fc.assert(
    fc.property(fc.oneof(value, change.map(json)), (sent) => {
      let read: CloudEvent | undefined;
      // Rethrows what has no code.
      const problem = problemOf(() => (read = parseCloudEvent(sent)));
      expect(problem === "none").toBe(read !== undefined);
      if (read !== undefined) expect(parseCloudEvent(toCloudEventJson(read))).toEqual(read);
    }),
  );
});

test("null means missing, and extensions that nobody knows are kept", () => {
  const read = parseCloudEvent(json({ subject: null, comexampleothervalue: "5", data: null }));
  expect(read).toEqual(event({ extensions: { comexampleothervalue: "5" }, data: null }));
});

test("names that every object has are extensions like any other, or none", () => {
  const read = parseCloudEvent(json({ constructor: "built", valueof: "5" }));
  expect(read.extensions).toEqual({ constructor: "built", valueof: "5" });
  const inherited: unknown = JSON.parse('{"__proto__":{"specversion":"1.0"},"id":"1"}');
  expect(problemOf(() => parseCloudEvent(inherited))).toContain("specversion");
  const named: unknown = JSON.parse('{"__proto__":{},"specversion":"1.0","id":"1"}');
  expect(problemOf(() => parseCloudEvent(named))).toContain("__proto__");
});

test("leap seconds, fractions and small letters are times too", () => {
  for (const time of [
    "2016-12-31T23:59:60Z",
    "1985-04-12t23:20:50.52z",
    "2020-02-29T00:00:00-08:00",
  ]) {
    expect(parseCloudEvent(json({ time })).time).toBe(time);
  }
});
