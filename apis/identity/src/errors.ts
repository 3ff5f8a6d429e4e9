import { defineErrors } from "@tideway/kernel";

export const identityErrors = defineErrors({
  EMAIL_INVALID: {
    status: 400,
    retryable: false,
    title: "{given} is not an e-mail address.",
    action: "Check the spelling.",
  },
  EMAIL_TAKEN: {
    status: 409,
    retryable: false,
    title: "There is an account with this e-mail address.",
    action: "Sign in, or use another address.",
  },
  NAME_INVALID: {
    status: 400,
    retryable: false,
    title: "A name has 1 to {lengthMax} visible characters.",
    action: "Write it without line breaks and invisible characters.",
  },
  PASSWORD_WEAK: {
    status: 400,
    retryable: false,
    title: "The password needs at least {lengthMin} characters.",
    action: "Choose a longer one.",
  },
  CREDENTIALS_WRONG: {
    status: 401,
    retryable: false,
    title: "E-mail address or password is wrong.",
    action: "Check both and try again.",
  },
  SIGN_IN_THROTTLED: {
    status: 429,
    retryable: true,
    title: "Too many wrong passwords for this account.",
    action: "Wait {seconds} s and try again.",
  },
  SESSION_ENDED: {
    status: 401,
    retryable: false,
    title: "The session has ended.",
    action: "Sign in again.",
  },
  PERSON_NOT_FOUND: {
    status: 404,
    retryable: false,
    title: "Nobody here has this address.",
    action: "Check the spelling, or ask them to sign up.",
  },
});
