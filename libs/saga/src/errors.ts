/** What sagas refuse. */
import { defineErrors } from "@tideway/kernel";

export const sagaErrors = defineErrors({
  SAGA_UNKNOWN: {
    status: 500,
    retryable: false,
    title: "This revision carries no saga {name}.",
    action: "Add its definition to the service's sagas and release it.",
  },
  SAGA_DATA_INVALID: {
    status: 400,
    retryable: false,
    title: "The data of saga {name} does not match its schema: {path} {problem}.",
    action: "Correct the named field; nothing was started.",
  },
  SAGA_DATA_TOO_LARGE: {
    status: 413,
    retryable: false,
    title: "The data of saga {name} has {bytes} bytes; at most {bytesMax} are kept.",
    action: "Keep the data elsewhere and give the saga a reference.",
  },
  SAGA_KEY_INVALID: {
    status: 400,
    retryable: false,
    title: "A saga's key has 1 to 200 bytes without NUL, and this one has {bytes}.",
    action: "Use the id of what the saga is about.",
  },
  SAGA_KEY_REUSED: {
    status: 422,
    retryable: false,
    title: "The key {key} of saga {name} was used with other data.",
    action: "Use another key for another saga.",
  },
  SAGA_REQUEST_TOO_LARGE: {
    status: 413,
    retryable: false,
    title:
      "The requests of step {step}, with its undo, have {bytes} bytes; at most {bytesMax} are kept.",
    action: "Give the service called a reference from which it can fetch the rest.",
  },
  SAGA_REQUEST_INVALID: {
    status: 400,
    retryable: false,
    title:
      "A request of step {step} holds a NUL or half of a surrogate pair, which cannot be kept.",
    action: "Clean the text where it comes in.",
  },
  SAGA_SIGNAL_INVALID: {
    status: 400,
    retryable: false,
    title:
      "The data of signal {signal} cannot be kept: it has {bytes} bytes; at most {bytesMax}, without NUL, are.",
    action: "Give the saga a reference from which it can fetch the rest.",
  },
  SAGA_SIGNAL_UNKNOWN: {
    status: 404,
    retryable: false,
    title: "Saga {saga} waits for no signal {signal}.",
    action: "Check the name against the steps of the saga's definition.",
  },
  SAGA_NOT_FOUND: {
    status: 404,
    retryable: false,
    title: "There is no saga {saga} here.",
    action: "Check the id and the service; sagas that are over are kept 30 days.",
  },
  SAGA_PAST_PIVOT: {
    status: 409,
    retryable: false,
    title: "Saga {saga} has begun step {step}, after which there is no way back.",
    action: "Let it go on, or retry it; it can only be completed now.",
  },
  SAGA_OVER: {
    status: 409,
    retryable: false,
    title: "Saga {saga} is {state}.",
    action: "There is nothing left to do.",
  },
  SAGA_STEP_FAILED: {
    status: 500,
    retryable: true,
    title: "The step {step} failed: {problem}.",
    action: "It is tried again; if it stays, look at the service's log.",
  },
});
