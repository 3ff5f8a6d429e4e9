/**
 * The CloudEvents project's own cases (github.com/cloudevents/conformance) against our codec: its
 * HTTP features, sent as they stand through a real HTTP server, and its events in YAML, encoded in
 * their mode and read back.
 */
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  decodeHttp,
  encodeBatched,
  encodeBinary,
  encodeStructured,
  isJsonType,
} from "@tideway/events";
import type { CloudEvent, HttpMessage } from "@tideway/events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { parseFeature } from "./gherkin.ts";
import type { Scenario, Step } from "./gherkin.ts";

const CASES = fileURLToPath(
  new URL("../../../shared/cases/reliability/cloudevents-conformance", import.meta.url),
);
const areThere = existsSync(CASES);
const read = (name: string): string => readFileSync(join(CASES, name), "utf8");
const scenariosOf = (name: string): readonly Scenario[] =>
  areThere ? parseFeature(read(`features/${name}-protocol-binding.feature`)) : [];

test.skipIf(areThere)("the cases are not here, so nothing was tested", (context) => {
  context.skip(
    "../shared/cases/reliability/cloudevents-conformance is missing beside the checkout",
  );
});

describe.skipIf(!areThere)("features/http-protocol-binding.feature", () => {
  const scenarios = scenariosOf("http");
  let server: Server;
  let received: PromiseWithResolvers<HttpMessage>;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const headers = Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
        );
        received.resolve({ headers, body: Buffer.concat(chunks) });
        response.writeHead(202).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  test("has the four scenarios that we know of", () => {
    expect(scenarios.map(({ name }) => name)).toEqual([
      "Binary content mode (application/json)",
      "Binary content mode (application/json; charset=utf-8)",
      "Structured content mode (application/cloudevents+json)",
      "Structured content mode (application/cloudevents+json; charset=utf-8)",
    ]);
  });

  test.each(scenarios)("$name", async ({ steps }) => {
    let request = "";
    let event: CloudEvent | undefined;
    for (const step of steps) {
      switch (step.text) {
        case "HTTP Protocol Binding is supported":
          break;
        case "an HTTP request":
          request = step.docString ?? "";
          break;
        case "parsed as HTTP request":
          [event] = decodeHttp(await send(request));
          break;
        case "the attributes are:":
          expect(attributesOf(event)).toEqual(tableOf(step));
          break;
        case "the data is equal to the following JSON:":
          expect(event?.data).toEqual(JSON.parse(step.docString ?? ""));
          break;
        default:
          throw new Error(`Nobody knows what "${step.text}" means.`);
      }
    }
    expect(event).toBeDefined();
  });

  /** Sends the request byte by byte as it stands and answers it as a server sees it. */
  async function send(text: string): Promise<HttpMessage> {
    received = Promise.withResolvers();
    const [head = "", ...rest] = text.split("\n\n");
    const wire = `${head.replaceAll("\n", "\r\n")}\r\n\r\n${rest.join("\n\n")}`;
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, "127.0.0.1", () => socket.end(wire));
    socket.on("error", received.reject);
    const message = await received.promise;
    socket.destroy();
    return message;
  }
});

describe.skipIf(!areThere)("features/kafka-protocol-binding.feature", () => {
  test.for(scenariosOf("kafka"))("$name", (_, { skip }) => {
    skip("no part of Tideway speaks Kafka; events travel by HTTP, and by NATS in the bus");
  });
});

describe.skipIf(!areThere)("yaml", () => {
  const cases = areThere
    ? ["yaml/v1.yaml", "yaml/v1.0/v1_minimum.yaml"].flatMap((file) =>
        documentsOf(file).map((one, index) => ({ name: `${file} ${index + 1}`, ...one })),
      )
    : [];

  test("has the eight events that we know of", () => {
    expect(cases.map(({ mode }) => mode)).toEqual([
      "binary",
      "structured",
      ...Array.from({ length: 6 }, () => "any"),
    ]);
  });

  test.each(cases)("$name comes back as it was said", ({ mode, event }) => {
    const modes = {
      binary: encodeBinary,
      structured: encodeStructured,
      batched: (one: CloudEvent) => encodeBatched([one]),
    };
    for (const [name, encode] of Object.entries(modes)) {
      if (mode !== "any" && mode !== name) continue;
      // Without a content type data is JSON, and a binary message has to say so.
      const implied = name === "binary" ? { datacontenttype: "application/json" } : {};
      expect(decodeHttp(encode(event))).toEqual([{ ...implied, ...event }]);
    }
  });

  test("version 0.3 is refused: it was replaced in 2019, and nothing of ours ever spoke it", () => {
    for (const file of ["yaml/v03.yaml", "yaml/v0.3/v03_minimum.yaml"]) {
      for (const { attributes } of documentsOf(file)) {
        const body = Buffer.from(JSON.stringify(attributes));
        const headers = { "content-type": "application/cloudevents+json" };
        expect(() => decodeHttp({ headers, body })).toThrow("specversion");
      }
    }
  });

  test("a line break in an attribute, as the files' block scalars have it, is refused", () => {
    // "comexampleextension2: |" ends with one, which CloudEvents 1.0 forbids in strings; the other
    // cases above are read without it, as a header cannot end with one either.
    const said = documentsOf("yaml/v1.yaml")[0]?.attributes["comexampleextension2"];
    expect(said).toBe('{"othervalue": 5}\n');
    const message = encodeBinary({ ...plain, extensions: { comexampleextension2: said ?? "" } });
    expect(() => decodeHttp(message)).toThrow("control character");
  });
});

const plain: CloudEvent = { id: "1", source: "/s", type: "t", extensions: {} };

interface YamlCase {
  readonly mode: string;
  /** As written, with its line breaks. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly event: CloudEvent;
}

interface YamlEvent {
  readonly Mode?: string;
  readonly ContextAttributes: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly Data?: string;
}

function documentsOf(file: string): readonly YamlCase[] {
  // By this schema everything is text: "specversion: 1.0" is not the number one.
  return [...parseAllDocuments(read(file), { schema: "failsafe" })].map((document) => {
    const value = document.toJS() as YamlEvent;
    const { Extensions: extensions, ...core } = value.ContextAttributes;
    const attributes: Record<string, string> = {};
    for (const [name, one] of Object.entries({ ...core, ...Object(extensions) })) {
      attributes[name] = String(one);
    }
    const mode = (value.Mode ?? "any").toLowerCase();
    return { mode, attributes, event: eventOf(attributes, value.Data) };
  });
}

function eventOf(
  attributes: Readonly<Record<string, string>>,
  data: string | undefined,
): CloudEvent {
  const { specversion: _, id = "", source = "", type = "", ...others } = attributes;
  const { time, datacontenttype, ...extensions } = others;
  return {
    id,
    source,
    type,
    ...(time === undefined ? {} : { time }),
    ...(datacontenttype === undefined ? {} : { datacontenttype }),
    extensions: Object.fromEntries(
      Object.entries(extensions).map(([name, value]) => [name, value.trimEnd()]),
    ),
    ...(data === undefined ? {} : { data: isJsonType(datacontenttype) ? JSON.parse(data) : data }),
  };
}

function attributesOf(event: CloudEvent | undefined): Readonly<Record<string, unknown>> {
  if (event === undefined) return {};
  const { data: _, extensions, ...core } = event;
  return { specversion: "1.0", ...core, ...extensions };
}

function tableOf({ table }: Step): Readonly<Record<string, string>> {
  return Object.fromEntries(table.slice(1).map(([key = "", value = ""]) => [key, value]));
}
