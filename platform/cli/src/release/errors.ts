/** What may go wrong when releasing from the command line. */
import { defineErrors } from "@tideway/kernel";

export const releaseErrors = defineErrors({
  NOT_RUNNING: {
    status: 500,
    retryable: true,
    title: "Tideway does not run in {home}.",
    action: "npx tideway up",
  },
  SERVICE_NOT_FOUND: {
    status: 400,
    retryable: false,
    title: "There is no services/{service}/service.ts; there are: {known}.",
    action: "npx tideway get services",
  },
  DECLARATION_INVALID: {
    status: 500,
    retryable: false,
    title: "services/{service}/service.ts cannot be read: {problem}.",
    action: "Correct the declaration and deploy again.",
  },
  READS_UNREADABLE: {
    status: 400,
    retryable: false,
    title: "{file} cannot be read: {problem}.",
    action: "Record it by TIDEWAY_EXPECTATIONS_FILE={file} npx vitest run --project unit services",
  },
  BUNDLE_FAILED: {
    status: 500,
    retryable: false,
    title: "{service} cannot be bundled: {problem}.",
    action: "npm run check",
  },
  FIRST_RELEASE_FAILED: {
    status: 500,
    retryable: false,
    title: "{service} did not come up: {problem}",
    action: "npx tideway logs {service}",
  },
  WAIT_TOO_LONG: {
    status: 500,
    retryable: true,
    title: "{service} was not decided within {seconds} s.",
    action: "npx tideway get rollout {service} -w",
  },
});
