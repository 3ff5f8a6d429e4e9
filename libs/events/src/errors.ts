import { defineErrors } from "@tideway/kernel";

/** What goes wrong with events, on the way out and on the way in. */
export const eventErrors = defineErrors({
  EVENT_UNKNOWN: {
    status: 500,
    retryable: false,
    title: "{service} declares no event {event}.",
    action: "Declare it in the api's `events`, or publish one of those that are there.",
  },
  EVENT_DATA_INVALID: {
    status: 500,
    retryable: false,
    title: "The data of {type} does not match its schema: {path} {problem}.",
    action: "Correct the named field, or publish it as a new version of the event.",
  },
  EVENT_TOO_LARGE: {
    status: 500,
    retryable: false,
    title: "The data of {type} has {bytes} bytes as JSON; {limitBytes} are the most.",
    action: "Send an id by which the consumer can fetch the rest.",
  },
  EVENT_KEY_INVALID: {
    status: 500,
    retryable: false,
    title: "The key of {type} has {bytes} bytes; it needs 1 to {limitBytes} of printable text.",
    action: "Use the id of what the event is about.",
  },
  EVENTS_BACKLOGGED: {
    status: 503,
    retryable: true,
    title:
      "Events of {service} wait for {ageSeconds} s already, so nothing that needs more is begun.",
    action: "Try again in a moment with the same Idempotency-Key.",
  },
  EVENT_BATCH_INVALID: {
    status: 400,
    retryable: false,
    title: "The delivery is not a batch of events: {problem}.",
    action: "Send CloudEvents 1.0 as application/cloudevents-batch+json.",
  },
  EVENT_TYPE_UNKNOWN: {
    status: 422,
    retryable: false,
    title: "This revision does not consume {type}.",
    action: "Declare it in `consumes` and release, or let a revision that consumes it take over.",
  },
  EVENT_SOURCE_FORGED: {
    status: 422,
    retryable: false,
    title: "{source} sent an event of type {type}, which is another service's.",
    action: "Find out who wrote it into that service's outbox.",
  },
  EVENT_HANDLER_FAILED: {
    status: 500,
    retryable: true,
    title: "The handler of {type} failed: {problem}.",
    action: "Look at the trace; correct the handler and release, then redrive the key.",
  },
  EVENT_HANDLER_TIMEOUT: {
    status: 504,
    retryable: true,
    title: "The handler of {type} was not done within {limitMs} ms; what it wrote was undone.",
    action: "Make it shorter: begin a saga for what takes long.",
  },
  JOB_UNKNOWN: {
    status: 404,
    retryable: false,
    title: "There is no job {job}.",
    action: "Name it in `cron` of the declaration and give it a function.",
  },
  JOB_RUNNING: {
    status: 409,
    retryable: true,
    title: "The tick {tick} of {job} is being worked on.",
    action: "Ask again in a while; if whoever works on it dies, its lease runs out.",
  },
  JOB_FAILED: {
    status: 500,
    retryable: true,
    title: "The job {job} failed: {problem}.",
    action: "Look at the trace; the tick is tried again.",
  },
  CLOUD_EVENT_INVALID: {
    status: 400,
    retryable: false,
    title: "This is not a CloudEvent of version 1.0: {problem}.",
    action: "Correct the named attribute.",
  },
});
