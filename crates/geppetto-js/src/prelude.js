// What is easier said in JavaScript: errors, promises, and abort signals. Evaluated when something first asks for it.
(function (native, kept) {
  "use strict";
  const { apply, ownKeys, freeze, keys, hasOwn, getPrototypeOf, defineProperty, uncurry, is, data } = kept;
  const { list, append, listOf, map, filter, find, mapSize, setSize, getTime, toISOString, toText } = kept;
  const { slice, includes, toWellFormed } = kept.text;
  const { ObjectPrototype, toStringTag, asyncIterator, captureStackTrace, TypeError: TypeFault, Error: Fault, DOMException: DOMFault } = kept.own;
  const bind = uncurry(kept.own.bind);

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
  // `seen` is the turn that was given, and what `next` gave last, with what the middleware makes of it.
  function makeNext(call, turn, asynchronous) {
    const seen = [turn, undefined];
    if (!asynchronous) return [(given, options) => (seen[1] = call(given ?? turn, options)), seen];
    const keep = (result) => { seen[1] = result; };
    const next = (given, options) => {
      const result = call(given ?? turn, options);
      settle(result, undefined, keep, nothing);
      return result;
    };
    return [next, seen];
  }
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
  const heed = (promise) => { settle(promise, undefined, nothing, (error) => { native.uncaught("listener", error); }); };
  const quiet = (promise) => { settle(promise, undefined, nothing, nothing); };
  async function later(callback) { await undefined; callback(); }
  function queueMicrotask(callback) {
    if (typeof callback !== "function") throw new TypeFault("queueMicrotask: expected a function, got " + (callback === null ? "null" : typeof callback));
    later(callback);
  }

  // ---- values -------------------------------------------------------------------------------------------------

  // Objects that are not plain: what stands for them, or why nothing does. Instances of classes of scripts count as plain.
  function plain(value) {
    const refused = (why) => ({ __proto__: null, refused: why });
    if (is(getTime, value)) return toISOString(value);
    if (is(mapSize, value)) return refused("a Map is not a plain value; pass Object.fromEntries(map)");
    if (is(setSize, value)) return refused("a Set is not a plain value; pass [...set]");
    const tag = kindOf(value);
    if (tag === undefined || tag === "Array") return undefined;
    const instead = tag === "Promise" ? "; await it first" : tag === "Error" ? "; pass its message" : tag === "URL" ? "; pass its href" : includes(tag, "Array") ? "; pass a string, such as base64" : "";
    return refused("a value of kind " + tag + " is not a plain value" + instead);
  }
  // The kind of an object that is not plain; instances of classes of scripts count as plain.
  function kindOf(value) {
    const tag = native.isHandle(value) ? value[toStringTag] : is(getTime, value) ? "Date" : is(mapSize, value) ? "Map" : is(setSize, value) ? "Set" : slice(toText(value), 8, -1);
    return tag === "Object" ? undefined : tag;
  }

  // ---- abort signals ------------------------------------------------------------------------------------------

  // What was aborted with, for the host. What cannot be shown says nothing: the abort counts.
  const reasonText = (reason) => {
    if (typeof reason === "string" || reason === undefined) return reason;
    try {
      const message = reason instanceof Fault ? reason.message : undefined;
      return typeof message === "string" ? message : native.shown(reason);
    } catch { return undefined; }
  };
  const secret = {};
  let abortSignal, tokenOf, signalOf, watched;
  class AbortSignal {
    #token; #reason; #dispatched = false; #listeners = list(); #native; #sources = list(); #unheard = list(); #dependents = list(); #onabort = null; #handler = (event) => apply(this.#onabort, this, [event]);
    constructor(key, token, isNative) {
      if (key !== secret) throw new TypeFault("AbortSignal cannot be constructed; use new AbortController()");
      this.#token = token;
      this.#native = isNative;
    }
    get aborted() { return native.tokenReason(this.#token) !== undefined; }
    get reason() {
      const reason = native.tokenReason(this.#token);
      if (this.#reason === undefined && reason !== undefined) {
        const source = find(this.#sources, (source) => native.isCancelledWith(this.#token, source.#token));
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
      if (this.#dispatched || find(this.#listeners, (known) => known.listener === listener)) return;
      const until = options?.signal;
      if (until?.aborted) return;
      this.#watch();
      append(this.#listeners, { listener, isRemoved: false });
      if (until !== undefined && until !== null) until.addEventListener("abort", () => { this.removeEventListener("abort", listener); });
    }
    removeEventListener(type, listener) {
      if (type !== "abort") return;
      const removed = find(this.#listeners, (known) => known.listener === listener);
      if (!removed) return;
      // One that is being told the others may have this one before it.
      removed.isRemoved = true;
      this.#listeners = filter(this.#listeners, (known) => known !== removed);
    }
    dispatchEvent(event) {
      if (event?.type === "abort") this.#dispatch();
      return true;
    }
    #watch() {
      if (this.#native) native.watchToken(this.#token, this);
      this.#native = false;
      const sources = this.#unheard;
      this.#unheard = list();
      for (let i = 0; i < sources.length; i++) { sources[i].#watch(); append(sources[i].#dependents, this); }
    }
    #dispatch() {
      if (this.#dispatched) return;
      this.#dispatched = true;
      const event = freeze({ type: "abort", target: this });
      const listeners = this.#listeners;
      const call = (listener) => {
        try { typeof listener === "function" ? apply(listener, this, [event]) : listener.handleEvent(event); }
        catch (error) { native.uncaught("abort listener", error); }
      };
      for (let i = 0; i < listeners.length; i++) if (!listeners[i].isRemoved) call(listeners[i].listener);
      this.#listeners = list();
      for (let i = 0; i < this.#dependents.length; i++) this.#dependents[i].#dispatch();
      this.#dependents = list();
    }
    static abort(reason) { const controller = new AbortController(); controller.abort(reason); return controller.signal; }
    static timeout(milliseconds) { return new AbortSignal(secret, native.timeoutToken(milliseconds), true); }
    static any(signals) {
      const sources = listOf(signals);
      const tokens = map(sources, (signal) => tokenOf(signal) ?? refuse("AbortSignal.any: expected AbortSignals"));
      const any = new AbortSignal(secret, native.childToken(tokens), false);
      any.#sources = any.#unheard = sources;
      return any;
    }
    static {
      abortSignal = (signal, reason) => {
        if (signal.aborted) return;
        signal.#reason = reason;
        native.cancelToken(signal.#token, reasonText(reason));
        signal.#dispatch();
      };
      tokenOf = (value) => (typeof value === "object" && value !== null && #token in value ? value.#token : undefined);
      watched = (signal) => signal.#dispatch();
    }
    get [toStringTag]() { return "AbortSignal"; }
  }
  class AbortController {
    #signal = new AbortSignal(secret, native.newToken(), false);
    get signal() { return this.#signal; }
    abort(reason) { abortSignal(this.#signal, reason); }
    static { signalOf = (controller) => controller.#signal; }
    get [toStringTag]() { return "AbortController"; }
  }
  const makeSignal = (token) => new AbortSignal(secret, token, true);

  // How they print: pairs of a field and its value.
  const shownSignal = (signal) => map([["aborted", native.tokenReason(tokenOf(signal)) !== undefined]], (pair) => pair);
  const shownController = (controller) => map([["signal", signalOf(controller)]], (pair) => pair);
  return {
    __proto__: null, makeNext, bindMethods, settle, quiet, plain, toWellFormed, makeRunError, callerStack, carried, RunError, makeSignal, tokenOf,
    dispatchAbort: watched, kindOf, heed, isThenable, queueMicrotask, AbortController, AbortSignal, shownSignal, shownController,
  };
})
