// How text is quoted and measured, and where lines break, as in Node 20. Evaluated when something is first printed.
(function (kept) {
  "use strict";
  const { list, append, map, filter, join, split, exec, uncurry, ownOf, min, max } = kept;
  const { slice, includes, charCodeAt, codePointAt, repeat } = kept.text;
  const { String: Text, RegExp: Pattern, numberText: numberToText } = kept.own;
  const digits = uncurry(numberToText);
  const MOST_ITEMS = 100, LONGEST_TEXT = 10_000, LINE = 80;

  const whole = (number) => number - (number % 1);
  const counted = (count, what) => count + " " + what + (count > 1 ? "s" : "");
  const UNUSUAL = /[\x00-\x1f'\\\x7f-\x9f\ud800-\udfff]/, HEX = "0123456789ABCDEF";
  const SHORT = { __proto__: null, 8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 39: "\\'", 92: "\\\\" };
  function escape(text, keepsQuotes) {
    if (exec(UNUSUAL, text) === null) return text;
    let escaped = "", from = 0;
    for (let i = 0; i < text.length; i++) {
      const code = charCodeAt(text, i);
      if (codePointAt(text, i) > 0xffff) { i++; continue; }
      let sign;
      if (code === 39 && keepsQuotes) continue;
      else if (SHORT[code]) sign = SHORT[code];
      else if (code < 32 || (code > 126 && code < 160)) sign = "\\x" + HEX[code >> 4] + HEX[code & 15];
      else if (code >= 0xd800 && code <= 0xdfff) sign = "\\u" + digits(code, 16);
      else continue;
      escaped += slice(text, from, i) + sign;
      from = i + 1;
    }
    return escaped + slice(text, from);
  }
  function quote(text) {
    const mark = !includes(text, "'") ? "'" : !includes(text, '"') ? '"' : !includes(text, "`") && !includes(text, "${") ? "`" : "'";
    return mark + escape(text, mark !== "'") + mark;
  }
  function showText(ctx, text) {
    const left = text.length - LONGEST_TEXT, rest = left > 0 ? "... " + counted(left, "more character") : "";
    if (left > 0) text = slice(text, 0, LONGEST_TEXT);
    if (text.length <= 16 || text.length <= LINE - ctx.indent - 4) return quote(text) + rest;
    const lines = split(text, "\n"), last = lines.length - 1;
    const shown = map(lines, (line, i) => (i < last ? quote(line + "\n") : line !== "" ? quote(line) : undefined));
    return join(filter(shown, (line) => line !== undefined), " +\n" + repeat(" ", ctx.indent + 2)) + rest;
  }
  const numberText = (number) => (number === 0 && 1 / number < 0 ? "-0" : Text(number));
  const NAME = /^[a-zA-Z_]\w*$/;
  function keyText(key, enumerable) {
    if (typeof key === "symbol") return "[" + escape(Text(key)) + "]";
    if (key === "__proto__") return "['__proto__']";
    return !enumerable ? "[" + escape(key) + "]" : exec(NAME, key) !== null ? key : quote(key);
  }
  // How many columns of a terminal a text takes.
  const USUAL = /^[\x20-\x7e]*$/, UNSEEN = /[\p{Cc}\p{Cf}\p{Mn}\p{Me}]/u;
  const WIDE = new Pattern("[\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\u3247\\u3250-\\u4dbf\\u4e00-\\ua4c6\\ua960-\\ua97c\\uac00-\\ud7a3\\uf900-\\ufaff" +
    "\\ufe30-\\ufe6b\\uff01-\\uff60\\uffe0-\\uffe6\\u{20000}-\\u{3fffd}\\p{Emoji_Presentation}]", "u");
  function widthOf(text) {
    if (exec(USUAL, text) !== null) return text.length;
    let width = 0;
    for (let i = 0, letter; i < text.length; i += letter.length) {
      letter = slice(text, i, i + (codePointAt(text, i) > 0xffff ? 2 : 1));
      width += exec(WIDE, letter) !== null ? 2 : exec(UNSEEN, letter) !== null ? 0 : 1;
    }
    return width;
  }

  function laidOut(it, parts) {
    const { ctx, open, close, base } = it, count = parts.length, before = base ? base + " " : "";
    if (it.items && count > 6) parts = inColumns(ctx, parts, it.value);
    // Up to three levels stand on one line, if it is short enough.
    if (ctx.inner - it.level < 3 && count === parts.length && !includes(base, "\n")) {
      let length = 2 * count + ctx.indent + open.length + base.length + 10;
      for (let i = 0; i < count && length <= LINE; i++) length += includes(parts[i], "\n") ? LINE : parts[i].length;
      if (length <= LINE) return before + open + " " + join(parts, ", ") + " " + close;
    }
    const line = "\n" + repeat(" ", ctx.indent);
    return before + open + line + "  " + join(parts, "," + line + "  ") + line + close;
  }
  // Many short items stand in columns, numbers to the right: the widths are Node's.
  function inColumns(ctx, parts, array) {
    const count = parts.length > MOST_ITEMS ? parts.length - 1 : parts.length;
    const widths = list();
    let total = 0, widest = 0;
    for (let i = 0; i < count; i++) { append(widths, widthOf(parts[i])); total += widths[i] + 2; widest = max(widest, widths[i] + 2); }
    if (widest * 3 + ctx.indent >= LINE || (total / widest <= 5 && widest > 8)) return parts;
    const width = max(widest - 3 - (widest - total / parts.length) ** 0.5, 1);
    const columns = min(min(whole((2.5 * width * count) ** 0.5 / width + 0.5), whole((LINE - ctx.indent) / widest)), 12);
    if (columns <= 1) return parts;
    const most = list(), rows = list();
    for (let i = 0; i < count; i++) { if (i < columns) append(most, 0); most[i % columns] = max(most[i % columns], widths[i] + 2); }
    let numbers = true;
    for (let i = 0; i < parts.length; i++) {
      const type = typeof ownOf(array, i)?.value;
      numbers &&= type === "number" || type === "bigint";
    }
    for (let from = 0; from < count; from += columns) {
      let row = "";
      for (let i = from; i < min(from + columns, count); i++) {
        const isLast = i === min(from + columns, count) - 1, text = isLast ? parts[i] : parts[i] + ", ";
        const gap = repeat(" ", most[i - from] - widths[i] - 2);
        row += numbers ? gap + text : isLast ? text : text + gap;
      }
      append(rows, row);
    }
    if (count < parts.length) append(rows, parts[count]);
    return rows;
  }
  return { __proto__: null, MOST_ITEMS, digits, counted, showText, numberText, keyText, laidOut };
})
