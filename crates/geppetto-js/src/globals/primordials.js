// The built-ins our own scripts rely on, kept before a script can replace its own. Methods take what they are called on
// first. Evaluated once per VM, before everything else.
//
// What runs after a script has started uses no template literals, iterates no array and spreads none: the engine joins
// the former by `String.prototype.concat`, and goes through the latter by `Array.prototype[Symbol.iterator]`.
(function () {
  "use strict";
  const { apply, ownKeys } = Reflect, { isArray } = Array;
  const { freeze, keys, hasOwn, getPrototypeOf, setPrototypeOf, getOwnPropertyDescriptor, defineProperty } = Object;
  const uncurry = (f) => (self, ...args) => apply(f, self, args);
  const getter = (C, name) => uncurry(getOwnPropertyDescriptor(C.prototype, name).get);
  const TypedArray = getPrototypeOf(Uint8Array);

  const text = {};
  const methods = ["slice", "indexOf", "includes", "startsWith", "endsWith", "charCodeAt", "codePointAt", "padStart", "repeat", "trim", "toWellFormed"];
  for (const name of methods) text[name] = uncurry(String.prototype[name]);
  const { slice, indexOf } = text;
  const mapEntries = uncurry(Map.prototype.entries), setValues = uncurry(Set.prototype.values);
  const nextEntry = uncurry(getPrototypeOf(new Map().entries()).next), nextItem = uncurry(getPrototypeOf(new Set().values()).next);
  const views = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array];
  views.push(Float16Array, Float32Array, Float64Array);
  const flagGetters = ["hasIndices", "global", "ignoreCase", "multiline", "dotAll", "unicode", "unicodeSets", "sticky"];
  const flags = flagGetters.map((name, i) => ({ __proto__: null, letter: "dgimsuvy"[i], isSet: getter(RegExp, name) }));

  const is = (brand, value) => { try { brand(value); return true; } catch { return false; } };
  // Descriptors inherit nothing: a script may have put `get` on Object.prototype.
  const data = (value, enumerable) => ({ __proto__: null, value, writable: true, enumerable, configurable: true });
  const ownOf = (object, key) => { const own = getOwnPropertyDescriptor(object, key); return own && setPrototypeOf(own, null); };

  // Neither do lists: it may have put setters on Array.prototype, and what it finds there is its own.
  const list = () => setPrototypeOf([], null);
  const append = (items, item) => { items[items.length] = item; };
  function listOf(given) {
    const items = list();
    if (isArray(given)) for (let i = 0; i < given.length; i++) append(items, given[i]);
    else for (const item of given) append(items, item);
    return items;
  }
  function map(items, f) {
    const mapped = list();
    for (let i = 0; i < items.length; i++) append(mapped, f(items[i], i));
    return mapped;
  }
  function filter(items, keep) {
    const kept = list();
    for (let i = 0; i < items.length; i++) if (keep(items[i], i)) append(kept, items[i]);
    return kept;
  }
  function find(items, wanted) {
    for (let i = 0; i < items.length; i++) if (wanted(items[i])) return items[i];
    return undefined;
  }
  function join(items, between) {
    let joined = "";
    for (let i = 0; i < items.length; i++) joined += (i > 0 ? between : "") + items[i];
    return joined;
  }
  function split(whole, at) {
    const parts = list();
    let from = 0;
    for (let to = indexOf(whole, at); to >= 0; to = indexOf(whole, at, from)) { append(parts, slice(whole, from, to)); from = to + at.length; }
    append(parts, slice(whole, from));
    return parts;
  }
  // What a Map or Set holds, of Maps as pairs: a list of its own, for looking at it may run getters of the script.
  function held(iterator, next, most) {
    const items = list();
    for (let step = next(iterator); !step.done && items.length < most; step = next(iterator)) append(items, step.value);
    return items;
  }

  return freeze({
    __proto__: null, apply, ownKeys, freeze, keys, hasOwn, getPrototypeOf, defineProperty, isArray,
    uncurry, getter, text, is, data, ownOf, list, append, listOf, map, filter, find, join, split, views,
    entriesOf: (value, most = Infinity) => held(mapEntries(value), nextEntry, most),
    itemsOf: (value, most = Infinity) => held(setValues(value), nextItem, most),
    mapSize: getter(Map, "size"), mapGet: uncurry(Map.prototype.get), mapSet: uncurry(Map.prototype.set), mapHas: uncurry(Map.prototype.has),
    setSize: getter(Set, "size"), setAdd: uncurry(Set.prototype.add), toText: uncurry(Object.prototype.toString),
    getTime: uncurry(Date.prototype.getTime), toISOString: uncurry(Date.prototype.toISOString),
    exec: uncurry(RegExp.prototype.exec), source: getter(RegExp, "source"),
    flagsOf: (pattern) => join(map(flags, (flag) => (flag.isSet(pattern) ? flag.letter : "")), ""),
    isView: ArrayBuffer.isView, bufferLength: getter(ArrayBuffer, "byteLength"), viewName: getter(TypedArray, Symbol.toStringTag),
    viewBuffer: getter(TypedArray, "buffer"), viewOffset: getter(TypedArray, "byteOffset"),
    viewBytes: getter(TypedArray, "byteLength"), viewLength: getter(TypedArray, "length"),
    dataBuffer: getter(DataView, "buffer"), dataOffset: getter(DataView, "byteOffset"), dataLength: getter(DataView, "byteLength"),
    boxes: map([Number, String, Boolean, BigInt, Symbol], (C) => ({ __proto__: null, name: C.name, unbox: uncurry(C.prototype.valueOf) })),
  });
})
