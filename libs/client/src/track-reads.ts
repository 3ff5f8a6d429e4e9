/**
 * Notes which fields of a parsed JSON value its reader looks at. The value is wrapped in proxies, one
 * an object, made when it is reached; what is not looked at costs nothing and is not noted.
 *
 * A wrapped value reads, spreads, iterates and is written as JSON like the bare one. It cannot be
 * handed to `structuredClone` or to another thread: a consumer that must, spreads it first.
 */
import type { FieldType } from "@tideway/schema";

export interface TrackOptions {
  /** Called for each field at each look; the caller removes duplicates. */
  readonly note: (path: string, type: FieldType) => void;
  /**
   * The path of a field below an object's own, or null when it is none of the api's: `then` and
   * `toJSON`, say, which the language asks of any object. One that is named but not there is noted
   * as `absent`.
   */
  readonly fieldOf: (path: string, name: string) => string | null;
}

/** Wraps a value; anything but a plain object or an array is answered as it is. */
export function trackReads<T>(value: T, options: TrackOptions): T {
  const proxies = new WeakMap<object, object>();
  options.note("", typeOf(value));
  return wrap(value, "", { ...options, proxies });
}

interface Tracking extends TrackOptions {
  /** One proxy an object, so that `reply.a === reply.a` stays true. */
  readonly proxies: WeakMap<object, object>;
}

function wrap<T>(value: T, path: string, tracking: Tracking): T {
  if (!isPlain(value)) return value;
  const known = tracking.proxies.get(value);
  // The proxy of an object has the object's own type.
  if (known !== undefined) return known as T;
  const look = (name: string): string | null => {
    if (Array.isArray(value)) return /^\d+$/.test(name) ? `${path}[]` : null;
    return tracking.fieldOf(path, name);
  };
  const noteLook = (name: string): string | null => {
    const field = look(name);
    if (field !== null) tracking.note(field, typeOf(Reflect.get(value, name)));
    return field;
  };
  const proxy = new Proxy(value, {
    get: (target, name, receiver) => {
      const found: unknown = Reflect.get(target, name, receiver);
      if (typeof name === "symbol") return found;
      const field = noteLook(name);
      // Of a frozen field the language insists on the very same object.
      if (field === null || isFixed(target, name)) return found;
      return wrap(found, field, tracking);
    },
    has: (target, name) => {
      if (typeof name === "string") noteLook(name);
      return Reflect.has(target, name);
    },
  });
  tracking.proxies.set(value, proxy);
  return proxy;
}

/** The JSON type of a value. */
export function typeOf(value: unknown): FieldType {
  if (value === undefined) return "absent";
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  const type = typeof value;
  return type === "string" || type === "boolean" || type === "object" ? type : "number";
}

function isPlain(value: unknown): value is object {
  if (value === null || typeof value !== "object") return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

function isFixed(target: object, name: string): boolean {
  const descriptor = Reflect.getOwnPropertyDescriptor(target, name);
  return descriptor?.configurable === false && descriptor.writable === false;
}
