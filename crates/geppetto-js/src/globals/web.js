// `URL`, `URLSearchParams`, `TextEncoder` and `TextDecoder`: classes around parsers of Rust. Evaluated once per VM.
(function (native, describe) {
  "use strict";
  const uncurry = (f) => (self, ...args) => Reflect.apply(f, self, args);
  const { getOwnPropertyDescriptor, getPrototypeOf, defineProperty } = Object;
  const { isView } = ArrayBuffer, Bytes = Uint8Array, TypeFault = TypeError, RangeFault = RangeError, Text = String, { iterator, toStringTag } = Symbol;
  const getter = (prototype, name) => uncurry(getOwnPropertyDescriptor(prototype, name).get);
  const viewOf = ["buffer", "byteOffset", "byteLength"].map((name) => getter(getPrototypeOf(Uint8Array.prototype), name));
  const dataOf = ["buffer", "byteOffset", "byteLength"].map((name) => getter(DataView.prototype, name));
  const bufferLength = getter(ArrayBuffer.prototype, "byteLength");
  const toWellFormed = uncurry(String.prototype.toWellFormed), setBytes = uncurry(Uint8Array.prototype.set);
  const text = (value) => toWellFormed(`${value}`);
  const need = (count, given, name) => { if (given < count) throw new TypeFault(`${name}: expected ${count} argument${count > 1 ? "s" : ""}, got ${given}`); };

  class URLSearchParams {
    #pairs = []; #changed;
    constructor(init = "") {
      if (typeof init === "object" && init !== null) {
        if (typeof init[iterator] === "function") {
          for (const pair of init) {
            const items = [...pair];
            if (items.length !== 2) throw new TypeFault("URLSearchParams: expected pairs of a name and a value");
            this.#pairs.push([text(items[0]), text(items[1])]);
          }
        } else for (const key of Object.keys(init)) this.#pairs.push([text(key), text(init[key])]);
      } else this.#pairs = native.parseQuery(text(init).replace(/^\?/, ""));
    }
    get size() { return this.#pairs.length; }
    append(name, value) { need(2, arguments.length, "append"); this.#pairs.push([text(name), text(value)]); this.#tell(); }
    delete(name, value) {
      need(1, arguments.length, "delete");
      this.#pairs = this.#pairs.filter(([key, held]) => key !== text(name) || (value !== undefined && held !== text(value)));
      this.#tell();
    }
    get(name) { need(1, arguments.length, "get"); return this.#pairs.find(([key]) => key === text(name))?.[1] ?? null; }
    getAll(name) { need(1, arguments.length, "getAll"); return this.#pairs.filter(([key]) => key === text(name)).map(([, value]) => value); }
    has(name, value) { need(1, arguments.length, "has"); return this.#pairs.some(([key, held]) => key === text(name) && (value === undefined || held === text(value))); }
    set(name, value) {
      need(2, arguments.length, "set");
      const at = this.#pairs.findIndex(([key]) => key === text(name));
      if (at < 0) return this.append(name, value);
      this.#pairs = this.#pairs.filter(([key], index) => index <= at || key !== text(name));
      this.#pairs[at] = [text(name), text(value)];
      this.#tell();
    }
    sort() { this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)); this.#tell(); }
    forEach(callback, self) { for (const [name, value] of this) Reflect.apply(callback, self, [value, name, this]); }
    *entries() { for (let i = 0; i < this.#pairs.length; i++) yield [...this.#pairs[i]]; }
    *keys() { for (const [name] of this) yield name; }
    *values() { for (const [, value] of this) yield value; }
    [iterator]() { return this.entries(); }
    toString() { return native.printQuery(this.#pairs.flat()); }
    get [toStringTag]() { return "URLSearchParams"; }
    #tell() { this.#changed?.(this.toString()); }
    static { paramsOf = (query, changed) => { const params = new URLSearchParams(query); params.#changed = changed; return params; }; reread = (params, query) => { params.#pairs = native.parseQuery(query); }; }
  }
  var paramsOf, reread;

  const FIELDS = ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"];
  class URL {
    #parts; #params;
    constructor(url, base) {
      need(1, arguments.length, "URL");
      this.#parts = parse(url, base) ?? invalid(url, base);
    }
    static canParse(url, base) { return parse(url, base) !== undefined; }
    static parse(url, base) { return URL.canParse(url, base) ? new URL(url, base) : null; }
    get searchParams() { return (this.#params ??= paramsOf(this.#parts.search.slice(1), (query) => this.#set("search", query))); }
    toString() { return this.#parts.href; }
    toJSON() { return this.#parts.href; }
    get [toStringTag]() { return "URL"; }
    #set(field, value) { this.#parts = native.setUrl(this.#parts.href, field, text(value)) ?? (field === "href" ? invalid(value) : this.#parts); }
    static {
      for (const field of FIELDS) {
        const set = field === "origin" ? undefined : { set(value) { this.#set(field, value); if (this.#params) reread(this.#params, this.#parts.search.slice(1)); } }[`set`];
        defineProperty(URL.prototype, field, { __proto__: null, get() { return this.#parts[field]; }, set, enumerable: true, configurable: true });
      }
    }
  }
  const parse = (url, base) => native.parseUrl(text(url), base === undefined ? undefined : text(base));
  const invalid = (url, base) => { const error = new TypeFault("Invalid URL"); error.code = "ERR_INVALID_URL"; error.input = Text(url); if (base !== undefined) error.base = Text(base); throw error; };
  describe(URL.prototype, (url) => [...FIELDS.slice(0, 10), "searchParams", "hash"].map((field) => [field, url[field]]));
  describe(URLSearchParams.prototype, (params) => [...params].map(([name, value]) => ({ name, value })));

  /** The bytes of an ArrayBuffer or a view of one. */
  function bytesOf(value) {
    if (value === undefined) return new Bytes();
    if (isView(value)) { const [buffer, offset, length] = value instanceof DataView ? dataOf : viewOf; return new Bytes(buffer(value), offset(value), length(value)); }
    try { bufferLength(value); } catch { throw new TypeFault("decode: expected an ArrayBuffer or a view of one"); }
    return new Bytes(value);
  }
  class TextEncoder {
    get encoding() { return "utf-8"; }
    encode(value = "") { return native.encodeText(text(value)); }
    encodeInto(value, target) {
      if (!(target instanceof Bytes)) throw new TypeFault("encodeInto: expected a Uint8Array");
      let read = 0, written = 0;
      for (const letter of text(value)) {
        const bytes = native.encodeText(letter);
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
      this.#encoding = native.encodingOf(Text(label)) ?? (() => { throw new RangeFault(`TextDecoder: unknown encoding ${Text(label)}`); })();
      this.#fatal = Boolean(options.fatal);
      this.#ignoreBOM = Boolean(options.ignoreBOM);
    }
    get encoding() { return this.#encoding; }
    get fatal() { return this.#fatal; }
    get ignoreBOM() { return this.#ignoreBOM; }
    decode(input, options = {}) {
      if (!this.#streaming) this.#decoder = native.newDecoder(this.#encoding, this.#ignoreBOM);
      this.#streaming = Boolean(options?.stream);
      const decoded = native.decodeText(this.#decoder, bytesOf(input), !this.#streaming, this.#fatal);
      if (decoded === undefined) { this.#streaming = false; throw new TypeFault(`The encoded data was not valid for encoding ${this.#encoding}`); }
      return decoded;
    }
    get [toStringTag]() { return "TextDecoder"; }
  }
  for (const C of [URL, URLSearchParams, TextEncoder, TextDecoder]) defineProperty(globalThis, C.name, { __proto__: null, value: C, writable: true, enumerable: false, configurable: true });
})
