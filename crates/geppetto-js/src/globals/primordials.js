// The intrinsics with their methods taking what they are called on first, and what our scripts use in place of the
// methods of arrays.
//
// Our scripts are evaluated when something first asks for them, perhaps in the midst of a script that has replaced every
// built-in. So they use no template literals, iterate no array and spread none: the engine joins the former by
// `String.prototype.concat`, and goes through the latter by `Array.prototype[Symbol.iterator]`; and they name no global.
(function (own) {
  "use strict";
  const { apply, ownKeys, isArray, freeze, keys, hasOwn, getPrototypeOf, setPrototypeOf, getOwnPropertyDescriptor, defineProperty } = own;
  const uncurry = (f) => (self, ...args) => apply(f, self, args);

  const text = { __proto__: null }, methods = keys(own.text);
  for (let i = 0; i < methods.length; i++) text[methods[i]] = uncurry(own.text[methods[i]]);
  const { slice, indexOf } = text;
  text.includes = (whole, part) => indexOf(whole, part) >= 0;
  text.startsWith = (whole, start) => slice(whole, 0, start.length) === start;
  text.endsWith = (whole, end) => whole.length >= end.length && slice(whole, whole.length - end.length) === end;
  const min = (a, b) => (a < b ? a : b), max = (a, b) => (a > b ? a : b);
  const mapEntries = uncurry(own.mapEntries), setValues = uncurry(own.setValues);
  const nextEntry = uncurry(own.nextEntry), nextItem = uncurry(own.nextItem);

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

  const flags = map(own.flags, (isSet, i) => ({ __proto__: null, letter: "dgimsuvy"[i], isSet: uncurry(isSet) }));
  return freeze({
    __proto__: null, apply, ownKeys, freeze, keys, hasOwn, getPrototypeOf, defineProperty, isArray, min, max,
    own, uncurry, text, is, data, ownOf, list, append, listOf, map, filter, find, join, split,
    entriesOf: (value, most = Infinity) => held(mapEntries(value), nextEntry, most),
    itemsOf: (value, most = Infinity) => held(setValues(value), nextItem, most),
    mapSize: uncurry(own.mapSize), mapGet: uncurry(own.mapGet), mapSet: uncurry(own.mapSet), mapHas: uncurry(own.mapHas),
    setSize: uncurry(own.setSize), setAdd: uncurry(own.setAdd), toText: uncurry(own.objectText),
    getTime: uncurry(own.getTime), toISOString: uncurry(own.toISOString),
    exec: uncurry(own.exec), source: uncurry(own.source),
    flagsOf: (pattern) => join(map(flags, (flag) => (flag.isSet(pattern) ? flag.letter : "")), ""),
    isView: own.isView, bufferLength: uncurry(own.bufferLength), viewName: uncurry(own.viewName),
    viewBuffer: uncurry(own.viewBuffer), viewOffset: uncurry(own.viewOffset),
    viewBytes: uncurry(own.viewBytes), viewLength: uncurry(own.viewLength),
    dataBuffer: uncurry(own.dataBuffer), dataOffset: uncurry(own.dataOffset), dataLength: uncurry(own.dataLength),
    boxes: map(keys(own.unbox), (name) => ({ __proto__: null, name, unbox: uncurry(own.unbox[name]) })),
  });
})
