/** E-mail addresses: one spelling each, checked for shape and no more; only a letter proves one. */
import { identityErrors } from "@tideway/api-identity";

const LENGTH_MAX = 254;
const LOCAL_PATTERN = /^[\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+(\.[\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const LABEL_PATTERN = /^[\p{L}\p{N}]([\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?$/u;

/** The address trimmed and in lower case. Throws EMAIL_INVALID. */
export function normaliseEmail(text: string): string {
  const email = text.trim().normalize("NFC").toLowerCase();
  const at = email.lastIndexOf("@");
  const local = email.slice(0, Math.max(at, 0));
  const labels = email.slice(at + 1).split(".");
  const valid =
    email.length <= LENGTH_MAX &&
    local.length <= 64 &&
    LOCAL_PATTERN.test(local) &&
    labels.length >= 2 &&
    labels.every((label) => LABEL_PATTERN.test(label)) &&
    !/^\d+$/.test(labels.at(-1) ?? "");
  if (!valid) throw identityErrors.error("EMAIL_INVALID", { given: { given: text.slice(0, 80) } });
  return email;
}
