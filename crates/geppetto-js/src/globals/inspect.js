// How values print: the text is that of Node 20, whose rules these are. Evaluated when something is first printed.
// Looking at a value runs no trap of a Proxy, and calls nothing a script may have replaced.
(function (native, kept, layout, ours) {
  "use strict";
  const { apply, ownKeys, getPrototypeOf, uncurry, data, min } = kept;
  const { list, append, map, filter, find, join, split, listOf, entriesOf, itemsOf, mapGet, mapSet, mapHas, mapSize, setSize, exec } = kept;
  const { slice, indexOf, includes, startsWith, endsWith, repeat, trim } = kept.text;
  const { MOST_ITEMS, digits, counted, showText, numberText, keyText, laidOut } = layout;
  const { behind, classOf } = native;
  const { String: Text, Map: Maps, Uint8Array: Bytes, toStringTag, getOwnPropertySymbols, inspectCustom: CUSTOM } = kept.own;
  const { ObjectPrototype, FunctionPrototype, ErrorPrototype } = kept.own;
  const sourceOf = uncurry(kept.own.functionText);
  const builtIns = new Maps(), CLASS_NAME = /^[A-Z][a-zA-Z0-9]+$/, names = kept.own.globalNames;
  for (let i = 0; i < names.length; i++) if (exec(CLASS_NAME, names[i]) !== null) mapSet(builtIns, names[i], true);
  const LONGEST_LISTED = 100_000, ENOUGH = 2 ** 24, MOST_INHERITED = 1000;

  // ---- what a value is ----------------------------------------------------------------------------------------

  // Not there, too, are exports of a module that have no value yet.
  const ownOf = (object, key) => { try { return kept.ownOf(object, key); } catch { return undefined; } };
  // A value and what it inherits from; in place of each Proxy what is behind it.
  function chainOf(value) {
    const chain = list();
    for (let at = value; at !== null && chain.length < MOST_INHERITED; at = behind(getPrototypeOf(at))) append(chain, at);
    return chain;
  }
  function lookUp(chain, key) {
    for (let i = 0; i < chain.length; i++) { const own = ownOf(chain[i], key); if (own) return own; }
    return undefined;
  }
  function read(chain, key) {
    const found = lookUp(chain, key);
    if (!found?.get) return found?.value;
    try { return native.isProxy(found.get) ? undefined : apply(found.get, chain[0], []); } catch { return undefined; }
  }
  const wordOf = (value, otherwise) => (typeof value === "string" ? value : otherwise);
  const nameOf = (f) => wordOf(ownOf(f, "name")?.value, undefined) ?? wordOf(read(chainOf(f), "name"), "");
  // As Node finds the class of an object: where among what it inherits from, and its name.
  function makerOf(chain) {
    for (let i = 0; i < chain.length; i++) {
      if (i > 0 && chain[i] === ObjectPrototype) return { __proto__: null, at: i, name: "Object" };
      if (i > 0 && chain[i] === FunctionPrototype) return { __proto__: null, at: i, name: "Function" };
      const made = ownOf(chain[i], "constructor")?.value;
      if (typeof made !== "function" || classOf(made) === "Proxy") continue;
      const name = nameOf(made), prototype = ownOf(made, "prototype")?.value;
      for (let j = 1; name !== "" && j < chain.length; j++) if (chain[j] === prototype) return { __proto__: null, at: i, name };
    }
    return undefined;
  }
  // `null` when it inherits nothing.
  function classNameOf(ctx, chain, level) {
    const maker = makerOf(chain), kind = classOf(chain[0]);
    if (maker || chain.length < 2) return maker?.name ?? null;
    if (level > ctx.depth) return kind + " <Complex prototype>";
    return kind + " <" + (classNameOf(ctx, chainOf(chain[1]), level + 1) ?? inspect(chain[1], { __proto__: null, depth: -1 })) + ">";
  }
  function isBuiltIn(prototype) {
    const made = ownOf(prototype, "constructor")?.value;
    return typeof made === "function" && mapHas(builtIns, nameOf(made));
  }
  function prefixOf(name, tag, fallback, size = "") {
    if (name === null) return "[" + fallback + size + ": null prototype] " + (tag !== "" && fallback !== tag ? "[" + tag + "] " : "");
    return name + size + " " + (tag !== "" && name !== tag ? "[" + tag + "] " : "");
  }
  const CLASS = /^class\b(?!\s*\()/, FUNCTION_KIND = /^(Async|Generator|AsyncGenerator)Function$/;
  function functionText(value, kind, name, tag) {
    const own = nameOf(value), tagged = tag !== "" && name !== tag ? " [" + tag + "]" : "";
    if (exec(CLASS, sourceOf(value)) !== null) {
      const other = name !== "Function" && name !== null ? " [" + name + "]" : "";
      const parent = name === null ? "[null prototype]" : nameOf(behind(getPrototypeOf(value)));
      return "[class " + (own || "(anonymous)") + other + tagged + (parent ? " extends " + parent : "") + "]";
    }
    const type = exec(FUNCTION_KIND, kind) !== null ? kind : "Function", other = name !== type && name !== null ? " " + name : "";
    return "[" + type + (name === null ? " (null prototype)" : "") + (own ? ": " + own : " (anonymous)") + "]" + other + tagged;
  }
  // The engine's stacks hold the frames alone; one a script has set stands as it is. Our own frames are left out.
  function stackText(chain, name) {
    const message = wordOf(read(chain, "message"), ""), stack = wordOf(read(chain, "stack"), "");
    const head = message === "" ? name : name === "" ? message : name + ": " + message;
    if (stack !== "" && !startsWith(trim(stack), "at ")) return stack;
    const frames = filter(map(split(stack, "\n"), (line) => trim(line)), (line) => line !== "" && !includes(line, "geppetto:"));
    return join(map(frames, (frame, i) => (i === 0 ? head + "\n    " : "    ") + frame), "\n") || head;
  }
  // Where four frames and more are those of the cause, all but the first and the last of them are left out.
  function framesBeside(chain, frames) {
    const cause = read(chain, "cause"), itsChain = typeof cause === "object" && cause !== null ? chainOf(behind(cause)) : list();
    if (find(itsChain, (at) => at === ErrorPrototype) === undefined) return frames;
    const stack = stackText(itsChain, wordOf(read(itsChain, "name"), "Error")), start = indexOf(stack, "\n    at");
    const known = start < 0 ? list() : split(slice(stack, start + 1), "\n");
    for (let i = 0; i < frames.length - 3; i++) {
      let from = 0, count = 0;
      while (from < known.length && known[from] !== frames[i]) from++;
      while (i + count < frames.length && from + count < known.length && frames[i + count] === known[from + count]) count++;
      if (count <= 3) continue;
      const left = "    ... " + (count - 2) + " lines matching cause stack trace ...";
      return filter(map(frames, (frame, at) => (at === i + 1 ? left : frame)), (_, at) => at <= i + 1 || at >= i + count - 1);
    }
    return frames;
  }
  const HEADS = /^([A-Z][a-z_ A-Z0-9[\]()-]+)(?::|\n {4}at)|^([a-z_A-Z0-9-]*Error)$/;
  function lookOfError(it) {
    const { ctx, chain, name: className, tag } = it;
    const name = wordOf(read(chain, "name"), "Error");
    let stack = stackText(chain, name), length = name.length;
    const said = (key) => (key === "name" || key === "message" || key === "stack") && includes(stack, wordOf(read(chain, key), "\0"));
    const shown = filter(it.keys, (key) => ctx.hidden || !said(key));
    const add = (key) => { if (find(shown, (known) => known === key) === undefined) append(shown, key); };
    if (lookUp(chain, "cause") !== undefined) add("cause");
    if (classOf(read(chain, "errors")) === "Array") add("errors");
    const after = stack[length];
    if (className === null || (endsWith(name, "Error") && startsWith(stack, name) && (after === undefined || after === ":" || after === "\n"))) {
      const head = className === null ? exec(HEADS, stack) : undefined, said = head?.[1] ?? head?.[2] ?? "";
      if (className === null) length = said.length;
      const prefix = slice(prefixOf(className, tag, said || "Error"), 0, -1);
      if (name !== prefix) stack = (includes(prefix, name) ? (length === 0 ? prefix + ": " : prefix) : prefix + " [" + name + "]") + slice(stack, length);
    }
    const message = wordOf(read(chain, "message"), ""), at = message === "" ? -1 : indexOf(stack, message);
    const start = indexOf(stack, "\n    at", at < 0 ? 0 : at + message.length);
    stack = start < 0 ? "[" + stack + "]" : slice(stack, 0, start + 1) + join(framesBeside(chain, split(slice(stack, start + 1), "\n")), "\n");
    it.base = join(split(stack, "\n"), "\n" + repeat(" ", ctx.indent));
    it.keys = shown;
  }

  // ---- how it prints ------------------------------------------------------------------------------------------

  function inspect(value, options) {
    const ctx = { __proto__: null, depth: 2, hidden: false, indent: 0, inner: 0, length: 0, seen: list(), circular: new Maps() };
    if (options?.depth !== undefined) ctx.depth = options.depth ?? Infinity;
    if (options?.showHidden) ctx.hidden = true;
    return show(ctx, value, 0);
  }
  function show(ctx, given, level) {
    if (typeof given === "string") return showText(ctx, given);
    if (typeof given === "number") return numberText(given);
    if (typeof given === "bigint") return given + "n";
    if (given === null || (typeof given !== "object" && typeof given !== "function")) return Text(given);
    const value = behind(given);
    if (value === null) return "<Revoked Proxy>";
    const chain = chainOf(value), custom = read(chain, CUSTOM);
    if (typeof custom === "function" && !native.isProxy(custom) && ownOf(ownOf(value, "constructor")?.value ?? {}, "prototype")?.value !== value) {
      const options = { depth: ctx.depth, showHidden: ctx.hidden, colors: false, stylize: (text) => Text(text) };
      const shown = apply(custom, given, [ctx.depth - level, options, inspect]);
      if (typeof shown === "string") return join(split(shown, "\n"), "\n" + repeat(" ", ctx.indent));
      if (shown !== given) return show(ctx, shown, level);
    }
    if (find(ctx.seen, (around) => around === value) === undefined) return showObject(ctx, value, chain, level);
    if (!mapHas(ctx.circular, value)) mapSet(ctx.circular, value, mapSize(ctx.circular) + 1);
    return "[Circular *" + mapGet(ctx.circular, value) + "]";
  }
  const PLAIN = { __proto__: null, open: "{", close: "}", base: "", keys: undefined, parts: undefined, fields: undefined, items: false, short: undefined };
  function showObject(ctx, value, chain, level) {
    const kind = classOf(value), tagged = wordOf(read(chain, toStringTag), "");
    const name = kind === "Handle" ? tagged || "Object" : classNameOf(ctx, chain, level);
    const ownTag = tagged !== "" ? ownOf(value, toStringTag) : undefined;
    const tag = kind === "Handle" || (ownTag && (ctx.hidden || ownTag.enumerable)) ? "" : tagged;
    const it = { __proto__: null, ctx, value, chain, kind, name, tag, level: level + 1, ...PLAIN };
    look(it);
    const more = ctx.hidden && level <= ctx.depth && kind !== "Handle" ? inheritedParts(it) : list();
    if (!it.parts && !it.fields && it.keys.length + more.length === 0) return it.base || it.open + it.close;
    if (level > ctx.depth) {
      const short = slice(prefixOf(name, tag, kind === tag ? "Object" : kind), 0, -1);
      return it.short ?? (name === null ? short : "[" + short + "]");
    }
    append(ctx.seen, value);
    ctx.inner = ++level;
    ctx.indent += 2;
    const parts = it.parts ? it.parts() : list(), fields = it.fields ?? list();
    for (let i = 0; i < fields.length; i++) append(parts, property(ctx, level, fields[i].key, fields[i].own));
    for (let i = 0; i < it.keys.length; i++) append(parts, property(ctx, level, it.keys[i], ownOf(value, it.keys[i]) ?? inherited(it, it.keys[i])));
    for (let i = 0; i < more.length; i++) append(parts, more[i]);
    ctx.indent -= 2;
    ctx.seen.length--;
    const number = mapGet(ctx.circular, value), reference = number === undefined ? "" : "<ref *" + number + ">";
    if (reference) it.base = it.base ? reference + " " + it.base : reference;
    const shown = laidOut(it, parts);
    // What is shown is bounded whatever its shape: from here on only what there is, not what is in it.
    ctx.length += shown.length;
    if (ctx.length > ENOUGH) ctx.depth = -1;
    return shown;
  }
  function property(ctx, level, key, own) {
    const accessor = own?.get ? (own.set ? "[Getter/Setter]" : "[Getter]") : own?.set ? "[Setter]" : undefined;
    const shown = !own ? "<uninitialized>" : (accessor ?? show(ctx, own.value, level));
    return key === undefined ? shown : keyText(key, !own || own.enumerable) + ": " + shown;
  }
  // What an object inherits from classes of the script, from three of them at most.
  function inheritedParts({ ctx, chain, value, level }) {
    const maker = makerOf(chain), parts = list(), known = new Maps();
    if (!maker || (maker.at === 1 && isBuiltIn(chain[1]))) return parts;
    append(ctx.seen, value);
    ctx.indent += 2;
    for (let i = 1; i < min(chain.length, 4) && (i === 1 || !isBuiltIn(chain[i])); i++) {
      const names = filter(ownKeys(chain[i]), (key) => key !== "constructor" && !ownOf(value, key) && !mapHas(known, key));
      for (let j = 0; j < names.length; j++) {
        const own = ownOf(chain[i], names[j]);
        mapSet(known, names[j], true);
        if (typeof own?.value !== "function") append(parts, property(ctx, level - 1, names[j], own));
      }
    }
    ctx.indent -= 2;
    ctx.seen.length--;
    return parts;
  }
  // Exports of a module inherit nothing.
  const inherited = (it, key) => (it.kind === "Object" && it.name === null ? undefined : data(read(it.chain, key), true));

  // Between which braces an object stands, what comes before them, and what between them: parts that are text already,
  // fields that are none of its properties, and its own keys.
  function look(it) {
    const { kind, name, value } = it;
    if (listed[kind]) return listed[kind](it);
    it.keys = kind === "String" ? keysOfText(it) : shownKeys(it, ownKeys(value));
    if (typeof value === "function") it.base = functionText(value, kind, name, it.tag);
    else if (kind === "Handle") lookOfHandle(it);
    else if (name === "Object") it.open = kind === "Arguments" ? "[Arguments] {" : it.tag !== "" ? prefix(it, "Object") + "{" : "{";
    else if (branded[kind]) branded[kind](it);
    else if (kind === "Error" || find(it.chain, (at) => at === ErrorPrototype)) lookOfError(it);
    else if (!lookOfOurs(it)) it.open = prefix(it, name === null && it.tag === "Module" ? "Module" : "Object") + "{";
  }
  const prefix = (it, fallback, size) => prefixOf(it.name, it.tag, fallback, size);
  const inner = (it, value) => show(it.ctx, value, it.level);
  const field = (key, value, enumerable = true) => ({ __proto__: null, key, own: data(value, enumerable) });
  const shownKeys = (it, keys) => filter(keys, (key) => it.ctx.hidden || (ownOf(it.value, key)?.enumerable ?? true));
  // Of what has many items, and is no array, nothing else is looked for.
  function keysBesideItems(it, names) {
    const found = listOf(names), symbols = getOwnPropertySymbols(it.value);
    for (let i = 0; i < symbols.length; i++) append(found, symbols[i]);
    return shownKeys(it, found);
  }
  const unboxed = (it) => find(kept.boxes, (box) => box.name === it.kind).unbox(it.value);
  function keysOfText(it) {
    const { length } = unboxed(it);
    return length <= LONGEST_LISTED ? shownKeys(it, filter(ownKeys(it.value), (_, i) => i >= length)) : list();
  }
  // The first of many items, and how many are left.
  function firstOf(length, item, what = "more item") {
    const parts = list();
    for (let i = 0; i < length && i < MOST_ITEMS; i++) append(parts, item(i));
    if (length > MOST_ITEMS) append(parts, "... " + counted(length - MOST_ITEMS, what));
    return parts;
  }
  const listed = {
    __proto__: null,
    Array(it) {
      const { length } = it.value, found = native.namesBesideItems(it.value);
      it.open = (it.name !== "Array" || it.tag !== "" ? prefix(it, "Array", "(" + length + ")") : "") + "[";
      it.close = "]";
      it.items = true;
      it.keys = keysBesideItems(it, found[1]);
      if (length > 0) it.parts = () => arrayItems(it, length, found[0]);
    },
    Map(it) {
      const size = mapSize(it.value);
      it.open = prefix(it, "Map", "(" + size + ")") + "{";
      it.keys = shownKeys(it, ownKeys(it.value));
      const entries = entriesOf(it.value, MOST_ITEMS);
      if (size > 0) it.parts = () => firstOf(size, (i) => inner(it, entries[i][0]) + " => " + inner(it, entries[i][1]));
    },
    Set(it) {
      const size = setSize(it.value), items = itemsOf(it.value, MOST_ITEMS);
      it.open = prefix(it, "Set", "(" + size + ")") + "{";
      it.keys = shownKeys(it, ownKeys(it.value));
      if (size > 0) it.parts = () => firstOf(size, (i) => inner(it, items[i]));
    },
  };
  function lookOfView(it) {
    const length = kept.viewLength(it.value);
    it.open = prefix(it, it.kind, "(" + length + ")") + "[";
    it.close = "]";
    it.items = true;
    it.keys = keysBesideItems(it, length <= LONGEST_LISTED ? native.namesBesideItems(it.value)[1] : list());
    if (length > 0) it.parts = () => firstOf(length, (i) => inner(it, it.value[i]));
    if (it.ctx.hidden) it.fields = map(VIEW_FIELDS, (key) => field(key, read(it.chain, key), false));
  }
  const VIEW_FIELDS = ["BYTES_PER_ELEMENT", "length", "byteLength", "byteOffset", "buffer"];
  const views = kept.keys(kept.own.views);
  for (let i = 0; i < views.length; i++) listed[views[i]] = lookOfView;
  // Runs of items that are not there are shown as one.
  function arrayItems(it, length, indices) {
    const parts = list(), most = min(MOST_ITEMS, length);
    let at = 0;
    for (let i = 0; i < indices.length && parts.length < most; i++) {
      if (indices[i] > at) append(parts, "<" + counted(indices[i] - at, "empty item") + ">");
      at = indices[i];
      if (parts.length < most) append(parts, property(it.ctx, it.level, undefined, ownOf(it.value, at++)));
    }
    if (length > at) append(parts, parts.length < most ? "<" + counted(length - at, "empty item") + ">" : "... " + counted(length - at, "more item"));
    return parts;
  }
  function lookOfBuffer(it) {
    it.open = prefix(it, it.kind) + "{";
    let bytes, length = 0, contents = "(detached)";
    try { bytes = new Bytes(it.value); length = kept.viewLength(bytes); } catch {}
    if (bytes) contents = "[Uint8Contents]: <" + join(firstOf(length, (i) => (bytes[i] < 16 ? "0" : "") + digits(bytes[i], 16), "more byte"), " ") + ">";
    it.parts = () => listOf([contents]);
    it.fields = listOf([field("byteLength", length)]);
  }
  function lookOfBox(it) {
    const given = it.name === it.kind ? "" : it.name === null ? " (null prototype)" : " (" + it.name + ")";
    it.base = "[" + it.kind + given + ": " + show(it.ctx, unboxed(it), 0) + "]" + (it.tag !== "" && it.tag !== it.name ? " [" + it.tag + "]" : "");
  }
  const lookOfWeak = (it) => { it.open = prefix(it, it.kind) + "{"; it.parts = () => listOf(["<items unknown>"]); };
  const before = (it, text) => { const given = prefix(it, it.kind); it.base = given === it.kind + " " ? text : given + text; };
  const branded = {
    __proto__: null, ArrayBuffer: lookOfBuffer, SharedArrayBuffer: lookOfBuffer, WeakMap: lookOfWeak, WeakSet: lookOfWeak,
    Number: lookOfBox, String: lookOfBox, Boolean: lookOfBox, BigInt: lookOfBox, Symbol: lookOfBox,
    RegExp(it) { before(it, "/" + kept.source(it.value) + "/" + kept.flagsOf(it.value)); it.short = it.base; },
    Date(it) { const time = kept.getTime(it.value); before(it, time === time ? kept.toISOString(it.value) : "Invalid Date"); },
    DataView(it) {
      it.open = prefix(it, "DataView") + "{";
      const length = field("byteLength", kept.dataLength(it.value)), offset = field("byteOffset", kept.dataOffset(it.value));
      it.fields = listOf([length, offset, field("buffer", kept.dataBuffer(it.value))]);
    },
    Promise(it) {
      it.open = prefix(it, "Promise") + "{";
      const state = native.promiseState(it.value);
      it.parts = () => listOf([state[0] === "pending" ? "<pending>" : (state[0] === "rejected" ? "<rejected> " : "") + inner(it, state[1])]);
    },
  };
  function lookOfHandle(it) {
    const shown = native.publicFields(it.value);
    if (it.name !== "Object") it.open = it.name + " {";
    if (shown) { it.keys = list(); it.fields = map(shown, (pair) => field(pair[0], pair[1])); }
  }
  // How instances of our own classes print: pairs of a field and its value, or entries as of a Map.
  const describers = new Maps();
  const describe = (prototype, pairsOf, asEntries = false) => { mapSet(describers, prototype, { __proto__: null, pairsOf, asEntries }); };
  function lookOfOurs(it) {
    const known = find(it.chain, (at) => mapHas(describers, at));
    if (known === undefined) return false;
    const { pairsOf, asEntries } = mapGet(describers, known);
    let pairs;
    try { pairs = pairsOf(it.value); } catch { return false; }
    it.open = prefix(it, "Object") + "{";
    it.short = it.open + "}";
    if (asEntries && pairs.length > 0) it.parts = () => map(pairs, (pair) => inner(it, pair[0]) + " => " + inner(it, pair[1]));
    else if (!asEntries) it.fields = map(pairs, (pair) => field(pair[0], pair[1]));
    return true;
  }

  describe(ours.AbortSignal.prototype, ours.shownSignal);
  describe(ours.AbortController.prototype, ours.shownController);

  // What cannot be shown must not stop the script.
  function attempt(text, value, options) {
    try { return text(value, options); } catch (error) {
      try { return "[cannot be shown: " + (native.isProxy(error) ? "a Proxy" : Text(error)) + "]"; } catch { return "[cannot be shown]"; }
    }
  }
  const shown = (value, options) => attempt(inspect, value, options);
  return { __proto__: null, inspect, shown, attempt, describe, chainOf, ownOf, isBuiltIn, sourceOf, behind, classOf, isProxy: native.isProxy };
})
