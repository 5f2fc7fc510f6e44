// `URL`, `URLSearchParams`, `TextEncoder` and `TextDecoder`: classes around parsers of Rust. Evaluated
// when a script first asks for one of them.
(function (native, kept, inspection) {
  "use strict";
  const { describe } = inspection;
  const { apply, keys, defineProperty, isArray, uncurry, is, data, list, append, listOf, map, filter, find } = kept;
  const { isView, bufferLength, viewBuffer, viewOffset, viewBytes, dataBuffer, dataOffset, dataLength } = kept;
  const { slice, startsWith, codePointAt, toWellFormed } = kept.text;
  const { Uint8Array: Bytes, TypeError: TypeFault, RangeError: RangeFault, String: Text, iterator, toStringTag } = kept.own;
  const setBytes = uncurry(kept.own.setBytes), sort = uncurry(kept.own.sort);
  const text = (value) => toWellFormed(typeof value === "symbol" ? value : Text(value));
  const need = (count, given, name) => { if (given < count) throw new TypeFault(name + ": expected " + count + (count > 1 ? " arguments" : " argument") + ", got " + given); };

  class URLSearchParams {
    #pairs = list(); #changed;
    constructor(init = "") {
      if (typeof init === "object" && init !== null) {
        if (isArray(init) || typeof init[iterator] === "function") {
          const pairs = listOf(init);
          for (let i = 0; i < pairs.length; i++) {
            const pair = listOf(pairs[i]);
            if (pair.length !== 2) throw new TypeFault("URLSearchParams: expected pairs of a name and a value");
            append(this.#pairs, [text(pair[0]), text(pair[1])]);
          }
        } else {
          const names = keys(init);
          for (let i = 0; i < names.length; i++) append(this.#pairs, [text(names[i]), text(init[names[i]])]);
        }
      } else {
        const query = text(init);
        this.#pairs = parseQuery(startsWith(query, "?") ? slice(query, 1) : query);
      }
    }
    get size() { return this.#pairs.length; }
    append(name, value) { need(2, arguments.length, "append"); append(this.#pairs, [text(name), text(value)]); this.#tell(); }
    delete(name, value) {
      need(1, arguments.length, "delete");
      const matches = matching(name, value);
      this.#pairs = filter(this.#pairs, (pair) => !matches(pair));
      this.#tell();
    }
    get(name) { need(1, arguments.length, "get"); return find(this.#pairs, matching(name))?.[1] ?? null; }
    getAll(name) { need(1, arguments.length, "getAll"); return arrayOf(map(filter(this.#pairs, matching(name)), (pair) => pair[1])); }
    has(name, value) { need(1, arguments.length, "has"); return find(this.#pairs, matching(name, value)) !== undefined; }
    set(name, value) {
      need(2, arguments.length, "set");
      const matches = matching(name), first = find(this.#pairs, matches), given = [text(name), text(value)];
      if (first) this.#pairs = map(filter(this.#pairs, (pair) => pair === first || !matches(pair)), (pair) => (pair === first ? given : pair));
      else append(this.#pairs, given);
      this.#tell();
    }
    sort() { sort(this.#pairs, (a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0)); this.#tell(); }
    forEach(callback, self) { for (let i = 0; i < this.#pairs.length; i++) apply(callback, self, [this.#pairs[i][1], this.#pairs[i][0], this]); }
    *entries() { for (let i = 0; i < this.#pairs.length; i++) yield [this.#pairs[i][0], this.#pairs[i][1]]; }
    *keys() { for (let i = 0; i < this.#pairs.length; i++) yield this.#pairs[i][0]; }
    *values() { for (let i = 0; i < this.#pairs.length; i++) yield this.#pairs[i][1]; }
    [iterator]() { return this.entries(); }
    toString() { return printQuery(this.#pairs); }
    get [toStringTag]() { return "URLSearchParams"; }
    #tell() { this.#changed?.(printQuery(this.#pairs)); }
    static {
      paramsOf = (query, changed) => { const params = new URLSearchParams(); params.#pairs = parseQuery(query); params.#changed = changed; return params; };
      reread = (params, query) => { params.#pairs = parseQuery(query); };
      pairsOf = (params) => params.#pairs;
    }
  }
  var paramsOf, reread, pairsOf;
  const matching = (name, value) => {
    const wanted = text(name), held = value === undefined ? undefined : text(value);
    return (pair) => pair[0] === wanted && (held === undefined || pair[1] === held);
  };
  const parseQuery = (query) => listOf(native.parseQuery(query));
  function printQuery(pairs) {
    const flat = list();
    for (let i = 0; i < pairs.length; i++) { append(flat, pairs[i][0]); append(flat, pairs[i][1]); }
    return native.printQuery(flat);
  }
  // An array for the script, of items that no setter of its own has seen.
  function arrayOf(items) {
    const array = [];
    for (let i = 0; i < items.length; i++) defineProperty(array, i, data(items[i], true));
    return array;
  }

  const FIELDS = ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"];
  const SHOWN = ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "searchParams", "hash"];
  class URL {
    #parts; #params;
    constructor(url, base) {
      need(1, arguments.length, "URL");
      this.#parts = parse(url, base) ?? invalid(url, base);
    }
    static canParse(url, base) { return parse(url, base) !== undefined; }
    static parse(url, base) { return parse(url, base) === undefined ? null : new URL(url, base); }
    get searchParams() { return this.#searchParams(); }
    #searchParams() { return (this.#params ??= paramsOf(slice(this.#parts.search, 1), (query) => this.#set("search", query))); }
    toString() { return this.#parts.href; }
    toJSON() { return this.#parts.href; }
    get [toStringTag]() { return "URL"; }
    #set(field, value) { this.#parts = native.setUrl(this.#parts.href, field, text(value)) ?? (field === "href" ? invalid(value) : this.#parts); }
    static {
      shownOf = (url) => map(SHOWN, (field) => [field, field === "searchParams" ? url.#searchParams() : url.#parts[field]]);
      for (let i = 0; i < FIELDS.length; i++) {
        const field = FIELDS[i], set = field === "origin" ? undefined : { set(value) { this.#set(field, value); if (this.#params) reread(this.#params, slice(this.#parts.search, 1)); } }.set;
        defineProperty(URL.prototype, field, { __proto__: null, get() { return this.#parts[field]; }, set, enumerable: true, configurable: true });
      }
    }
  }
  var shownOf;
  const parse = (url, base) => native.parseUrl(text(url), base === undefined ? undefined : text(base));
  const invalid = (url, base) => { const error = new TypeFault("Invalid URL"); error.code = "ERR_INVALID_URL"; error.input = Text(url); if (base !== undefined) error.base = Text(base); throw error; };
  describe(URL.prototype, shownOf);
  describe(URLSearchParams.prototype, pairsOf, true);

  /** The bytes of an ArrayBuffer or a view of one. */
  function bytesOf(value) {
    if (value === undefined) return new Bytes();
    if (isView(value)) return is(dataBuffer, value) ? new Bytes(dataBuffer(value), dataOffset(value), dataLength(value)) : new Bytes(viewBuffer(value), viewOffset(value), viewBytes(value));
    try { bufferLength(value); } catch { throw new TypeFault("decode: expected an ArrayBuffer or a view of one"); }
    return new Bytes(value);
  }
  class TextEncoder {
    get encoding() { return "utf-8"; }
    encode(value = "") { return native.encodeText(text(value)); }
    encodeInto(value, target) {
      if (!(target instanceof Bytes)) throw new TypeFault("encodeInto: expected a Uint8Array");
      const given = text(value);
      let read = 0, written = 0;
      while (read < given.length) {
        const letter = slice(given, read, read + (codePointAt(given, read) > 0xffff ? 2 : 1)), bytes = native.encodeText(letter);
        if (written + bytes.length > target.length) break;
        setBytes(target, bytes, written);
        written += bytes.length;
        read += letter.length;
      }
      return { read, written };
    }
    get [toStringTag]() { return "TextEncoder"; }
  }
  class TextDecoder {
    #decoder; #fatal; #ignoreBOM; #encoding; #streaming = false;
    constructor(label = "utf-8", options = {}) {
      this.#encoding = native.encodingOf(Text(label)) ?? (() => { throw new RangeFault("TextDecoder: unknown encoding " + Text(label)); })();
      this.#fatal = !!options?.fatal;
      this.#ignoreBOM = !!options?.ignoreBOM;
    }
    get encoding() { return this.#encoding; }
    get fatal() { return this.#fatal; }
    get ignoreBOM() { return this.#ignoreBOM; }
    decode(input, options = {}) {
      if (!this.#streaming) this.#decoder = native.newDecoder(this.#encoding, this.#ignoreBOM);
      this.#streaming = !!options?.stream;
      const decoded = native.decodeText(this.#decoder, bytesOf(input), !this.#streaming, this.#fatal);
      if (decoded === undefined) { this.#streaming = false; throw new TypeFault("The encoded data was not valid for encoding " + this.#encoding); }
      return decoded;
    }
    get [toStringTag]() { return "TextDecoder"; }
  }
  return { __proto__: null, URL, URLSearchParams, TextEncoder, TextDecoder };
})
