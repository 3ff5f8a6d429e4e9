import { defineErrors } from "@tideway/kernel";

export const adminErrors = defineErrors({
  OPERATOR_CREDENTIALS_WRONG: {
    status: 401,
    retryable: false,
    title: "Name or password is wrong.",
    action: "Check both and try again.",
  },
  OPERATOR_SIGN_IN_NEEDED: {
    status: 401,
    retryable: false,
    title: "This needs a signed-in operator.",
    action: "Sign in at the console, or run the command as the user who started Tideway.",
  },
  OPERATOR_THROTTLED: {
    status: 429,
    retryable: true,
    title: "Too many wrong passwords.",
    action: "Wait {seconds} s and try again.",
  },
  ORIGIN_REFUSED: {
    status: 403,
    retryable: false,
    title: "The request came from {origin}, which is not this console.",
    action: "Open the console at its own address.",
  },
  OPERATOR_NOT_LOCAL: {
    status: 403,
    retryable: false,
    title: "Only the user who runs Tideway may add operators.",
    action: "Run npx tideway operator add NAME on the machine itself.",
  },
  OPERATOR_EXISTS: {
    status: 409,
    retryable: false,
    title: "There is an operator named {name}.",
    action: "Choose another name.",
  },
  OPERATOR_PASSWORD_WEAK: {
    status: 400,
    retryable: false,
    title: "The password needs at least {lengthMin} characters.",
    action: "Choose a longer one.",
  },
  SERVICE_UNKNOWN: {
    status: 404,
    retryable: false,
    title: "There is no service {service}.",
    action: "npx tideway status lists the services.",
  },
  REVISION_UNKNOWN: {
    status: 404,
    retryable: false,
    title: "There is no revision {revision}.",
    action: "npx tideway get revisions {service} lists the revisions.",
  },
  REVISION_INVALID: {
    status: 400,
    retryable: false,
    title: "The revision cannot be taken: {problem}.",
    action: "Build it again with npx tideway deploy {service}.",
  },
  REVISION_IS_STABLE: {
    status: 409,
    retryable: false,
    title: "{revision} already has all of the traffic.",
    action: "Nothing to do.",
  },
  ROLLOUT_UNKNOWN: {
    status: 404,
    retryable: false,
    title: "There is no rollout {rollout}.",
    action: "npx tideway get rollout SERVICE shows the latest.",
  },
  ROLLOUT_RUNNING: {
    status: 409,
    retryable: false,
    title: "{service} has a rollout under way: {rollout}.",
    action: "Wait for it, or end it with npx tideway abort {service}.",
  },
  ROLLOUT_NOT_RUNNING: {
    status: 409,
    retryable: false,
    title: "{service} has no rollout under way.",
    action: "Start one with npx tideway deploy {service}.",
  },
  ROLLOUT_ACTION_ILLEGAL: {
    status: 409,
    retryable: false,
    title: "A rollout that is {state} cannot {action}.",
    action: "npx tideway get rollout {service} shows what is possible.",
  },
  ROLLBACK_TARGET_MISSING: {
    status: 409,
    retryable: false,
    title: "{service} has no earlier revision to return to.",
    action: "Deploy a corrected one.",
  },
  API_INCOMPATIBLE: {
    status: 409,
    retryable: false,
    title: "{revision} cannot live beside what runs: {problem}.",
    action:
      "npx tideway check api {service} shows each finding; keep what is read, or offer a new version beside the old.",
  },
  MIGRATION_FAILED: {
    status: 409,
    retryable: false,
    title: "The migration {file} failed: {problem}.",
    action: "Correct it in a new file; nothing of it was kept and no traffic moved.",
  },
  BUS_AWAY: {
    status: 503,
    retryable: true,
    title: "The bus does not answer; events wait in their outboxes and in the log.",
    action: "npx tideway status says whether it runs; try again.",
  },
  SAGA_UNKNOWN: {
    status: 404,
    retryable: false,
    title: "There is no saga {saga} in {asked}.",
    action: "Check the id; those that are over are kept for 30 days. npx tideway sagas lists them.",
  },
  SAGA_SERVICE_AWAY: {
    status: 503,
    retryable: true,
    title: "{service} did not answer about its sagas: {problem}",
    action: "npx tideway get services shows how it is; try again.",
  },
  SAGAS_NOT_THERE: {
    status: 409,
    retryable: false,
    title: "{service} runs no sagas.",
    action: "npx tideway sagas lists those of every service.",
  },
  SAGA_CURSOR_ALONE: {
    status: 400,
    retryable: false,
    title: "A cursor goes on with the sagas of one service, and none was named.",
    action: "Name the service whose list goes on, with --service.",
  },
});
