import { defineErrors } from "@tideway/kernel";

export const ledgerErrors = defineErrors({
  ACCOUNT_NOT_FOUND: {
    status: 404,
    retryable: false,
    title: "There is no account {account}.",
    action: "Open it first.",
  },
  ACCOUNT_EXISTS_DIFFERENT: {
    status: 409,
    retryable: false,
    title: "Account {account} exists with another {field}.",
    action: "Use another id.",
  },
  ACCOUNTS_SAME: {
    status: 400,
    retryable: false,
    title: "A transfer needs two different accounts.",
    action: "Check debit and credit.",
  },
  ASSET_MISMATCH: {
    status: 400,
    retryable: false,
    title: "Debit, credit and transfer must be of one asset.",
    action: "Use accounts of the same asset.",
  },
  GRANT_MISSING: {
    status: 403,
    retryable: false,
    title: "{caller} has no grant to {operation} {debit} -> {credit} as {code}.",
    action: "Add the grant to the caller's declaration and release it.",
  },
  CONSENT_MISSING: {
    status: 403,
    retryable: false,
    title: "Debiting a customer needs that person's own token.",
    action: "Call with the token of the account's owner.",
  },
  FUNDS_INSUFFICIENT: {
    status: 409,
    retryable: false,
    title: "The account has {available} available and {amount} were asked.",
    action: "Ask for less, or add money. This transfer id is used up.",
  },
  CREDIT_LIMIT: {
    status: 409,
    retryable: false,
    title: "The account cannot take {amount} more.",
    action: "Ask for less. This transfer id is used up.",
  },
  TRANSFER_EXISTS_DIFFERENT: {
    status: 409,
    retryable: false,
    title: "Transfer {transfer} exists with another {field}.",
    action: "Use another id for another transfer.",
  },
  TRANSFER_ID_BURNED: {
    status: 409,
    retryable: false,
    title: "The id {transfer} belongs to a transfer that failed for good.",
    action: "Use a new id.",
  },
  TRANSFER_NOT_FOUND: {
    status: 404,
    retryable: false,
    title: "There is no transfer {transfer}.",
    action: "Check the id.",
  },
  PENDING_NOT_FOUND: {
    status: 404,
    retryable: false,
    title: "There is no pending transfer {pending}.",
    action: "Check the id.",
  },
  PENDING_ALREADY_POSTED: {
    status: 409,
    retryable: false,
    title: "The hold {pending} was posted.",
    action: "Nothing to do.",
  },
  PENDING_ALREADY_VOIDED: {
    status: 409,
    retryable: false,
    title: "The hold {pending} was voided.",
    action: "Nothing to do.",
  },
  PENDING_EXPIRED: {
    status: 409,
    retryable: false,
    title: "The hold {pending} has expired.",
    action: "Reserve again.",
  },
  PENDING_AMOUNT_EXCEEDED: {
    status: 409,
    retryable: false,
    title: "The hold {pending} is smaller than {amount}.",
    action: "Post at most what is held.",
  },
  PENDING_NOT_YOURS: {
    status: 403,
    retryable: false,
    title: "Only the service that made the hold {pending} may post or void it.",
    action: "Ask that service.",
  },
});
