/** Rules about operations and events: what a document offers, beside the data. */
import type { Rule } from "./rules.ts";

export const documentRules = {
  "operation-removed": {
    change: "changed",
    sentence: "{What} was removed{detail}.",
  },
  "operation-added": { change: "note", sentence: "{What} is new." },
  "operation-deprecated": { change: "note", sentence: "{What} is now deprecated{detail}." },
  "operation-id-changed": {
    change: "note",
    sentence: "The operationId of {what} changed{detail}: generated clients get another name.",
  },
  "sunset-advanced": {
    change: "tighter",
    request: "breaking",
    reply: "breaking",
    sentence: "{What} ends earlier than was announced{detail}.",
  },
  "sunset-removed": {
    change: "tighter",
    request: "breaking",
    reply: "breaking",
    sentence: "{What} is still deprecated, and its announced end is gone{detail}.",
  },
  "server-removed": { change: "note", sentence: "The server{detail} is no longer listed." },
  "security-added": { change: "tighter", sentence: "{What} now needs{detail}." },
  "security-tightened": { change: "tighter", sentence: "{What} now asks for more than{detail}." },
  "security-loosened": {
    change: "looser",
    reply: "info",
    sentence: "{What} asks for less{detail}.",
  },
  "parameter-removed": {
    change: "looser",
    // The service ignores what it does not know, so the request still works, for less.
    request: "warning",
    sentence: "{What} was removed.",
  },
  "parameter-added": { change: "looser", reply: "info", sentence: "{What} is new and optional." },
  "required-parameter-added": { change: "tighter", sentence: "{What} is new and required." },
  "parameter-became-required": { change: "tighter", sentence: "{What} is now required." },
  "parameter-became-optional": { change: "looser", sentence: "{What} is no longer required." },
  "parameter-serialised-differently": {
    change: "changed",
    sentence: "{What} is written differently{detail}.",
  },
  "parameter-deprecated": { change: "note", sentence: "{What} is now deprecated." },
  // A parameter is left out far more often than a field, so its default is part of the call.
  "parameter-default-changed": {
    change: "note",
    request: "breaking",
    sentence:
      "The default of {what} changed{detail}: a call that leaves it out means something else.",
  },
  "parameter-default-added": {
    change: "note",
    request: "warning",
    sentence:
      "{What} now has a default{detail}: a call that leaves it out may mean something else.",
  },
  "body-required-added": { change: "tighter", sentence: "{What} is new and required." },
  "body-added": { change: "looser", reply: "info", sentence: "{What} is new and optional." },
  "body-removed": { change: "changed", sentence: "{What} was removed." },
  "body-became-required": { change: "tighter", sentence: "{What} is now required." },
  "body-became-optional": { change: "looser", sentence: "{What} is no longer required." },
  "media-type-removed": { change: "changed", sentence: "{What} no longer comes as{detail}." },
  // A caller names what it accepts, so a further one is not sent unasked.
  "media-type-added": { change: "looser", reply: "info", sentence: "{What} may also be{detail}." },
  "encoding-changed": {
    change: "note",
    request: "warning",
    reply: "warning",
    sentence: "The encoding of {what} changed{detail}.",
  },
  "header-removed": { change: "looser", sentence: "{What} is no longer sent." },
  "optional-header-removed": {
    change: "looser",
    reply: "warning",
    sentence: "{What}, which was optional, is no longer sent.",
  },
  "header-became-optional": { change: "looser", sentence: "{What} is no longer always sent." },
  "header-became-required": { change: "tighter", sentence: "{What} is now always there." },
  "header-added": { change: "tighter", request: "info", sentence: "{What} is new." },
  "success-status-removed": {
    change: "changed",
    sentence: "{What}, a success, is no longer answered.",
  },
  // The next test of a client is usually for any success; a few test for the number.
  "success-status-added": {
    change: "looser",
    reply: "warning",
    sentence: "{What}, a success, is answered now too.",
  },
  "error-status-removed": { change: "tighter", sentence: "{What} is no longer answered." },
  "error-status-added": {
    change: "looser",
    reply: "info",
    sentence: "{What} is answered now too.",
  },
  "callback-removed": { change: "changed", sentence: "{What} is no longer called." },
  "callback-added": { change: "note", sentence: "{What} is called now too." },
  "event-removed": { change: "changed", sentence: "{What} is no longer told of{detail}." },
  "event-added": { change: "note", sentence: "{What} is new." },
  "event-moved": { change: "changed", sentence: "{What} comes another way{detail}." },
  "content-type-changed": { change: "changed", sentence: "{What} has another form{detail}." },
} as const satisfies Readonly<Record<string, Rule>>;
