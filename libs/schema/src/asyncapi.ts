/**
 * The AsyncAPI 3 document of what a service tells by events: a channel and a message for each type.
 * The payload is the event's data; on the wire it is a CloudEvents 1.0 event of that type.
 */
import type { Api } from "./api.ts";
import { exampleOf } from "./example-of.ts";
import { plain } from "./openapi.ts";
import type { JsonObject } from "./openapi.ts";

/**
 * Makes the document: plain JSON, the same bytes for the same api.
 *
 * @example writeFileSync("asyncapi.json", JSON.stringify(toAsyncApi(ledgerApi), null, 2));
 */
export function toAsyncApi(api: Api): JsonObject {
  const channels: Record<string, unknown> = {};
  const operations: Record<string, unknown> = {};
  const messages: Record<string, unknown> = {};
  for (const [name, event] of Object.entries(api.events ?? {})) {
    const { type } = event;
    const example = exampleOf(event.data);
    channels[type] = {
      address: type,
      description: event.summary,
      messages: { [type]: { $ref: `#/components/messages/${type}` } },
    };
    operations[name] = {
      action: "send",
      channel: { $ref: `#/channels/${type}` },
      messages: [{ $ref: `#/channels/${type}/messages/${type}` }],
    };
    messages[type] = {
      name: type,
      title: event.summary,
      contentType: "application/json",
      payload: event.data,
      ...(example === undefined ? {} : { examples: [{ payload: example }] }),
      "x-tideway-key": event.key,
      "x-tideway-shedding": event.shedding ?? "normal",
    };
  }
  return plain({
    asyncapi: "3.0.0",
    info: {
      title: api.name,
      version: api.version,
      description: `What the service ${api.name} tells of, as CloudEvents 1.0.`,
    },
    defaultContentType: "application/json",
    channels,
    operations,
    components: { messages },
  });
}
