import { defineErrors } from "@tideway/kernel";

/** Expected failures of an engine, whatever it runs instances with. */
export const engineErrors = defineErrors({
  ENGINE_EPOCH_STALE: {
    status: 409,
    retryable: false,
    title: "{revision} is at epoch {current}; the order of epoch {given} is older.",
    action: "Read the present configuration and order again with its epoch.",
  },
  ENGINE_FULL: {
    status: 503,
    retryable: true,
    title: "{wanted} instances {where} are more than the {limit} that may run.",
    action: "Remove revisions that nobody uses, or lower their instancesMin.",
  },
  ENGINE_BOUNDS_INVALID: {
    status: 400,
    retryable: false,
    title: "{revision} cannot have {min} to {max} instances.",
    action: "Give whole numbers with 0 <= min <= max.",
  },
  ENGINE_GRACE_INVALID: {
    status: 400,
    retryable: false,
    title: "{given} ms is no time to drain in.",
    action: "Give 0 to {limitMs} ms.",
  },
  ENGINE_REVISION_INVALID: {
    status: 400,
    retryable: false,
    title: "{given} is not a revision's id.",
    action: "Use the service's name, a dash and a number, for example payments-7.",
  },
  ENGINE_REVISION_CHANGED: {
    status: 409,
    retryable: false,
    title: "{revision} runs with digest {current}; a revision never changes, {given} was given.",
    action: "Deploy what changed as a new revision.",
  },
  ENGINE_REVISION_UNKNOWN: {
    status: 404,
    retryable: false,
    title: "Nothing of {revision} runs here or ever wrote a log.",
    action: "Check the id, or ensure the revision first.",
  },
  ENGINE_START_FAILED: {
    status: 500,
    retryable: true,
    title: "{instance} of {revision} could not be started: {problem}.",
    action: "Remove the cause; it is tried again by itself.",
  },
  ENGINE_ENVIRONMENT_LATE: {
    status: 504,
    retryable: true,
    title: "The variables for {instance} of {revision} were not there within {timeoutMs} ms.",
    action: "Check that the database answers; it is tried again by itself.",
  },
  ENGINE_INSTANCE_STUCK: {
    status: 500,
    retryable: true,
    title: "{instance} (pid {pid}) was still there {waitedMs} ms after SIGKILL.",
    action:
      "Look for a disk or a mount that hangs; the system cannot end a process waiting for it.",
  },
  ENGINE_CLOSED: {
    status: 503,
    retryable: true,
    title: "This engine was closed.",
    action: "Ask its successor.",
  },
});
