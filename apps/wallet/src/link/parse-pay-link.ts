/**
 * Links that may be scanned or pasted. Only pages of this installation are followed: a QR code is
 * written by a stranger, and a link to another site could dress up as this one.
 */
import { isId } from "@tideway/kernel";

/** Longer texts are no links of ours. */
const TEXT_LENGTH_MAX = 500;

export type ParsedLink =
  | { readonly kind: "invoice"; readonly invoice: string }
  | { readonly kind: "refused"; readonly reason: "empty" | "other-site" | "not-a-pay-link" };

/**
 * The invoice a text points to: a whole link of `origin`, its path, or the bare invoice id.
 *
 * @example parsePayLink("https://pay.example/pay/inv_01jd...", "https://pay.example")
 */
export function parsePayLink(text: string, origin: string): ParsedLink {
  const trimmed = text.trim();
  if (trimmed === "") return { kind: "refused", reason: "empty" };
  if (trimmed.length > TEXT_LENGTH_MAX) return { kind: "refused", reason: "not-a-pay-link" };
  if (isId("inv", trimmed)) return { kind: "invoice", invoice: trimmed };
  const url = URL.parse(trimmed, origin);
  if (url === null) return { kind: "refused", reason: "not-a-pay-link" };
  if (url.origin !== origin) return { kind: "refused", reason: "other-site" };
  const invoice = /^\/pay\/([^/]+)\/?$/.exec(url.pathname)?.[1] ?? "";
  if (!isId("inv", invoice)) return { kind: "refused", reason: "not-a-pay-link" };
  return { kind: "invoice", invoice };
}

/**
 * Where to go after signing in: a path of this site, or home. Anything that a browser would read
 * as another site is refused.
 */
export function safeNextPath(next: string | undefined, origin: string): string {
  if (next === undefined || !next.startsWith("/")) return "/";
  const url = URL.parse(next, origin);
  if (url === null || url.origin !== origin) return "/";
  return url.pathname + url.search;
}
