/**
 * The events of an AsyncAPI document, by type. Version 3 says with operations whether a message is
 * sent or received; a channel that no operation names, and version 2's `subscribe`, are sent.
 */
import { isObject, listAt, objectAt, textAt } from "./json.ts";
import { below, resolve } from "./resolve.ts";
import type { Document, Located } from "./resolve.ts";

export interface EventMessage {
  readonly type: string;
  readonly action: "send" | "receive";
  readonly at: Located;
  /** The channel's address, with the names of its parameters taken out. */
  readonly address: string;
}

export function eventsOf(document: Document): ReadonlyMap<string, EventMessage> {
  const root: Located = { document, pointer: "", value: document.root };
  const found = new Map<string, EventMessage>();
  const version = textAt(document.root, "asyncapi") ?? "";
  if (version.startsWith("2")) readVersion2(root, found);
  else {
    for (const name of Object.keys(objectAt(document.root, "operations"))) {
      readOperation(below(root, "operations", name), found);
    }
    for (const name of Object.keys(objectAt(document.root, "channels"))) {
      readChannel(below(root, "channels", name), "send", found, false);
    }
  }
  return found;
}

function readOperation(from: Located, found: Map<string, EventMessage>): void {
  const operation = resolve(from);
  if (operation === undefined) return;
  const action = textAt(operation.value, "action") === "receive" ? "receive" : "send";
  readMessages(operation, action, found);
  const reply = resolve(below(operation, "reply"));
  if (reply?.value === undefined) return;
  // What answers a message travels the other way.
  readMessages(reply, action === "send" ? "receive" : "send", found);
}

/** The messages that an operation (or its reply) names, else all of its channel. */
function readMessages(
  holder: Located,
  action: EventMessage["action"],
  found: Map<string, EventMessage>,
): void {
  const channel = resolve(below(holder, "channel"));
  const listed = listAt(holder.value, "messages");
  if (listed.length === 0) {
    if (channel?.value !== undefined) readChannel(channel, action, found, true);
    return;
  }
  for (const index of listed.keys()) {
    const at = below(holder, "messages", index);
    const reference = textAt(at.value, "$ref");
    const key = reference?.split("/").at(-1) ?? String(index);
    readMessage(at, key, action, addressOf(channel), found);
  }
}

function readChannel(
  from: Located,
  action: EventMessage["action"],
  found: Map<string, EventMessage>,
  named: boolean,
): void {
  const channel = resolve(from);
  if (channel === undefined) return;
  for (const key of Object.keys(objectAt(channel.value, "messages"))) {
    const at = below(channel, "messages", key);
    // Operations come first and know the action; a channel adds what none of them named.
    if (named || !isNamed(at, key, found)) {
      readMessage(at, key, action, addressOf(channel), found);
    }
  }
}

function isNamed(at: Located, key: string, found: ReadonlyMap<string, EventMessage>): boolean {
  const type = typeOf(resolve(at), key);
  return found.has(`send ${type}`) || found.has(`receive ${type}`);
}

function readMessage(
  from: Located,
  key: string,
  action: EventMessage["action"],
  address: string,
  found: Map<string, EventMessage>,
): void {
  const at = resolve(from);
  if (at === undefined || !isObject(at.value)) return;
  const type = typeOf(at, key);
  found.set(`${action} ${type}`, { type, action, at, address });
}

function typeOf(at: Located | undefined, key: string): string {
  return textAt(at?.value, "name") ?? key;
}

function addressOf(channel: Located | undefined): string {
  return (textAt(channel?.value, "address") ?? "").replace(/\{[^}]*\}/g, "{}");
}

function readVersion2(root: Located, found: Map<string, EventMessage>): void {
  for (const address of Object.keys(objectAt(root.value, "channels"))) {
    const channel = below(root, "channels", address);
    for (const [keyword, action] of [
      ["subscribe", "send"],
      ["publish", "receive"],
    ] as const) {
      const message = below(channel, keyword, "message");
      if (message.value === undefined) continue;
      const choices = listAt(message.value, "oneOf");
      const list =
        choices.length === 0 ? [message] : choices.map((_, i) => below(message, "oneOf", i));
      for (const [index, at] of list.entries()) {
        const key = textAt(at.value, "$ref")?.split("/").at(-1) ?? `${address} ${index}`;
        readMessage(at, key, action, address.replace(/\{[^}]*\}/g, "{}"), found);
      }
    }
  }
}
