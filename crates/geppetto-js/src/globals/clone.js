// `structuredClone`, by the algorithm of the HTML standard. Evaluated once per VM, before any script.
(function (native) {
  "use strict";
  const uncurry = (f) => (self, ...args) => Reflect.apply(f, self, args);
  const { getPrototypeOf, getOwnPropertyDescriptor, defineProperty, keys } = Object;
  const { isArray } = Array, { isView } = ArrayBuffer;
  const Fault = DOMException, TypeFault = TypeError, Text = String, Objects = Object;
  const toText = uncurry(Object.prototype.toString), includes = uncurry(Array.prototype.includes);
  const getter = (C, name) => uncurry(getOwnPropertyDescriptor(C.prototype, name).get);
  const TypedArray = getPrototypeOf(Uint8Array);
  const viewBuffer = getter(TypedArray, "buffer"), viewOffset = getter(TypedArray, "byteOffset"), viewLength = getter(TypedArray, "length");
  const viewName = getter(TypedArray, Symbol.toStringTag);
  const [dataBuffer, dataOffset, dataLength] = ["buffer", "byteOffset", "byteLength"].map((name) => getter(DataView, name));
  const bufferLength = getter(ArrayBuffer, "byteLength"), isDetached = getter(ArrayBuffer, "detached");
  const sliceBuffer = uncurry(ArrayBuffer.prototype.slice), transferBuffer = uncurry(ArrayBuffer.prototype.transfer);
  const getTime = uncurry(Date.prototype.getTime);
  const [mapEach, setEach] = [Map, Set].map((C) => uncurry(C.prototype.forEach));
  const mapSet = uncurry(Map.prototype.set), mapGet = uncurry(Map.prototype.get), mapHas = uncurry(Map.prototype.has), setAdd = uncurry(Set.prototype.add);
  const source = getter(RegExp, "source"), flags = uncurry(getOwnPropertyDescriptor(RegExp.prototype, "flags").get);
  const unwrap = [Number, Text, Boolean, BigInt, Symbol].map((C) => uncurry(C.prototype.valueOf));
  const [domName, domMessage] = ["name", "message"].map((name) => getter(DOMException, name));
  const errors = { __proto__: null, Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
  const views = { __proto__: null };
  for (const C of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array, Float16Array, Float32Array, Float64Array]) views[C.name] = C;
  const { Date: Dates, RegExp: Patterns, Map: Maps, Set: Sets, DataView: DataViews, Error: AnyError } = globalThis;
  const { isError = (value) => value instanceof AnyError } = AnyError;

  const is = (brand, value) => { try { brand(value); return true; } catch { return false; } };
  const refuse = (what) => { throw new Fault(`${what} could not be cloned.`, "DataCloneError"); };
  const put = (object, key, value) => defineProperty(object, key, { __proto__: null, value, writable: true, enumerable: true, configurable: true });

  function clone(value, seen) {
    if (typeof value === "symbol") refuse(Text(value));
    if (typeof value === "function") refuse(`the function ${value.name || "(anonymous)"}`);
    if (typeof value !== "object" || value === null) return value;
    if (mapHas(seen, value)) return mapGet(seen, value);
    const keep = (copy) => { mapSet(seen, value, copy); return copy; };
    if (native.isProxy(value)) refuse("a Proxy");
    if (native.isHandle(value) && toText(value) !== "[object Object]") refuse(`a handle of the host (${value[Symbol.toStringTag]})`);
    if (is(getTime, value)) return keep(new Dates(getTime(value)));
    if (is(bufferLength, value)) return isDetached(value) ? refuse("a detached ArrayBuffer") : keep(sliceBuffer(value, 0));
    if (isView(value)) return keep(is(dataBuffer, value) ? new DataViews(clone(dataBuffer(value), seen), dataOffset(value), dataLength(value)) : new views[viewName(value)](clone(viewBuffer(value), seen), viewOffset(value), viewLength(value)));
    const collection = brandOf(value);
    if (collection === "Map") { const copy = keep(new Maps()); entriesOf(value).forEach(([k, v]) => mapSet(copy, clone(k, seen), clone(v, seen))); return copy; }
    if (collection === "Set") { const copy = keep(new Sets()); itemsOf(value).forEach((item) => setAdd(copy, clone(item, seen))); return copy; }
    if (is(source, value) && value !== Patterns.prototype) return keep(new Patterns(source(value), flags(value)));
    for (const of of unwrap) if (is(of, value)) return typeof of(value) === "symbol" ? refuse(Text(of(value))) : keep(Objects(of(value)));
    if (is(domMessage, value)) return keep(new Fault(domMessage(value), domName(value)));
    if (isError(value)) return cloneError(value, keep, seen);
    if (isArray(value)) { const copy = keep([]); copy.length = value.length; properties(value, copy, seen); return copy; }
    const tag = toText(value);
    if (!includes(["[object Object]", "[object Arguments]"], tag) && isExotic(value)) refuse(tag);
    return properties(value, keep({}), seen);
  }
  function properties(value, copy, seen) {
    for (const key of keys(value)) put(copy, key, clone(value[key], seen));
    return copy;
  }
  function cloneError(error, keep, seen) {
    const copy = keep(new (errors[error.name] ?? AnyError)());
    for (const key of ["message", "stack", "cause"]) {
      const own = getOwnPropertyDescriptor(error, key);
      if (own && "value" in own) defineProperty(copy, key, { __proto__: null, value: key === "cause" ? clone(own.value, seen) : Text(own.value), writable: true, enumerable: false, configurable: true });
    }
    return copy;
  }
  // What a Map or Set holds is listed first: cloning it may run getters of the script.
  const entriesOf = (map) => { const entries = []; mapEach(map, (v, k) => { entries[entries.length] = [k, v]; }); return entries; };
  const itemsOf = (set) => { const items = []; setEach(set, (item) => { items[items.length] = item; }); return items; };
  const nothing = () => {};
  const brandOf = (value) => (is((v) => mapEach(v, nothing), value) ? "Map" : is((v) => setEach(v, nothing), value) ? "Set" : undefined);
  // Objects with inner state that their properties do not hold; instances of a script's own classes are cloned as plain.
  const exotic = [Promise, WeakMap, WeakSet, WeakRef, FinalizationRegistry, Iterator, AbortSignal, AbortController];
  const isExotic = (value) => exotic.some((C) => value instanceof C);

  function structuredClone(value, options) {
    if (arguments.length === 0) throw new TypeFault("structuredClone: expected a value, got nothing");
    const seen = new Maps(), transfer = options?.transfer ?? [], moved = [];
    for (const buffer of transfer) {
      if (!is(bufferLength, buffer) || isDetached(buffer) || includes(moved, buffer)) refuse("a value of options.transfer that is not a whole ArrayBuffer");
      moved[moved.length] = buffer;
      mapSet(seen, buffer, sliceBuffer(buffer, 0));
    }
    const copy = clone(value, seen);
    for (const buffer of moved) transferBuffer(buffer);
    return copy;
  }
  defineProperty(globalThis, "structuredClone", { __proto__: null, value: structuredClone, writable: true, enumerable: false, configurable: true });
})
