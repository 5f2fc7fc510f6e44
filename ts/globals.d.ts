// Generated from xtask/schema.yaml by `cargo xtask codegen`. Do not edit.
//
// The globals of a script. For projects whose `lib` has no DOM and that use no @types/node: these would collide.

/** Prints to the terminal or to the host's log; objects print as in Node. */
interface Console {
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  debug(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
  dir(value: unknown, options?: { depth?: number | null; showHidden?: boolean }): void;
  trace(...values: unknown[]): void;
  assert(condition: unknown, ...values: unknown[]): void;
}
declare var console: Console;

/** Calls the function once, after this many milliseconds. */
declare function setTimeout(callback: (argument: void) => unknown, delay?: number): number;
declare function setTimeout<A extends unknown[]>(callback: (...args: A) => unknown, delay?: number, ...args: A): number;
/** Calls the function again and again, every so many milliseconds. */
declare function setInterval(callback: (argument: void) => unknown, delay?: number): number;
declare function setInterval<A extends unknown[]>(callback: (...args: A) => unknown, delay?: number, ...args: A): number;
declare function clearTimeout(id?: number | null): void;
declare function clearInterval(id?: number | null): void;
/** Calls the function when the script has come to a pause. */
declare function queueMicrotask(callback: () => unknown): void;
/** A deep copy, by the rules of the HTML standard. Functions and handles of the host cannot be copied. */
declare function structuredClone<T>(value: T, options?: { transfer?: readonly ArrayBuffer[] }): T;

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: any;
  onabort: ((event: { type: "abort"; target: AbortSignal }) => unknown) | null;
  throwIfAborted(): void;
  addEventListener(type: "abort", listener: ((event: { type: "abort"; target: AbortSignal }) => unknown) | { handleEvent(event: { type: "abort"; target: AbortSignal }): unknown }, options?: unknown): void;
  removeEventListener(type: "abort", listener: unknown): void;
  dispatchEvent(event: { type: string }): boolean;
}
declare var AbortSignal: {
  prototype: AbortSignal;
  /** A signal that is aborted already. */
  abort(reason?: unknown): AbortSignal;
  /** A signal that is aborted after this many milliseconds. */
  timeout(milliseconds: number): AbortSignal;
  /** A signal that is aborted as soon as one of these is. */
  any(signals: Iterable<AbortSignal>): AbortSignal;
};
declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

declare class TextEncoder {
  readonly encoding: "utf-8";
  encode(text?: string): Uint8Array;
  encodeInto(text: string, target: Uint8Array): { read: number; written: number };
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(input?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
}

declare class URL {
  constructor(url: string | URL, base?: string | URL);
  static canParse(url: string | URL, base?: string | URL): boolean;
  static parse(url: string | URL, base?: string | URL): URL | null;
  href: string;
  readonly origin: string;
  protocol: string;
  username: string;
  password: string;
  host: string;
  hostname: string;
  port: string;
  pathname: string;
  search: string;
  hash: string;
  readonly searchParams: URLSearchParams;
  toString(): string;
  toJSON(): string;
}
declare class URLSearchParams {
  constructor(init?: string | Iterable<readonly [string, string]> | { readonly [name: string]: string } | URLSearchParams);
  readonly size: number;
  append(name: string, value: string): void;
  delete(name: string, value?: string): void;
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string, value?: string): boolean;
  set(name: string, value: string): void;
  sort(): void;
  forEach(callback: (value: string, name: string, params: URLSearchParams) => unknown, self?: unknown): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
  toString(): string;
}

declare class DOMException extends Error {
  constructor(message?: string, name?: string);
  readonly code: number;
}
declare var performance: {
  /** Milliseconds since the start, with fractions. */
  now(): number;
};
/** The path of a CommonJS script. */
declare var __filename: string;
/** The folder of a CommonJS script. */
declare var __dirname: string;
declare function btoa(text: string): string;
declare function atob(text: string): string;
