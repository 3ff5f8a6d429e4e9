/** Rules about data: found anywhere that a schema stands. */
import type { Rule } from "./rules.ts";

export const schemaRules = {
  "type-changed": { change: "changed", sentence: "The type of {what} changed{detail}." },
  "type-narrowed": { change: "tighter", sentence: "The type of {what} was narrowed{detail}." },
  "type-widened": { change: "looser", sentence: "The type of {what} was widened{detail}." },
  "null-removed": { change: "tighter", sentence: "{What} may no longer be null." },
  "null-added": { change: "looser", sentence: "{What} may now be null." },
  "enum-value-removed": { change: "tighter", sentence: "{What} no longer knows{detail}." },
  "enum-value-added": { change: "looser", sentence: "{What} has new values:{detail}." },
  "enum-added": { change: "tighter", sentence: "{What} was restricted to{detail}." },
  "enum-removed": { change: "looser", sentence: "{What} is no longer restricted to{detail}." },
  "pattern-added": { change: "tighter", sentence: "{What} must now match{detail}." },
  "pattern-removed": { change: "looser", sentence: "{What} need no longer match{detail}." },
  "pattern-changed": { change: "changed", sentence: "The pattern of {what} changed{detail}." },
  "format-added": { change: "tighter", sentence: "{What} now has the format{detail}." },
  // A format is a hint that validators may ignore; its loss alone misleads few readers.
  "format-removed": {
    change: "looser",
    reply: "warning",
    sentence: "{What} no longer has the format{detail}.",
  },
  "format-changed": { change: "changed", sentence: "The format of {what} changed{detail}." },
  "format-narrowed": { change: "tighter", sentence: "The format of {what} was narrowed{detail}." },
  "format-widened": { change: "looser", sentence: "The format of {what} was widened{detail}." },
  "multiple-of-tightened": {
    change: "tighter",
    sentence: "{What} must now be a multiple of{detail}.",
  },
  "multiple-of-loosened": {
    change: "looser",
    sentence: "{What} need no longer be a multiple of{detail}.",
  },
  "unique-items-added": { change: "tighter", sentence: "The items of {what} must now be unique." },
  "unique-items-removed": {
    change: "looser",
    sentence: "The items of {what} may now repeat themselves.",
  },
  "required-property-added": { change: "tighter", sentence: "{What} is new and required." },
  // Who writes or reads only what he knows is not concerned by a new optional property.
  "property-added": {
    change: "tighter",
    request: "info",
    event: "info",
    sentence: "{What} is new and optional.",
  },
  // A reader that checks strictly refuses what the old schema ruled out.
  "property-added-to-closed": {
    change: "looser",
    reply: "warning",
    sentence: "{What} is new, where the schema ruled out properties that it does not name.",
  },
  "property-became-required": { change: "tighter", sentence: "{What} is now required." },
  "property-became-optional": { change: "looser", sentence: "{What} is no longer required." },
  // The service ignores what it does not know, so the request still works, for less.
  "property-removed": {
    change: "looser",
    request: "warning",
    sentence: "{What} was removed{detail}.",
  },
  "property-refused": {
    change: "changed",
    sentence: "{What} was removed, and properties that the schema does not name are refused.",
  },
  "properties-closed": {
    change: "tighter",
    sentence: "{What} now refuses properties that the schema does not name.",
  },
  "properties-opened": {
    change: "looser",
    reply: "warning",
    sentence: "{What} may now have properties that the schema does not name.",
  },
  "keyword-added": { change: "tighter", sentence: "{What} is now restricted by{detail}." },
  "keyword-removed": { change: "looser", sentence: "{What} is no longer restricted by{detail}." },
  "keyword-changed": {
    change: "changed",
    sentence: "{What} is restricted differently by{detail}.",
  },
  "alternative-removed": { change: "tighter", sentence: "{What} can no longer be{detail}." },
  "alternative-added": { change: "looser", sentence: "{What} can now also be{detail}." },
  // Rarely meant, and rarely met: the warning asks for a look at it.
  "one-of-overlap-added": {
    change: "tighter",
    request: "warning",
    sentence: "{What} is refused where it fits more than one of its alternatives.",
  },
  "one-of-overlap-removed": {
    change: "looser",
    reply: "warning",
    sentence: "{What} may now fit what was more than one of its alternatives.",
  },
  // A part that is named is a demand that goes on growing, also where today others imply it.
  "all-of-added": { change: "tighter", sentence: "{What} must now also be{detail}." },
  "all-of-removed": { change: "note", sentence: "{What} need no longer be{detail} by name." },
  // Who leaves it out now says something else; who sends it is not concerned.
  "default-changed": {
    change: "note",
    request: "warning",
    sentence: "The default of {what} changed{detail}.",
  },
  "read-only-set": {
    change: "note",
    request: "warning",
    sentence: "{What} is now read-only: what a caller sends in it counts for nothing.",
  },
  "read-only-unset": { change: "note", sentence: "{What} is no longer read-only." },
  "write-only-set": {
    change: "note",
    reply: "breaking",
    sentence: "{What} is now write-only: no answer has it any more.",
  },
  "write-only-unset": { change: "note", sentence: "{What} is no longer write-only." },
  "discriminator-changed": {
    change: "note",
    request: "warning",
    reply: "warning",
    sentence: "The discriminator of {what} changed{detail}.",
  },
  "property-deprecated": { change: "note", sentence: "{What} is now deprecated." },
  "reference-unresolved": {
    change: "changed",
    sentence: "{What} refers to what cannot be found{detail}, so nothing can be said of it.",
  },
  "recursive-part-changed": {
    change: "changed",
    sentence: "{What} is of the kind that changed further up, so it changed in the same way.",
  },
  "more-places-changed": {
    change: "changed",
    sentence: "{What} changed in more places than are listed.",
  },
  "comparison-too-large": {
    change: "changed",
    sentence: "{What} is too large to be compared: the work of one comparison is bounded.",
  },
} as const satisfies Readonly<Record<string, Rule>>;
