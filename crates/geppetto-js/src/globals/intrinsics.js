// The built-ins that our own scripts rely on, as they were before a script could replace them. Evaluated once per VM,
// before everything else; the scripts that use them are read when something first asks for them.
(function () {
  "use strict";
  const { getOwnPropertyDescriptor, getPrototypeOf } = Object;
  const getter = (C, name) => getOwnPropertyDescriptor(C.prototype, name).get;
  const TypedArray = getPrototypeOf(Uint8Array);
  const flagGetters = ["hasIndices", "global", "ignoreCase", "multiline", "dotAll", "unicode", "unicodeSets", "sticky"];
  const methods = ["slice", "indexOf", "includes", "startsWith", "endsWith", "charCodeAt", "codePointAt", "padStart", "repeat", "trim", "toWellFormed"];
  const views = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array];
  views.push(Float16Array, Float32Array, Float64Array);
  const boxes = [Number, String, Boolean, BigInt, Symbol];
  const byName = (list, valueOf, nameOf = (item) => item) => list.reduce((all, item) => { all[nameOf(item)] = valueOf(item); return all; }, { __proto__: null });
  const nameOf = (C) => C.name;
  return {
    __proto__: null, ...byName([ArrayBuffer, DOMException, DataView, Date, Error, Map, Number, Object, RangeError, RegExp, Set, String, TypeError, Uint8Array], (C) => C, nameOf),
    global: globalThis, globalNames: Object.getOwnPropertyNames(globalThis),
    apply: Reflect.apply, ownKeys: Reflect.ownKeys, isArray: Array.isArray,
    ...byName(["freeze", "keys", "hasOwn", "getPrototypeOf", "setPrototypeOf", "getOwnPropertyDescriptor", "getOwnPropertySymbols", "defineProperty"], (name) => Object[name]),
    ObjectPrototype: Object.prototype, FunctionPrototype: Function.prototype, ErrorPrototype: Error.prototype,
    objectText: Object.prototype.toString, functionText: Function.prototype.toString, bind: Function.prototype.bind, numberText: Number.prototype.toString,
    sort: Array.prototype.sort,
    captureStackTrace: Error.captureStackTrace, isError: Error.isError,
    stringify: JSON.stringify, parseInt, parseFloat, ...byName(["sqrt", "max", "min", "round", "floor"], (name) => Math[name]),
    ...byName(["toStringTag", "asyncIterator", "iterator", "toPrimitive"], (name) => Symbol[name]), inspectCustom: Symbol.for("nodejs.util.inspect.custom"),
    text: byName(methods, (name) => String.prototype[name]),
    mapEntries: Map.prototype.entries, setValues: Set.prototype.values,
    nextEntry: getPrototypeOf(new Map().entries()).next, nextItem: getPrototypeOf(new Set().values()).next,
    mapSize: getter(Map, "size"), mapGet: Map.prototype.get, mapSet: Map.prototype.set, mapHas: Map.prototype.has,
    setSize: getter(Set, "size"), setAdd: Set.prototype.add,
    getTime: Date.prototype.getTime, toISOString: Date.prototype.toISOString,
    exec: RegExp.prototype.exec, source: getter(RegExp, "source"), flags: flagGetters.map((name) => getter(RegExp, name)),
    isView: ArrayBuffer.isView, bufferLength: getter(ArrayBuffer, "byteLength"), isDetached: getter(ArrayBuffer, "detached"),
    transferBuffer: ArrayBuffer.prototype.transfer, setBytes: Uint8Array.prototype.set, viewName: getter(TypedArray, Symbol.toStringTag),
    viewBuffer: getter(TypedArray, "buffer"), viewOffset: getter(TypedArray, "byteOffset"),
    viewBytes: getter(TypedArray, "byteLength"), viewLength: getter(TypedArray, "length"),
    dataBuffer: getter(DataView, "buffer"), dataOffset: getter(DataView, "byteOffset"), dataLength: getter(DataView, "byteLength"),
    domName: getter(DOMException, "name"), domMessage: getter(DOMException, "message"),
    views: byName(views, (C) => C, nameOf), unbox: byName(boxes, (C) => C.prototype.valueOf, nameOf),
    errors: byName([Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError], (C) => C, nameOf),
    exotic: [Promise, WeakMap, WeakSet, WeakRef, FinalizationRegistry, Iterator],
  };
})
