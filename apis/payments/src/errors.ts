import { defineErrors } from "@tideway/kernel";

export const paymentsErrors = defineErrors({
  PAYMENT_NOT_FOUND: {
    status: 404,
    retryable: false,
    title: "There is no payment {payment} of yours.",
    action: "Check the link.",
  },
  PAYMENT_SELF: {
    status: 400,
    retryable: false,
    title: "Payer and payee are the same person.",
    action: "Choose somebody else.",
  },
  PAYMENT_REFUSED: {
    status: 409,
    retryable: false,
    title: "This payment was refused: {reason}.",
    action: "Start a new payment.",
  },
  PAYMENT_ABANDONED: {
    status: 409,
    retryable: false,
    title: "This payment was given up before any money moved.",
    action: "Nothing was charged. Start a new payment.",
  },
  FUNDS_INSUFFICIENT: {
    status: 409,
    retryable: false,
    title: "There is not enough money for this payment.",
    action: "Ask for less, or add money first.",
  },
  RECIPIENT_NOT_FOUND: {
    status: 404,
    retryable: false,
    title: "Nobody here has the address {email}.",
    action: "Check the spelling, or ask them to sign up.",
  },
  INVOICE_NOT_FOUND: {
    status: 404,
    retryable: false,
    title: "There is no invoice {invoice}.",
    action: "Check the link.",
  },
  INVOICE_PAID: {
    status: 409,
    retryable: false,
    title: "This invoice is paid.",
    action: "Nothing to do. You were not charged.",
  },
  INVOICE_BEING_PAID: {
    status: 409,
    retryable: true,
    title: "Somebody is paying this invoice right now.",
    action: "Look again in a few seconds. You were not charged.",
  },
  INVOICE_EXPIRED: {
    status: 409,
    retryable: false,
    title: "This invoice expired at {expiresAt}.",
    action: "Ask for a new one.",
  },
  INVOICE_CANCELLED: {
    status: 409,
    retryable: false,
    title: "This invoice was cancelled.",
    action: "Ask for a new one.",
  },
  INVOICE_NOT_YOURS: {
    status: 403,
    retryable: false,
    title: "Only the person who made the invoice may do this.",
    action: "Ask them.",
  },
  TOP_UP_UNAVAILABLE: {
    status: 403,
    retryable: false,
    title: "Demo money is given out in the demo profile only.",
    action: "Pay money in by bank transfer.",
  },
  TOP_UP_LIMIT: {
    status: 409,
    retryable: false,
    title: "You have had today's demo money.",
    action: "Come back tomorrow.",
  },
});
