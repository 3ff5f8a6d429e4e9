/** What the bus refuses, or cannot do. */
import { defineErrors } from "@tideway/kernel";

export const busErrors = defineErrors({
  BUS_FENCED: {
    status: 409,
    retryable: false,
    title: "Another bus has taken over; the one with fence {fence} writes nothing any more.",
    action: "End this process; the other one goes on where this one was.",
  },
  BUS_OWNED: {
    status: 503,
    retryable: true,
    title: "Another bus ({owner}) owns the log for another {leaseMs} ms.",
    action: "End the other bus, or wait until its lease is over.",
  },
  BUS_NOT_DURABLE: {
    status: 500,
    retryable: false,
    title: "The database would lose acknowledged events: {settings}.",
    action: "Switch these settings on, or start everything with --unsafe.",
  },
  BUS_SETTING_INVALID: {
    status: 500,
    retryable: false,
    title: "{name} is {value}; it must be {expected}.",
    action: "Correct or remove the variable, then start again.",
  },
  BUS_EPOCH_STALE: {
    status: 409,
    retryable: false,
    title: "The configuration has epoch {given}; the bus already has {current}.",
    action: "Send a configuration with a higher epoch.",
  },
  BUS_CONFIG_INVALID: {
    status: 400,
    retryable: false,
    title: "The configuration is not valid at {path}: {problem}.",
    action: "Correct the named field and send the whole configuration again.",
  },
  BUS_NOT_CONFIGURED: {
    status: 503,
    retryable: true,
    title: "The bus has no configuration yet.",
    action: "Wait until control has sent one.",
  },
  GROUP_UNKNOWN: {
    status: 404,
    retryable: false,
    title: "No service {group} consumes events.",
    action: "Look at the list of groups; a service is one when its declaration consumes something.",
  },
  KEY_UNKNOWN: {
    status: 404,
    retryable: false,
    title: "The key {key} of {group} is not in trouble.",
    action: "Look at the list of keys.",
  },
  EVENT_NOT_IN_LOG: {
    status: 404,
    retryable: false,
    title: "The log has no event {event}.",
    action: "Check the id; events older than the retention are gone.",
  },
  REPLAYS_TOO_MANY: {
    status: 429,
    retryable: true,
    title: "{group} has {limit} replays under way.",
    action: "Wait until one of them is through.",
  },
});
