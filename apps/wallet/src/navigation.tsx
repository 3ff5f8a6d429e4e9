/**
 * The places of the wallet, and how to get there. The wallet spells its places itself: this file
 * alone meets the router's types, and what can be asked for stands in one list.
 */
import {
  Link as RouterLink,
  redirect,
  useNavigate,
  useParams,
  useSearch,
} from "@tanstack/react-router";
import type { AnchorHTMLAttributes, ComponentType } from "react";

export interface SignSearch {
  readonly next?: string;
}

export interface PaymentSearch {
  /** Set right after sending: the payment's page is the result then. */
  readonly result?: true;
}

export type PlainPath =
  "/" | "/send" | "/send/review" | "/request" | "/requests" | "/scan" | "/account";

export type Place =
  | { readonly to: PlainPath }
  | { readonly to: "/sign-in" | "/sign-up"; readonly search: SignSearch }
  | { readonly to: "/pay/$invoiceId"; readonly params: { readonly invoiceId: string } }
  | {
      readonly to: "/payments/$paymentId";
      readonly params: { readonly paymentId: string };
      readonly search?: PaymentSearch;
    };

export type LinkProps = Place &
  Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href"> & {
    readonly activeOptions?: { readonly exact: boolean };
  };

// The props above are a subset of the router's for this app's routes (see the file's head).
export const Link = RouterLink as unknown as ComponentType<LinkProps>;

export type GoTo = (place: Place & { readonly replace?: boolean }) => Promise<void>;

export function useGoTo(): GoTo {
  return useNavigate();
}

/** What `beforeLoad` throws to send a visitor to another place. */
export function redirectTo(place: Place & { readonly replace?: boolean }): unknown {
  // As above: `Place` holds exactly the routes that exist.
  return (redirect as unknown as (options: object) => unknown)(place);
}

/** A parameter of the address; the routes that ask for one always have it. */
export function useParam(name: "invoiceId" | "paymentId"): string {
  const value: unknown = Reflect.get(useParams({ strict: false }), name);
  return typeof value === "string" ? value : "";
}

/** The page that asked for signing in. */
export function useNext(): string | undefined {
  const value: unknown = Reflect.get(useSearch({ strict: false }), "next");
  return typeof value === "string" ? value : undefined;
}

export function useIsResult(): boolean {
  return Reflect.get(useSearch({ strict: false }), "result") === true;
}
