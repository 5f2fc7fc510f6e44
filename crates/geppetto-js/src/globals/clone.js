// `structuredClone`, by the algorithm of the HTML standard. Evaluated when a script first asks for it.
(function (native, kept, ours) {
  "use strict";
  const { keys, defineProperty, ownOf, isArray, uncurry, is, data, list, append, listOf, find, entriesOf, itemsOf } = kept;
  const { mapSize, mapGet, mapSet, mapHas, setSize, setAdd, getTime, toText, source, flagsOf, boxes } = kept;
  const { isView, bufferLength, viewName, viewBuffer, viewOffset, viewLength, dataBuffer, dataOffset, dataLength } = kept;
  const { DOMException: Fault, TypeError: TypeFault, String: Text, Object: Objects, toStringTag, errors, views } = kept.own;
  const { ArrayBuffer: Buffers, Uint8Array: Bytes, Date: Dates, RegExp: Patterns, Map: Maps, Set: Sets, DataView: DataViews, Error: AnyError } = kept.own;
  const { isError = (value) => value instanceof AnyError } = kept.own;
  const isDetached = uncurry(kept.own.isDetached), transferBuffer = uncurry(kept.own.transferBuffer), setBytes = uncurry(kept.own.setBytes);
  const domName = uncurry(kept.own.domName), domMessage = uncurry(kept.own.domMessage);

  const refuse = (what) => { throw new Fault(what + " could not be cloned.", "DataCloneError"); };
  const put = (object, key, value) => defineProperty(object, key, data(value, true));

  // `slice` would ask the buffer for its constructor.
  function copyOf(buffer) {
    const copy = new Buffers(bufferLength(buffer));
    setBytes(new Bytes(copy), new Bytes(buffer));
    return copy;
  }
  function clone(value, seen) {
    if (typeof value === "symbol") refuse(Text(value));
    if (typeof value === "function") refuse("the function " + (value.name || "(anonymous)"));
    if (typeof value !== "object" || value === null) return value;
    if (mapHas(seen, value)) return mapGet(seen, value);
    const keep = (copy) => { mapSet(seen, value, copy); return copy; };
    if (native.isProxy(value)) refuse("a Proxy");
    if (native.isHandle(value) && toText(value) !== "[object Object]") refuse("a handle of the host (" + value[toStringTag] + ")");
    if (is(getTime, value)) return keep(new Dates(getTime(value)));
    if (is(bufferLength, value)) return isDetached(value) ? refuse("a detached ArrayBuffer") : keep(copyOf(value));
    if (isView(value) && !is(bufferLength, is(dataBuffer, value) ? dataBuffer(value) : viewBuffer(value))) refuse("a view of a SharedArrayBuffer");
    if (isView(value)) return keep(is(dataBuffer, value) ? new DataViews(clone(dataBuffer(value), seen), dataOffset(value), dataLength(value)) : new views[viewName(value)](clone(viewBuffer(value), seen), viewOffset(value), viewLength(value)));
    if (is(mapSize, value)) {
      const copy = keep(new Maps()), entries = entriesOf(value);
      for (let i = 0; i < entries.length; i++) mapSet(copy, clone(entries[i][0], seen), clone(entries[i][1], seen));
      return copy;
    }
    if (is(setSize, value)) {
      const copy = keep(new Sets()), items = itemsOf(value);
      for (let i = 0; i < items.length; i++) setAdd(copy, clone(items[i], seen));
      return copy;
    }
    if (is(source, value) && value !== Patterns.prototype) return keep(new Patterns(source(value), flagsOf(value)));
    const box = find(boxes, (box) => is(box.unbox, value));
    if (box) return box.name === "Symbol" ? refuse(Text(box.unbox(value))) : keep(Objects(box.unbox(value)));
    if (is(domMessage, value)) return keep(new Fault(domMessage(value), domName(value)));
    if (isError(value)) return cloneError(value, keep, seen);
    if (isArray(value)) { const copy = keep([]); copy.length = value.length; properties(value, copy, seen); return copy; }
    const tag = toText(value);
    if (tag !== "[object Object]" && tag !== "[object Arguments]" && isExotic(value)) refuse(tag);
    return properties(value, keep({}), seen);
  }
  function properties(value, copy, seen) {
    const names = keys(value);
    for (let i = 0; i < names.length; i++) put(copy, names[i], clone(value[names[i]], seen));
    return copy;
  }
  function cloneError(error, keep, seen) {
    const copy = keep(new (errors[error.name] ?? AnyError)());
    for (let i = 0; i < CARRIED.length; i++) {
      const key = CARRIED[i], own = ownOf(error, key);
      if (own && "value" in own) defineProperty(copy, key, data(key === "cause" ? clone(own.value, seen) : Text(own.value), false));
    }
    return copy;
  }
  const CARRIED = ["message", "stack", "cause"];
  // Objects with inner state that their properties do not hold; instances of a script's own classes are cloned as plain.
  const exotic = listOf(kept.own.exotic);
  append(exotic, ours.AbortSignal);
  append(exotic, ours.AbortController);
  const isExotic = (value) => find(exotic, (C) => value instanceof C) !== undefined;

  function structuredClone(value, options) {
    if (arguments.length === 0) throw new TypeFault("structuredClone: expected a value, got nothing");
    const seen = new Maps(), transfer = listOf(options?.transfer ?? []), moved = list();
    for (let i = 0; i < transfer.length; i++) {
      const buffer = transfer[i];
      if (!is(bufferLength, buffer) || isDetached(buffer) || mapHas(seen, buffer)) refuse("a value of options.transfer that is not a whole ArrayBuffer");
      append(moved, buffer);
      mapSet(seen, buffer, copyOf(buffer));
    }
    const copy = clone(value, seen);
    for (let i = 0; i < moved.length; i++) transferBuffer(moved[i]);
    return copy;
  }
  return structuredClone;
})
