/**
 * Finds the route of a path among a revision's routes. A tree by segment; a literal segment wins
 * over a parameter, with a way back when the literal branch ends nowhere.
 *
 * Segments are compared decoded, as the service will see them: otherwise `/people/%66ind` would
 * be judged here as `/people/:id` and answered there as `/people/find`. A segment that decodes to
 * a dot segment or holds a slash, a backslash or a control character matches nothing at all.
 */
import type { ManifestRoute } from "@tideway/schema";

export interface CompiledRoute extends ManifestRoute {
  /** For logs and evidence: `POST /invoices/:invoiceId`. */
  readonly template: string;
}

export interface Match {
  readonly route: CompiledRoute | null;
  /** Routes of the same path for other methods, when `route` is null. Empty: it is unknown. */
  readonly allow: readonly CompiledRoute[];
}

export type Exposure = "public" | "any";

export interface Router {
  find(method: string, path: string, exposure: Exposure): Match;
}

interface Node {
  readonly literal: Map<string, Node>;
  parameter: Node | null;
  readonly methods: Map<string, CompiledRoute>;
}

const UNKNOWN: Match = { route: null, allow: [] };
// Control characters, slashes and backslashes have no business inside one decoded segment.
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u001f/\\\u007f]/;

export function createRouter(routes: readonly ManifestRoute[]): Router {
  const root = newNode();
  for (const route of routes) insert(root, route);
  return {
    find: (method, path, exposure) => {
      const segments = segmentsOf(path);
      const match = segments === null ? UNKNOWN : walk(root, segments, 0, method);
      return exposure === "any" ? match : onlyPublic(match);
    },
  };
}

/**
 * Exposure is judged after matching, never while: the service matches without knowing of it, and
 * an internal `/people/all` must not be taken here for a public `/people/:id`.
 */
function onlyPublic(match: Match): Match {
  if (match.route !== null) return isPublic(match.route) ? match : UNKNOWN;
  return { route: null, allow: match.allow.filter(isPublic) };
}

/** The platform's own routes are nobody's business outside, whatever a manifest says of them. */
function isPublic(route: CompiledRoute): boolean {
  return route.exposure === "public" && route.auth !== "platform";
}

function newNode(): Node {
  return { literal: new Map(), parameter: null, methods: new Map() };
}

function insert(root: Node, route: ManifestRoute): void {
  let node = root;
  for (const segment of route.path.slice(1).split("/")) {
    if (segment.startsWith(":")) {
      node.parameter ??= newNode();
      node = node.parameter;
    } else {
      const next = node.literal.get(segment) ?? newNode();
      node.literal.set(segment, next);
      node = next;
    }
  }
  node.methods.set(route.method, { ...route, template: `${route.method} ${route.path}` });
}

function segmentsOf(path: string): string[] | null {
  const segments = path.slice(1).split("/");
  if (segments.length === 1 && segments[0] === "") return segments;
  for (let i = 0; i < segments.length; i++) {
    const segment = decoded(segments[i] ?? "");
    if (segment === null || segment === "" || segment === "." || segment === "..") return null;
    if (FORBIDDEN.test(segment)) return null;
    segments[i] = segment;
  }
  return segments;
}

function decoded(segment: string): string | null {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    // Not a percent-encoding: such an address names nothing.
    return null;
  }
}

function walk(node: Node, segments: readonly string[], depth: number, method: string): Match {
  const segment = segments[depth];
  if (segment === undefined) return matchMethod(node, method);
  const literal = node.literal.get(segment);
  const first = literal === undefined ? UNKNOWN : walk(literal, segments, depth + 1, method);
  if (first.route !== null || node.parameter === null || segment === "") return first;
  const second = walk(node.parameter, segments, depth + 1, method);
  if (second.route !== null) return second;
  return { route: null, allow: [...first.allow, ...second.allow] };
}

function matchMethod(node: Node, method: string): Match {
  // A service answers HEAD wherever it answers GET.
  const route = node.methods.get(method) ?? (method === "HEAD" ? node.methods.get("GET") : null);
  return route ? { route, allow: [] } : { route: null, allow: [...node.methods.values()] };
}

/** The value of an `allow` header. */
export function allowedMethods(match: Match): string {
  const methods = new Set(match.allow.map((route) => route.method));
  if (methods.has("GET")) methods.add("HEAD");
  return [...methods].join(", ");
}
