/** Failures that only the gateway has; the rest come from the kernel's common catalogue. */
import { defineErrors } from "@tideway/kernel";

export const gatewayErrors = defineErrors({
  GATEWAY_CONFIG_INVALID: {
    status: 400,
    retryable: false,
    title: "The configuration is not valid at {path}: {problem}.",
    action: "Correct the named field and send the whole configuration again.",
  },
  GATEWAY_EPOCH_STALE: {
    status: 409,
    retryable: false,
    title: "The configuration has epoch {given}; the gateway already has {current}.",
    action: "Read the state, then send a configuration with a higher epoch.",
  },
  GATEWAY_NOT_CONFIGURED: {
    status: 503,
    retryable: true,
    title: "The gateway has no configuration yet.",
    action: "Wait until control has sent one and try again.",
  },
  GATEWAY_EVIDENCE_UNKNOWN: {
    status: 404,
    retryable: false,
    title: "There is no evidence for the rollout {rollout} of {service}.",
    action: "Send the configuration of the rollout first, then ask again.",
  },
  SPLIT_EPOCH_STALE: {
    status: 409,
    retryable: false,
    title: "{pin} was pinned before the split of {service} changed with configuration {current}.",
    action: "Read the splits again and deliver by them.",
  },
  DELIVERY_HEADER_INVALID: {
    status: 400,
    retryable: false,
    title: "The header {header} is not {expected}.",
    action: "Correct the header; the instance got nothing of this request.",
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    retryable: false,
    title: "{path} does not take {method}.",
    action: "Use one of the methods named in the allow header.",
  },
  HOST_FORBIDDEN: {
    status: 403,
    retryable: false,
    title: "The host {given} is not a loopback name.",
    action: "Call the internal listener as 127.0.0.1 or localhost.",
  },
  ORIGIN_FORBIDDEN: {
    status: 403,
    retryable: false,
    title: "Browsers may not call the internal listener.",
    action: "Call the public address instead.",
  },
  UPGRADE_UNSUPPORTED: {
    status: 501,
    retryable: false,
    title: "Upgraded connections are not supported.",
    action: "Use plain requests; for live data read a streamed reply.",
  },
  EXPECTATION_UNSUPPORTED: {
    status: 417,
    retryable: false,
    title: "The expectation {given} is not supported.",
    action: "Send the request without it, or with 100-continue.",
  },
  URL_TOO_LONG: {
    status: 414,
    retryable: false,
    title: "The address is longer than {limitBytes} bytes.",
    action: "Send long values in the body.",
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    retryable: false,
    title: "The headers are larger than {limitBytes} bytes.",
    action: "Send fewer or shorter headers; clear old cookies.",
  },
  REQUEST_MALFORMED: {
    status: 400,
    retryable: false,
    title: "The request is not valid HTTP/1.1.",
    action: "Check how the message is framed; one length, and only one, may be stated.",
  },
  REQUEST_SLOW: {
    status: 408,
    retryable: true,
    title: "The request did not arrive within its time.",
    action: "Send the whole request faster, or a smaller one.",
  },
});
