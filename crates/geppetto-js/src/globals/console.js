// `console`: formatted here, written by the host. Evaluated when a script first asks for it.
(function (native, kept) {
  "use strict";
  const { defineProperty, data, find, listOf } = kept;
  const { slice } = kept.text;
  // How values print is read when the first one is printed that is no text.
  const inspection = () => native.inspection();
  const { String: Text, Number: toNumber, Error: Fault, parseInt, parseFloat, toPrimitive, FunctionPrototype } = kept.own;

  const SHALLOW = { __proto__: null, depth: 0 }, HIDDEN = { __proto__: null, depth: 4, showHidden: true };
  // `%s`: as text, what a class of the script can say itself.
  function plainText(value) {
    const { inspect, behind: behindOf, chainOf, ownOf, isBuiltIn, sourceOf } = inspection();
    if (typeof value === "bigint" || typeof value === "number") return inspect(value);
    if (value === null || (typeof value !== "object" && typeof value !== "function")) return Text(value);
    const behind = behindOf(value);
    if (behind !== value) return inspect(value, SHALLOW);
    const owner = find(chainOf(value), (at) => typeof ownOf(at, "toString")?.value === "function" || ownOf(at, toPrimitive));
    if (owner === FunctionPrototype) return sourceOf(value);
    return !owner || (owner !== value && isBuiltIn(owner)) ? inspect(value, SHALLOW) : Text(value);
  }
  function json(value) {
    try { return native.json(value); } catch (error) {
      const { classOf, ownOf } = inspection();
      if (classOf(error) === "Error" && ownOf(error, "message")?.value === "circular reference") return "[Circular]";
      throw error;
    }
  }
  const isNoNumber = (value) => typeof value === "symbol" || inspection().isProxy(value);
  const numbers = (convert) => (value) => (typeof value === "bigint" ? value + "n" : isNoNumber(value) ? "NaN" : inspection().inspect(convert(value)));
  const DIRECTIVES = {
    __proto__: null, s: plainText, j: json, c: () => "",
    d: numbers(toNumber), i: numbers((value) => parseInt(value)), f: (value) => (isNoNumber(value) ? "NaN" : inspection().inspect(parseFloat(value))),
    O: (value) => inspection().inspect(value), o: (value) => inspection().inspect(value, HIDDEN),
  };
  function format(args) {
    let text = "", from = 0, next = 0;
    const first = args[0];
    if (typeof first === "string") {
      next = 1;
      for (let i = 0; args.length > 1 && i < first.length - 1; i++) {
        if (first[i] !== "%") continue;
        const directive = DIRECTIVES[first[++i]];
        if (first[i] === "%") text += slice(first, from, i);
        else if (directive && next < args.length) text += slice(first, from, i - 1) + inspection().attempt(directive, args[next++]);
        else continue;
        from = i + 1;
      }
      text += slice(first, from);
    }
    for (let i = next; i < args.length; i++) text += (i > 0 ? " " : "") + (typeof args[i] === "string" ? args[i] : inspection().shown(args[i]));
    return text;
  }
  const write = (level, args) => { native.print(level, format(args)); };
  return {
    log(...args) { write("log", args); },
    info(...args) { write("info", args); },
    debug(...args) { write("debug", args); },
    warn(...args) { write("warn", args); },
    error(...args) { write("error", args); },
    dir(value, options) { native.print("log", inspection().shown(value, options)); },
    trace(...args) { native.print("error", inspection().attempt((said) => inspection().inspect(defineProperty(new Fault(format(said)), "name", data("Trace", false))), args)); },
    assert(condition, ...args) {
      if (condition) return;
      const said = listOf(args);
      said[0] = "Assertion failed" + (args.length > 0 ? ": " + inspection().attempt(Text, said[0]) : "");
      write("error", said);
    },
  };
})
