// What is easier said in JavaScript: errors, abort signals, and how objects print. Evaluated once per VM, before
// any script; it keeps the built-ins it needs, so that scripts may replace theirs.
(function (native) {
  "use strict";
  const { freeze, getPrototypeOf, getOwnPropertyDescriptor, defineProperty, keys } = Object;
  const ObjectPrototype = Object.prototype;
  const { hasOwn } = Object;
  // Descriptors inherit nothing: a script may have put `get` on Object.prototype.
  const data = (value, enumerable) => ({ __proto__: null, value, writable: true, enumerable, configurable: true });
  const { apply, ownKeys } = Reflect;
  const { isArray } = Array;
  const uncurry = (f) => (self, ...args) => apply(f, self, args);
  const then = uncurry(Promise.prototype.then);
  const toISOString = uncurry(Date.prototype.toISOString), getTime = uncurry(Date.prototype.getTime);
  const toText = uncurry(Object.prototype.toString), slice = uncurry(String.prototype.slice), { toStringTag, asyncIterator } = Symbol;
  const filter = uncurry(Array.prototype.filter), some = uncurry(Array.prototype.some), push = uncurry(Array.prototype.push);
  const toWellFormed = uncurry(String.prototype.toWellFormed);
  const [mapSize, setSize] = [Map, Set].map((C) => uncurry(getOwnPropertyDescriptor(C.prototype, "size").get));
  const [mapEach, setEach] = [Map, Set].map((C) => uncurry(C.prototype.forEach));
  const mapGet = uncurry(Map.prototype.get), mapSet = uncurry(Map.prototype.set);
  const { isView } = ArrayBuffer, Bytes = Uint8Array;
  const [bufferLength, dataLength] = [ArrayBuffer, DataView].map((C) => uncurry(getOwnPropertyDescriptor(C.prototype, "byteLength").get));
  const boxes = [Number, String, Boolean, BigInt, Symbol].map((C) => [C.name, uncurry(C.prototype.valueOf)]);
  const captureStackTrace = Error.captureStackTrace;
  const resolved = Promise.resolve();
  const { String: Text, TypeError: TypeFault, Error: Fault, DOMException: DOMFault, JSON: { stringify } } = globalThis;

  // ---- errors -------------------------------------------------------------------------------------------------

  class RunError extends Fault {
    #carried;
    constructor(message, fields = {}, carried = undefined, started = undefined) {
      super(message, hasOwn(fields, "cause") ? { __proto__: null, cause: fields.cause } : undefined);
      const names = keys(fields);
      for (let i = 0; i < names.length; i++) {
        if (names[i] !== "cause" && fields[names[i]] !== undefined) defineProperty(this, names[i], data(fields[names[i]], true));
      }
      this.#carried = carried;
      captureStackTrace(this, makeRunError);
      if (started !== undefined && this.stack === "") defineProperty(this, "stack", data(started, false));
    }
    get name() { return "RunError"; }
    static carried(error) { return typeof error === "object" && error !== null && #carried in error ? error.#carried : undefined; }
  }
  const carried = RunError.carried;
  delete RunError.carried;
  function makeRunError(message, fields, handle, started) { return new RunError(message, fields, handle, started); }
  function callerStack() {
    const here = { __proto__: null };
    captureStackTrace(here, callerStack);
    return typeof here.stack === "string" ? here.stack : "";
  }

  // ---- promises -----------------------------------------------------------------------------------------------

  const nothing = () => {};
  // `await` looks at no property a script could have replaced.
  async function settle(value, fallback, ok, fail) {
    let result;
    try { result = await value; } catch (error) { fail(error); return; }
    ok(result, fallback);
  }
  // `seen.result` is what `next` gave last, with what the middleware makes of it.
  function makeNext(call, turn, asynchronous) {
    const seen = { __proto__: null, turn, result: undefined };
    const keep = (result) => { seen.result = result; };
    const next = (given, options) => {
      const result = call(given ?? turn, options);
      if (asynchronous) then(result, keep, nothing); else keep(result);
      return result;
    };
    return { __proto__: null, next, seen };
  }
  const bind = uncurry(Function.prototype.bind);
  function bindMethods(handle, names) {
    for (let i = 0; i < names.length; i++) defineProperty(handle, names[i], { __proto__: null, value: bind(handle[names[i]], handle) });
    defineProperty(handle, asyncIterator, { __proto__: null, value: bind(handle[asyncIterator], handle) });
  }
  const refuse = (message) => { throw new TypeFault(message); };
  // `then` counts where a script has put it on purpose, and not on the prototype of everything.
  function isThenable(value) {
    for (let at = value; at !== null && at !== ObjectPrototype; at = getPrototypeOf(at)) if (hasOwn(at, "then")) return typeof value.then === "function";
    return false;
  }
  const heed = (promise) => { then(promise, nothing, (error) => { native.uncaught("listener", error); }); };
  const quiet = (promise) => { then(promise, nothing, nothing); };
  function queueMicrotask(callback) {
    if (typeof callback !== "function") throw new TypeFault("queueMicrotask: expected a function, got " + (callback === null ? "null" : typeof callback));
    then(resolved, () => { callback(); });
  }

  // ---- values -------------------------------------------------------------------------------------------------

  // Objects that are not plain: what stands for them, or why nothing does. Instances of classes of scripts count as plain.
  const is = (brand, value) => { try { brand(value); return true; } catch { return false; } };
  function plain(value) {
    const refused = (why) => ({ __proto__: null, refused: why });
    if (is(getTime, value)) return toISOString(value);
    if (is(mapSize, value)) return refused("a Map is not a plain value; pass Object.fromEntries(map)");
    if (is(setSize, value)) return refused("a Set is not a plain value; pass [...set]");
    const tag = kindOf(value);
    if (tag === undefined || tag === "Array") return undefined;
    const instead = tag === "Promise" ? "; await it first" : tag === "Error" ? "; pass its message" : tag === "URL" ? "; pass its href" : tag.includes("Array") ? "; pass a string, such as base64" : "";
    return refused(`a value of kind ${tag} is not a plain value${instead}`);
  }
  // The kind of an object that is not plain; instances of classes of scripts count as plain.
  function kindOf(value) {
    const tag = native.isHandle(value) ? value[toStringTag] : is(getTime, value) ? "Date" : is(mapSize, value) ? "Map" : is(setSize, value) ? "Set" : slice(toText(value), 8, -1);
    return tag === "Object" ? undefined : tag;
  }
  const isPlain = (value) => { const proto = getPrototypeOf(value); return proto === null || proto === ObjectPrototype; };
  function deepFreeze(value) {
    if (typeof value === "object" && value !== null) { for (const key of ownKeys(value)) deepFreeze(value[key]); freeze(value); }
    return value;
  }

  // ---- abort signals ------------------------------------------------------------------------------------------

  const secret = {};
  let abortSignal, tokenOf, watched;
  class AbortSignal {
    #token; #reason; #dispatched = false; #listeners = []; #native; #sources = []; #unheard = []; #dependents = []; #onabort = null; #handler = (event) => apply(this.#onabort, this, [event]);
    constructor(key, token, isNative) {
      if (key !== secret) throw new TypeFault("AbortSignal cannot be constructed; use new AbortController()");
      this.#token = token;
      this.#native = isNative;
    }
    get aborted() { return native.tokenReason(this.#token) !== undefined; }
    get reason() {
      const reason = native.tokenReason(this.#token);
      if (this.#reason === undefined && reason !== undefined) {
        const source = filter(this.#sources, (source) => source.aborted)[0];
        this.#reason = source ? source.reason : reason === "timeout" ? new DOMFault("The operation timed out.", "TimeoutError") : new DOMFault(reason || "This operation was aborted", "AbortError");
      }
      return this.#reason;
    }
    get onabort() { return this.#onabort; }
    set onabort(listener) {
      // As of any event handler, its turn among the listeners is that of its first setting.
      if (typeof this.#onabort !== "function" && typeof listener === "function") this.addEventListener("abort", this.#handler);
      if (typeof listener !== "function") this.removeEventListener("abort", this.#handler);
      this.#onabort = listener;
    }
    throwIfAborted() { if (this.aborted) throw this.reason; }
    addEventListener(type, listener, options) {
      if (type !== "abort" || (typeof listener !== "function" && typeof listener?.handleEvent !== "function")) return;
      if (this.#dispatched || some(this.#listeners, (known) => known.listener === listener)) return;
      this.#watch();
      push(this.#listeners, { listener });
    }
    removeEventListener(type, listener) {
      if (type === "abort") this.#listeners = filter(this.#listeners, (known) => known.listener !== listener);
    }
    dispatchEvent(event) {
      if (event?.type === "abort") this.#dispatch();
      return true;
    }
    #watch() {
      if (this.#native) native.watchToken(this.#token, this);
      this.#native = false;
      const sources = this.#unheard;
      this.#unheard = [];
      for (let i = 0; i < sources.length; i++) { sources[i].#watch(); push(sources[i].#dependents, this); }
    }
    #dispatch() {
      if (this.#dispatched) return;
      this.#dispatched = true;
      const event = freeze({ type: "abort", target: this });
      const listeners = this.#listeners;
      this.#listeners = [];
      const call = (listener) => {
        try { typeof listener === "function" ? apply(listener, this, [event]) : listener.handleEvent(event); }
        catch (error) { native.uncaught("abort listener", error); }
      };
      for (let i = 0; i < listeners.length; i++) call(listeners[i].listener);
      for (let i = 0; i < this.#dependents.length; i++) this.#dependents[i].#dispatch();
      this.#dependents = [];
    }
    static abort(reason) { const controller = new AbortController(); controller.abort(reason); return controller.signal; }
    static timeout(milliseconds) { return new AbortSignal(secret, native.timeoutToken(milliseconds), true); }
    static any(signals) {
      const sources = [...signals];
      const tokens = sources.map((signal) => tokenOf(signal) ?? refuse("AbortSignal.any: expected AbortSignals"));
      const any = new AbortSignal(secret, native.childToken(tokens), false);
      any.#sources = any.#unheard = sources;
      return any;
    }
    static {
      abortSignal = (signal, reason) => {
        if (signal.aborted) return;
        signal.#reason = reason;
        native.cancelToken(signal.#token, reason instanceof Fault ? reason.message : typeof reason === "string" ? reason : reason === undefined ? undefined : inspect(reason));
        signal.#dispatch();
      };
      tokenOf = (value) => (typeof value === "object" && value !== null && #token in value ? value.#token : undefined);
      watched = (signal) => signal.#dispatch();
    }
    get [Symbol.toStringTag]() { return "AbortSignal"; }
  }
  class AbortController {
    #signal = new AbortSignal(secret, native.newToken(), false);
    get signal() { return this.#signal; }
    abort(reason) { abortSignal(this.#signal, reason); }
    get [Symbol.toStringTag]() { return "AbortController"; }
  }
  const makeSignal = (token) => new AbortSignal(secret, token, true);

  // ---- how values print, as in Node ---------------------------------------------------------------------------

  const quote = (text) => {
    const body = stringify(text).slice(1, -1).replace(/\\"/g, '"');
    return body.includes("'") ? (body.includes('"') ? "`" + body + "`" : '"' + body + '"') : "'" + body + "'";
  };
  const keyText = (key) => typeof key === "symbol" ? `[${Text(key)}]` : /^[A-Za-z_$][\w$]*$/.test(key) ? key : quote(key);
  function errorText(error) {
    const stack = typeof error.stack === "string" ? error.stack.trimEnd() : "";
    const head = `${error.name}${error.message ? ": " + error.message : ""}`;
    return stack ? `${head}\n${stack.split("\n").filter((line) => !line.includes("geppetto:")).map((line) => "    " + line.trim()).join("\n")}` : `[${head}]`;
  }
  // `seen` holds the objects around a value; `seen.circular` those that are shown inside themselves, with their numbers.
  function inspect(value, depth = 2, seen = startSeen()) {
    switch (typeof value) {
      case "string": return quote(value);
      case "bigint": return `${value}n`;
      case "symbol": return Text(value);
      case "function": return /^class\b/.test(Function.prototype.toString.call(value)) ? `[class ${value.name || "(anonymous)"}]` : `[Function${value.name ? ": " + value.name : " (anonymous)"}]`;
      case "number": return Object.is(value, -0) ? "-0" : Text(value);
      case "object": return value === null ? "null" : inspectObject(value, depth, seen);
      default: return Text(value);
    }
  }
  const startSeen = () => Object.assign([], { circular: new Map() });
  function inspectObject(value, depth, seen) {
    if (seen.includes(value)) {
      if (!seen.circular.has(value)) seen.circular.set(value, seen.circular.size + 1);
      return `[Circular *${seen.circular.get(value)}]`;
    }
    seen.push(value);
    const shown = inspectParts(value, depth, seen);
    return seen.circular.has(value) ? `<ref *${seen.circular.get(value)}> ${shown}` : shown;
  }
  function inspectParts(value, depth, seen) {
    try {
      const inner = (item) => inspect(item, depth - 1, seen);
      const proto = getPrototypeOf(value);
      const tagged = value[Symbol.toStringTag], tag = typeof tagged === "string" && tagged !== "Object" ? tagged : "";
      const name = proto === null ? "[Object: null prototype]" : (proto.constructor?.name ?? "") === "Object" ? tag : tag || proto.constructor?.name || "";
      if (value instanceof Fault) {
        const extra = keys(value).filter((key) => key !== "stack" && key !== "message");
        const cause = value.cause !== undefined ? ["[cause]: " + inner(value.cause)] : [];
        const parts = [...extra.map((key) => `${keyText(key)}: ${inner(value[key])}`), ...cause];
        return errorText(value) + (parts.length ? " " + braces("{", parts, "}", true) : "");
      }
      if (is(getTime, value)) return Number.isNaN(getTime(value)) ? "Invalid Date" : toISOString(value);
      if (value instanceof RegExp) return Text(value);
      if (value instanceof Promise) return "Promise {}";
      const boxed = boxes.find(([, unbox]) => is(unbox, value));
      if (boxed) return `[${boxed[0]}: ${inner(boxed[1](value))}]`;
      if (isView(value) && !is(dataLength, value)) return braces(`${name}(${value.length}) [`, inColumns(listed(value.length, (i) => inner(value[i])), value), "]");
      if (is(bufferLength, value)) {
        const bytes = listed(bufferLength(value), (i) => new Bytes(value, i, 1)[0].toString(16).padStart(2, "0"), 50);
        return braces(name + " {", [`[Uint8Contents]: <${bytes.join(" ")}>`, `byteLength: ${bufferLength(value)}`], "}");
      }
      if (depth < 0) return isArray(value) ? "[Array]" : `[${name || "Object"}]`;
      if (isArray(value)) return braces("[", inColumns(listed(value.length, (i) => i in value ? inner(value[i]) : "<1 empty item>"), value), "]");
      if (value instanceof Map) { const parts = []; mapEach(value, (v, k) => parts.push(`${inner(k)} => ${inner(v)}`)); return braces(`Map(${mapSize(value)}) {`, parts, "}"); }
      if (value instanceof Set) { const parts = []; setEach(value, (v) => parts.push(inner(v))); return braces(`Set(${setSize(value)}) {`, parts, "}"); }
      const described = mapGet(describers, proto)?.(value);
      if (described) return braces(name + " {", described.map((pair) => isArray(pair) ? `${pair[0]}: ${inner(pair[1])}` : `${inner(pair.name)} => ${inner(pair.value)}`), "}");
      const own = native.publicFields(value) ?? keys(value).map((key) => [key, getOwnPropertyDescriptor(value, key)]);
      const parts = own.map(([key, d]) => `${keyText(key)}: ${d && !("value" in d) ? (d.get ? (d.set ? "[Getter/Setter]" : "[Getter]") : "[Setter]") : inner(d?.value)}`);
      return braces((name ? name + " " : "") + "{", parts, "}");
    } finally { seen.pop(); }
  }
  // How instances of our own classes print: pairs of a field and its value, or entries as of a Map.
  const describers = new Map();
  const describe = (prototype, fields) => { mapSet(describers, prototype, fields); };
  function listed(length, item, most = 100) {
    const parts = [];
    for (let i = 0; i < length && i < most; i++) parts.push(item(i));
    if (length > most) parts.push(`... ${length - most} more item${length - most > 1 ? "s" : ""}`);
    return parts;
  }
  // Many short items stand in columns, numbers to the right: the widths are Node's.
  function inColumns(parts, array) {
    const rest = array.length > 100 ? [parts.pop()] : [];
    const widths = parts.map((part) => part.length + 2), widest = Math.max(...widths), total = widths.reduce((sum, width) => sum + width, 0);
    const fits = parts.length + rest.length > 6 && widest * 3 < 80 && (total / widest > 5 || widest <= 8) && !parts.some((part) => part.includes("\n"));
    const width = Math.max(widest - 3 - Math.sqrt(widest - total / (parts.length + rest.length)), 1);
    const columns = fits ? Math.min(Math.round(Math.sqrt(2.5 * width * parts.length) / width), Math.floor(80 / widest), 12) : 1;
    if (columns <= 1) return [...parts, ...rest];
    const most = Array.from({ length: columns }, (_, column) => Math.max(...widths.filter((_, at) => at % columns === column)));
    const isNumber = typeof array[0] === "number" || typeof array[0] === "bigint", rows = [];
    for (let at = 0; at < parts.length; at += columns) {
      const row = parts.slice(at, at + columns), last = row.length - 1;
      rows.push(row.map((part, column) => {
        const text = column < last ? part + ", " : part;
        return isNumber ? text.padStart(most[column] - (column < last ? 0 : 2)) : column < last ? text.padEnd(most[column]) : text;
      }).join(""));
    }
    return Object.assign([...rows, ...rest], { always: true });
  }
  function braces(open, parts, close, always = parts.always) {
    if (parts.length === 0) return open + close;
    const line = `${open} ${parts.join(", ")} ${close}`;
    if (!always && line.length <= 76 && !line.includes("\n")) return line;
    return `${open}\n${parts.map((part) => "  " + part.replace(/\n/g, "\n  ")).join(",\n")}\n${close}`;
  }
  function format(args) {
    let at = 0, text = "";
    if (typeof args[0] === "string" && args.length > 1) {
      at = 1;
      text = args[0].replace(/%([sdifjoOc%])/g, (whole, kind) => {
        if (kind === "%") return "%";
        if (at >= args.length) return whole;
        const value = args[at++];
        switch (kind) {
          case "s": return typeof value === "string" ? value : inspect(value, 0);
          case "d": return typeof value === "object" || typeof value === "symbol" ? "NaN" : Text(Number(value));
          case "i": return Text(parseInt(value, 10));
          case "f": return Text(parseFloat(value));
          case "j": return stringify(value);
          case "c": return "";
          default: return inspect(value, 4);
        }
      });
    }
    for (; at < args.length; at++) text += (at > 0 ? " " : "") + (typeof args[at] === "string" ? args[at] : inspect(args[at]));
    return text;
  }
  // What cannot be shown must not stop the script.
  const attempt = (show) => { try { return show(); } catch (error) { try { return `[cannot be shown: ${error}]`; } catch { return "[cannot be shown]"; } } };
  const write = (level) => (...args) => native.print(level, attempt(() => format(args)));
  const console = {
    log: write("log"), info: write("info"), debug: write("debug"), warn: write("warn"), error: write("error"),
    dir: (value) => native.print("log", attempt(() => inspect(value))),
    trace: (...args) => native.print("error", attempt(() => errorText(Object.assign(new Fault(format(args)), { name: "Trace" })))),
    assert: (condition, ...args) => { if (!condition) native.print("error", "Assertion failed" + (args.length ? ": " + attempt(() => format(args)) : "")); },
  };

  const define = (name, value) => defineProperty(globalThis, name, data(value, false));
  define("console", console);
  define("queueMicrotask", queueMicrotask);
  define("AbortController", AbortController);
  define("AbortSignal", AbortSignal);
  return freeze({ makeNext, bindMethods, freeze, deepFreeze, settle, quiet, plain, isPlain, toWellFormed, makeRunError, callerStack, carried, RunError, makeSignal, tokenOf, dispatchAbort: watched, inspect, describe, kindOf, heed, isThenable, Error: Fault, TypeError: TypeFault, RangeError });
})
