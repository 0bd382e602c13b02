/* @ts-self-types="./client.d.ts" */
// The client of a database, for browsers, Node, Deno and Bun: one file that needs no other.
//
//   import { DbConnection } from "/client.js";
//   const conn = DbConnection.builder().withDatabaseName("chat").onConnect((conn) => {
//     conn.subscriptionBuilder().subscribe((tables) => tables.message.where((m) => m.room.eq("lobby")));
//   }).build();
//   conn.db.message.onInsert((ctx, message) => console.log(message.author, message.text));
//   await conn.reducers.send({ room: "lobby", text: "Hello" });
//
// The names are those of SpacetimeDB's own library, so what is written for that one works with this. Beyond it: the connection
// comes back by itself, keeps its rows meanwhile, and goes on where it was; a module's types are read from the server
// if no generated ones are given; queries whose rows are no table's own can be watched (`liveQuery`). Nothing is made
// from text at run time, so it works where a content security policy forbids `eval`.

// MARK: Errors

/** What a reducer threw: the caller has asked for something that cannot be done. */
export class SenderError extends Error { name = "SenderError"; }
/** A call that the server could not carry out: there is no such function, its arguments do not fit, or it failed within. */
export class InternalError extends Error { name = "InternalError"; }
/** There is no connection, or it was lost before the answer came. Then nobody knows whether the call was carried out. */
export class ConnectionError extends Error { name = "ConnectionError"; }
/** A query that the server does not accept. */
export class QueryError extends Error { name = "QueryError"; }
/** What came over the connection is not what was agreed. */
export class ProtocolError extends Error { name = "ProtocolError"; }

// MARK: Bytes

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const toUTF8 = new TextEncoder();
const latin1 = new TextDecoder("latin1");

/** Bytes as a text, another character for each byte, so that they can be a key of a Map. */
function asKey(bytes) {
  // Few bytes are a call away; many would not fit on the stack.
  return bytes.length <= 512 ? String.fromCharCode.apply(null, bytes) : latin1.decode(bytes);
}
const mask64 = (1n << 64n) - 1n;

/** Reads BSATN: values without any mark of what they are, numbers with the least significant byte first. */
export class BinaryReader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }
  get isAtEnd() { return this.at >= this.bytes.length; }
  #take(count) {
    const at = this.at;
    if (count > this.bytes.length - at) {
      throw new ProtocolError(`${count} bytes are missing at ${at} of ${this.bytes.length}`);
    }
    this.at = at + count;
    return at;
  }
  u8() { return this.bytes[this.#take(1)]; }
  i8() { return this.view.getInt8(this.#take(1)); }
  u16() { return this.view.getUint16(this.#take(2), true); }
  i16() { return this.view.getInt16(this.#take(2), true); }
  u32() { return this.view.getUint32(this.#take(4), true); }
  i32() { return this.view.getInt32(this.#take(4), true); }
  u64() { return this.view.getBigUint64(this.#take(8), true); }
  i64() { return this.view.getBigInt64(this.#take(8), true); }
  f32() { return this.view.getFloat32(this.#take(4), true); }
  f64() { return this.view.getFloat64(this.#take(8), true); }
  u128() { return this.u64() | (this.u64() << 64n); }
  i128() { return this.u64() | (this.i64() << 64n); }
  u256() { return this.u128() | (this.u128() << 128n); }
  i256() { return this.u128() | (this.i128() << 128n); }
  bool() {
    const value = this.u8();
    if (value > 1) throw new ProtocolError(`${value} is no truth value`);
    return value === 1;
  }
  /** The next bytes, not copied. */
  slice(count) {
    const at = this.#take(count);
    return this.bytes.subarray(at, at + count);
  }
  /** The bytes behind a count, not copied. */
  block() { return this.slice(this.u32()); }
  string() {
    const bytes = this.block();
    const { length } = bytes;
    if (length > 24) return decodeText(bytes);
    // Short texts are most often ASCII, and calling the decoder takes longer than this.
    let text = "";
    for (let at = 0; at < length; at++) {
      const byte = bytes[at];
      if (byte > 127) return decodeText(bytes);
      text += String.fromCharCode(byte);
    }
    return text;
  }
  /** The digits of a number, the most significant ones first. */
  hex(count) {
    const at = this.#take(count);
    let place = at + count;
    // One text at the end, instead of one for each byte.
    for (let digit = 0; digit < 2 * count; digit += 2) {
      const byte = this.bytes[--place];
      digitCodes[digit] = hexCodes[byte >> 4];
      digitCodes[digit + 1] = hexCodes[byte & 15];
    }
    return String.fromCharCode.apply(null, 2 * count === digitCodes.length ? digitCodes : digitCodes.subarray(0, 2 * count));
  }
}

const digitCodes = new Uint8Array(64);
const hexCodes = Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));

const hexDigits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function decodeText(bytes) {
  try { return utf8.decode(bytes); } catch { throw new ProtocolError("a text is no UTF-8"); }
}

/** Writes BSATN. */
export class BinaryWriter {
  #bytes = new Uint8Array(64);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length() { return this.#length; }
  /** What was written, not copied. */
  get bytes() { return this.#bytes.subarray(0, this.#length); }
  #make(count) {
    const at = this.#length;
    this.#length = at + count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
  // Where there is room is found first: the bytes may be others then.
  u8(value) { const at = this.#make(1); this.#bytes[at] = value; }
  i8(value) { this.u8(value); }
  u16(value) { const at = this.#make(2); this.#view.setUint16(at, value, true); }
  i16(value) { const at = this.#make(2); this.#view.setInt16(at, value, true); }
  u32(value) { const at = this.#make(4); this.#view.setUint32(at, value, true); }
  i32(value) { const at = this.#make(4); this.#view.setInt32(at, value, true); }
  u64(value) { const at = this.#make(8); this.#view.setBigUint64(at, value, true); }
  i64(value) { const at = this.#make(8); this.#view.setBigInt64(at, value, true); }
  f32(value) { const at = this.#make(4); this.#view.setFloat32(at, value, true); }
  f64(value) { const at = this.#make(8); this.#view.setFloat64(at, value, true); }
  u128(value) { this.u64(value & mask64); this.u64(value >> 64n); }
  i128(value) { this.u64(value & mask64); this.i64(value >> 64n); }
  u256(value) { for (let part = 0n; part < 4n; part++) this.u64((value >> (part * 64n)) & mask64); }
  i256(value) { this.u256(value); }
  bool(value) { this.u8(value ? 1 : 0); }
  raw(bytes) { const at = this.#make(bytes.length); this.#bytes.set(bytes, at); }
  block(bytes) { this.u32(bytes.length); this.raw(bytes); }
  string(value) { this.block(toUTF8.encode(value)); }
  /** A number's digits, the most significant ones first. */
  hex(text) {
    for (let at = text.length - 2; at >= 0; at -= 2) this.u8(parseInt(text.slice(at, at + 2), 16));
  }
}

// MARK: Values

/** Digits that were made of bytes. */
class ReadDigits {
  text = "";
  with(text) { this.text = text; return this; }
}
const readDigits = new ReadDigits();

function digits(text, count, what) {
  const plain = String(text).replace(/^0x/i, "").toLowerCase();
  if (plain.length !== count || !/^[0-9a-f]*$/.test(plain)) {
    throw new TypeError(`${what} has ${count} hexadecimal digits, and ${JSON.stringify(text)} is none`);
  }
  return plain;
}
const digitsOf = (value, count, what) => {
  // What was read needs no check, which would take longer than reading it.
  if (value instanceof ReadDigits) return value.text;
  if (typeof value !== "bigint") return digits(value, count, what);
  if (value < 0n || value >> BigInt(count * 4)) throw new RangeError(`${value} is not ${what.toLowerCase()}`);
  return value.toString(16).padStart(count, "0");
};

/** Who somebody is. */
export class Identity {
  #hex;
  /** @param value a number, or its 64 hexadecimal digits. */
  constructor(value) { this.#hex = digitsOf(value, 64, "An identity"); }
  static fromString(text) { return new Identity(text); }
  static zero() { return new Identity(0n); }
  get __identity__() { return BigInt(`0x${this.#hex}`); }
  toHexString() { return this.#hex; }
  toString() { return this.#hex; }
  toJSON() { return this.#hex; }
  isEqual(other) { return this.#hex === other?.toHexString?.(); }
}

/** A connection of a client. */
export class ConnectionId {
  #hex;
  /** @param value a number, or its 32 hexadecimal digits. */
  constructor(value) { this.#hex = digitsOf(value, 32, "An id of a connection"); }
  static fromString(text) { return new ConnectionId(text); }
  static random() { return new ConnectionId(randomBytes(16).reduce((text, byte) => text + hexDigits[byte], "")); }
  get __connection_id__() { return BigInt(`0x${this.#hex}`); }
  isZero() { return /^0*$/.test(this.#hex); }
  toHexString() { return this.#hex; }
  toString() { return this.#hex; }
  toJSON() { return this.#hex; }
  isEqual(other) { return this.#hex === other?.toHexString?.(); }
}

const randomBytes = (count) => crypto.getRandomValues(new Uint8Array(count));

/** A moment, in microseconds since 1970. */
export class Timestamp {
  static UNIX_EPOCH = new Timestamp(0n);
  constructor(micros) { this.__timestamp_micros_since_unix_epoch__ = BigInt(micros); }
  static now() { return new Timestamp(BigInt(Date.now()) * 1000n); }
  static fromDate(date) { return new Timestamp(BigInt(date.getTime()) * 1000n); }
  get microsSinceUnixEpoch() { return this.__timestamp_micros_since_unix_epoch__; }
  toMillis() { return floorDivide(this.microsSinceUnixEpoch, 1000n); }
  toDate() { return new Date(Number(this.toMillis())); }
  since(other) { return new TimeDuration(this.microsSinceUnixEpoch - other.microsSinceUnixEpoch); }
  /** With all six digits behind the second, as SQL reads it. */
  toISOString() {
    const millis = this.toMillis();
    const rest = this.microsSinceUnixEpoch - millis * 1000n;
    return isoMillis(millis).replace("Z", `${String(rest).padStart(3, "0")}Z`);
  }
  toString() { return this.toISOString(); }
  toJSON() { return this.toISOString(); }
  isEqual(other) { return this.microsSinceUnixEpoch === other?.microsSinceUnixEpoch; }
}

// A Date ends 275,760 years from now, a Timestamp 292,277. The calendar is the same again after each 400 years.
const dateLimit = 8_640_000_000_000_000n;
const longAge = { years: 40_000, millis: 40_000n / 400n * 146_097n * 86_400_000n };
const isoMillis = (millis) => {
  if (millis >= -dateLimit && millis <= dateLimit) return new Date(Number(millis)).toISOString();
  const sign = millis < 0n ? -1 : 1;
  const date = new Date(Number(millis - BigInt(sign) * longAge.millis));
  const year = Math.abs(date.getUTCFullYear() + sign * longAge.years);
  return `${sign < 0 ? "-" : "+"}${String(year).padStart(6, "0")}${date.toISOString().slice(-20)}`;
};

const floorDivide = (value, by) => (value - ((value % by) + by) % by) / by;

/** A length of time, in microseconds. */
export class TimeDuration {
  constructor(micros) { this.__time_duration_micros__ = BigInt(micros); }
  static fromMillis(millis) { return new TimeDuration(BigInt(Math.round(millis * 1000))); }
  get micros() { return this.__time_duration_micros__; }
  get millis() { return Number(this.micros) / 1000; }
  toString() {
    const size = this.micros < 0n ? -this.micros : this.micros;
    return `${this.micros < 0n ? "-" : "+"}${size / 1000000n}.${String(size % 1000000n).padStart(6, "0")}`;
  }
  toJSON() { return this.toString(); }
  isEqual(other) { return this.micros === other?.micros; }
}

/** A UUID. */
export class Uuid {
  static NIL = new Uuid(0n);
  static MAX = new Uuid((1n << 128n) - 1n);
  constructor(value) { this.__uuid__ = BigInt(value); }
  static parse(text) {
    const plain = String(text).replace(/-/g, "");
    return new Uuid(BigInt(`0x${digits(plain, 32, "A UUID")}`));
  }
  static random() {
    const bytes = randomBytes(16);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    return Uuid.parse(bytes.reduce((text, byte) => text + hexDigits[byte], ""));
  }
  asBigInt() { return this.__uuid__; }
  toString() {
    return this.__uuid__.toString(16).padStart(32, "0").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }
  toJSON() { return this.toString(); }
  isEqual(other) { return this.__uuid__ === other?.__uuid__; }
}

/** When a schedule is due. */
export const ScheduleAt = Object.freeze({
  interval: (micros) => ({ tag: "Interval", value: new TimeDuration(micros) }),
  time: (micros) => ({ tag: "Time", value: new Timestamp(micros) }),
});

// MARK: Types

/**
 * How values of a type are read and written. `key` makes of a value what is the same for equal values, for indexes;
 * `sql` its literal.
 */
class Type {
  constructor(kind, read, write, { key, sql, compare, inner = [], isUnit = false } = {}) {
    this.kind = kind;
    this.read = read;
    this.write = write;
    this.key = key ?? ((value) => bytesKey(this, value));
    this.sql = sql ?? (() => { throw new QueryError(`a value of type ${kind} cannot stand in a query`); });
    this.compare = compare ?? ((one, other) => order(this.key(one), this.key(other)));
    this.inner = inner;
    this.isUnit = isUnit;
  }
  /** The value that bytes hold. */
  decode(bytes) {
    const reader = new BinaryReader(bytes);
    const value = this.read(reader);
    if (!reader.isAtEnd) throw new ProtocolError(`${bytes.length - reader.at} bytes are left behind a value`);
    return value;
  }
  /** The bytes of a value. */
  encode(value) {
    const writer = new BinaryWriter();
    this.write(writer, value);
    return writer.bytes.slice();
  }
}

const bytesKey = (type, value) => asKey(type.encode(value));
const order = (one, other) => (one === other ? 0 : typeof one === "string" ? compareText(one, other) : one < other ? -1 : 1);

/** The order of the texts' bytes in UTF-8, which is not that of JavaScript for characters beyond the first 65,536. */
function compareText(one, other) {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) {
    let left = one.charCodeAt(at), right = other.charCodeAt(at);
    if (left === right) continue;
    if (left >= 0xd800 && left < 0xe000) left += 0x2800;
    if (right >= 0xd800 && right < 0xe000) right += 0x2800;
    return left - right;
  }
  return one.length - other.length;
}

function refuse(type, value) {
  const text = typeof value === "bigint" ? `${value}n` : typeof value === "string" ? JSON.stringify(value) : String(value);
  throw new TypeError(`${text} is no ${type}`);
}

function integer(kind, bits, isSigned) {
  const low = isSigned ? -(2 ** (bits - 1)) : 0, high = low + 2 ** bits - 1;
  const check = (value) => {
    if (!Number.isInteger(value) || value < low || value > high) refuse(kind, value);
    return value;
  };
  return new Type(kind, (reader) => reader[kind](), (writer, value) => writer[kind](check(value)), {
    key: (value) => Number(value), sql: (value) => String(check(value)),
  });
}

function bigInteger(kind, bits, isSigned) {
  const low = isSigned ? -(1n << BigInt(bits - 1)) : 0n, high = low + (1n << BigInt(bits)) - 1n;
  const check = (value) => {
    // A number that is whole means the same, and saves its user the `n`.
    const big = typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value;
    if (typeof big !== "bigint" || big < low || big > high) refuse(kind, value);
    return big;
  };
  return new Type(kind, (reader) => reader[kind](), (writer, value) => writer[kind](check(value)), {
    key: (value) => (typeof value === "bigint" ? value : BigInt(value)), sql: (value) => String(check(value)),
  });
}

function float(kind) {
  return new Type(kind, (reader) => reader[kind](), (writer, value) => {
    if (typeof value !== "number") refuse(kind, value);
    writer[kind](value);
  }, {
    key: (value) => value,
    sql: (value) => {
      if (!Number.isFinite(value)) throw new QueryError(`${value} cannot stand in a query`);
      return String(value);
    },
    // Whatever is no number is behind all numbers.
    compare: (one, other) => Number.isNaN(one) - Number.isNaN(other) || (one < other ? -1 : one > other ? 1 : 0),
  });
}

function special(kind, Class, read, write, key, sql) {
  return new Type(kind, read, (writer, value) => {
    if (!(value instanceof Class)) refuse(kind, value);
    write(writer, value);
  }, { key, sql });
}

const quoted = (text) => `'${text.replaceAll("'", "''")}'`;
const quotedName = (name) => name.split(".").map((part) => `"${part.replaceAll('"', '""')}"`).join(".");

const scalars = {
  bool: new Type("bool", (reader) => reader.bool(), (writer, value) => {
    if (typeof value !== "boolean") refuse("bool", value);
    writer.bool(value);
  }, { key: (value) => value, sql: (value) => (value ? "TRUE" : "FALSE"), compare: (one, other) => one - other }),
  i8: integer("i8", 8, true), u8: integer("u8", 8, false),
  i16: integer("i16", 16, true), u16: integer("u16", 16, false),
  i32: integer("i32", 32, true), u32: integer("u32", 32, false),
  i64: bigInteger("i64", 64, true), u64: bigInteger("u64", 64, false),
  i128: bigInteger("i128", 128, true), u128: bigInteger("u128", 128, false),
  i256: bigInteger("i256", 256, true), u256: bigInteger("u256", 256, false),
  f32: float("f32"), f64: float("f64"),
  string: new Type("string", (reader) => reader.string(), (writer, value) => {
    if (typeof value !== "string") refuse("string", value);
    writer.string(value);
  }, { key: (value) => value, sql: quoted }),
  byteArray: new Type("byteArray", (reader) => reader.block().slice(), (writer, value) => {
    if (!(value instanceof Uint8Array)) refuse("byteArray", value);
    writer.block(value);
  }, {
    key: asKey,
    sql: (value) => `X'${value.reduce((text, byte) => text + hexDigits[byte], "")}'`,
    compare: (one, other) => {
      const at = one.findIndex((byte, place) => byte !== other[place]);
      return at < 0 || at >= other.length ? one.length - other.length : one[at] - other[at];
    },
  }),
  unit: new Type("unit", () => ({}), () => {}, { key: () => 0, isUnit: true }),
  identity: special(
    "identity", Identity, (reader) => new Identity(readDigits.with(reader.hex(32))), (writer, value) => writer.hex(value.toHexString()),
    (value) => value.toHexString(), (value) => `0x${value.toHexString()}`),
  connectionId: special(
    "connectionId", ConnectionId, (reader) => new ConnectionId(readDigits.with(reader.hex(16))),
    (writer, value) => writer.hex(value.toHexString()),
    (value) => value.toHexString(), (value) => `0x${value.toHexString()}`),
  timestamp: special(
    "timestamp", Timestamp, (reader) => new Timestamp(reader.i64()), (writer, value) => writer.i64(value.microsSinceUnixEpoch),
    (value) => value.microsSinceUnixEpoch, (value) => quoted(value.toISOString())),
  timeDuration: special(
    "timeDuration", TimeDuration, (reader) => new TimeDuration(reader.i64()), (writer, value) => writer.i64(value.micros),
    (value) => value.micros, (value) => quoted(String(value).replace("+", ""))),
  uuid: special(
    "uuid", Uuid, (reader) => new Uuid(reader.u128()), (writer, value) => writer.u128(value.asBigInt()),
    (value) => value.asBigInt(), (value) => quoted(String(value))),
};

function arrayOf(element) {
  return new Type("array", (reader) => {
    const count = reader.u32();
    const values = [];
    for (let at = 0; at < count; at++) {
      // Elements without bytes: a count alone must not fill the memory.
      if (reader.isAtEnd && count > 65_536) throw new ProtocolError(`an array has ${count} elements and no bytes`);
      values.push(element.read(reader));
    }
    return values;
  }, (writer, value) => {
    if (!Array.isArray(value)) refuse("array", value);
    writer.u32(value.length);
    for (const one of value) element.write(writer, one);
  }, { inner: [element] });
}

/**
 * What may be missing: `undefined` then. An option of an option, of which `undefined` could mean two things, is boxed:
 * `{ some: undefined }` is there, and empty.
 */
function optionOf(element) {
  const isBoxed = element.kind === "option";
  const type = new Type("option", (reader) => {
    const tag = reader.u8();
    if (tag === 1) return undefined;
    if (tag !== 0) throw new ProtocolError(`an option has no case ${tag}`);
    const value = element.read(reader);
    return isBoxed ? { some: value } : value;
  }, (writer, value) => {
    writer.u8(value == null ? 1 : 0);
    if (value != null) element.write(writer, isBoxed ? value.some : value);
  }, {
    inner: [element],
    sql: (value) => {
      if (value == null) throw new QueryError("there is no literal for what is missing; ask with isNull()");
      return element.sql(value);
    },
    // What is missing is behind everything else.
    compare: (one, other) => (one == null) - (other == null) || (one == null ? 0
      : element.compare(isBoxed ? one.some : one, isBoxed ? other.some : other)),
  });
  return type;
}

function resultOf(ok, err) {
  return new Type("result", (reader) => {
    const tag = reader.u8();
    if (tag > 1) throw new ProtocolError(`a result has no case ${tag}`);
    return tag === 0 ? { ok: ok.read(reader) } : { err: err.read(reader) };
  }, (writer, value) => {
    if (value === null || typeof value !== "object" || ("ok" in value) === ("err" in value)) refuse("result", value);
    writer.u8("ok" in value ? 0 : 1);
    if ("ok" in value) ok.write(writer, value.ok); else err.write(writer, value.err);
  }, { inner: [ok, err] });
}

/** The members of a type. Some are getters, for types that stand further down: they are looked at when they are first needed. */
function lazily(members) {
  let list = null;
  return () => list ??= Object.keys(members).map((name) => [name, members[name]]);
}

function object(name, fields) {
  const list = lazily(fields);
  const type = new Type("object", (reader) => {
    const value = {};
    for (const [field, type] of list()) value[field] = type.read(reader);
    return value;
  }, (writer, value) => {
    if (value === null || typeof value !== "object") refuse(name, value);
    for (const [field, type] of list()) {
      try { type.write(writer, value[field]); } catch (error) {
        if (error instanceof TypeError) error.message = `${name}.${field}: ${error.message}`;
        throw error;
      }
    }
  });
  type.typeName = name;
  type.fields = list;
  return type;
}

/** @param names what the database calls cases that it does not call as they are here, with a small letter first. */
function variantsOf(name, variants, names = {}) {
  const list = lazily(variants);
  let tags = null;
  const type = new Type("enum", (reader) => {
    const tag = reader.u8();
    const variant = list()[tag];
    if (!variant) throw new ProtocolError(`${name} has no case ${tag}`);
    const value = variant[1].read(reader);
    return variant[1].isUnit ? { tag: variant[0] } : { tag: variant[0], value };
  }, (writer, value) => {
    tags ??= new Map(list().map(([variant, type], tag) => [variant, [tag, type]]));
    const found = tags.get(value?.tag) ?? refuse(name, value?.tag ?? value);
    writer.u8(found[0]);
    found[1].write(writer, value.value);
  }, {
    // The name of a case stands beside a column of an enum without payloads.
    sql: (value) => (list().every(([, type]) => type.isUnit) ? quoted(names[value.tag] ?? lowerFirst(value.tag))
      : (() => { throw new QueryError(`a value of ${name} cannot stand in a query`); })()),
  });
  type.typeName = name;
  type.variants = list;
  for (const variant of Object.keys(variants)) {
    if (variant in type) continue;
    let made;
    Object.defineProperty(type, variant, {
      enumerable: true,
      get: () => made ??= variants[variant].isUnit
        ? Object.freeze({ tag: variant }) : (value) => ({ tag: variant, value }),
    });
  }
  return type;
}

const lowerFirst = (text) => text.slice(0, 1).toLowerCase() + text.slice(1);
const scheduleAt = variantsOf("ScheduleAt", { Interval: scalars.timeDuration, Time: scalars.timestamp });

/** The types that there are. `t.object` and `t.enum` take names of their own; members may be getters. */
export const t = Object.freeze({
  ...Object.fromEntries(Object.entries(scalars).map(([kind, type]) => [kind, () => type])),
  array: (element) => (element === scalars.u8 ? scalars.byteArray : arrayOf(element)),
  option: optionOf, result: resultOf, object, enum: variantsOf, row: (fields) => object("row", fields),
  scheduleAt: () => scheduleAt,
});

// MARK: Modules

/**
 * A table or view: its wire name, the type of its rows, and `{primaryKey, unique, indexes, names, event, parameters}`, where
 * `names` are those columns' canonical names that differ from the properties', and `parameters` what a view is called with.
 */
export function table(name, row, options = {}) {
  const { primaryKey, unique = [], indexes = {}, names = {}, event = false, isPublic = true, parameters = null } = options;
  return Object.freeze({ name, row, primaryKey, unique, indexes, names, event, isPublic, parameters });
}

/** A reducer: its wire name, and the types of its parameters. */
export const reducer = (name, params = {}) => Object.freeze({ name, params: object(name, params) });
/** A procedure: its wire name, the types of its parameters, and that of what it returns. */
export const procedure = (name, params = {}, returns = scalars.unit) =>
  Object.freeze({ name, params: object(name, params), returns });

/** A module: what a generated file consists of. */
export function defineModule({ tables = {}, reducers = {}, procedures = {} }) {
  const named = (group) => Object.freeze(Object.fromEntries(
    Object.entries(group).map(([accessor, one]) => [accessor, Object.freeze({ ...one, accessorName: accessor })])));
  return Object.freeze({ tables: named(tables), reducers: named(reducers), procedures: named(procedures) });
}

const kindOf = (letter) => (/[_\-\s]/.test(letter) ? "_" : /[0-9]/.test(letter) ? "1"
  : /\p{Ll}/u.test(letter) ? "a" : /\p{Lu}/u.test(letter) ? "A" : "?");

/** The words of a name: they end at `_` and the like, within `aB`, `a1`, `A1`, `1a` and `1A`, and in `HTTPRequest` before the `R`. */
function words(name) {
  const letters = [...name], kinds = letters.map(kindOf);
  const found = [];
  let word = "";
  letters.forEach((letter, at) => {
    const [kind, last, next] = [kinds[at], kinds[at - 1], kinds[at + 1]];
    const ends = /^(aA|a1|A1|1a|1A)$/.test(`${last}${kind}`) || (last === "A" && kind === "A" && next === "a");
    if ((ends || kind === "_") && word) { found.push(word); word = ""; }
    if (kind !== "_") word += letter;
  });
  if (word) found.push(word);
  return found;
}
const capital = (word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase();
const pascal = (name) => words(name).map(capital).join("");
const property = (name) => (/^[0-9]/.test(name) ? `_${name}` : name);

/** `player_id` becomes `playerId`; of `lib.player_id` each part. */
function camel(name) {
  return name.split(".").map((part) => property(
    words(part).map((word, at) => (at ? capital(word) : word.toLowerCase())).join(""))).join(".");
}

const some = (option) => option?.some;
const elementsOf = (value) => (Array.isArray(value) ? value : value?.elements ?? value?.variants ?? []);
const specialFields = {
  __identity__: "identity", __connection_id__: "connectionId", __timestamp_micros_since_unix_epoch__: "timestamp",
  __time_duration_micros__: "timeDuration", __uuid__: "uuid",
};

/** Types from the JSON of a definition. */
class TypeReader {
  #types;
  #names = [];
  #made = [];

  constructor(sections) {
    this.#types = sections.Typespace?.types ?? [];
    for (const { source_name: name, ty } of sections.Types ?? []) {
      this.#names[ty] = [...(name.scope ?? []), name.source_name].map(pascal).join("");
    }
  }

  type(json, name) {
    const [kind, content] = Object.entries(json)[0];
    switch (kind) {
      case "Ref": return this.#made[content] ??= this.type(this.#types[content], this.#names[content] ?? `type ${content}`);
      case "Array": return t.array(this.type(content));
      case "Product": {
        const fields = elementsOf(content);
        const only = fields.length === 1 ? specialFields[some(fields[0].name)] : null;
        if (only) return scalars[only];
        if (fields.length === 0) return scalars.unit;
        return object(name ?? "a struct", this.members(fields, (field, at) => camel(some(field.name) ?? `_${at}`)));
      }
      case "Sum": {
        const cases = elementsOf(content);
        const names = cases.map((one) => some(one.name)).join();
        if (names === "some,none") return optionOf(this.type(cases[0].algebraic_type));
        if (names === "ok,err") return resultOf(this.type(cases[0].algebraic_type), this.type(cases[1].algebraic_type));
        if (names === "Interval,Time") return scheduleAt;
        const caseName = (one, at) => property(pascal(some(one.name) ?? `${at}`));
        const canonical = cases.flatMap((one, at) => (some(one.name) ? [[caseName(one, at), some(one.name)]] : []));
        return variantsOf(name ?? "an enum", this.members(cases, caseName), Object.fromEntries(canonical));
      }
      default: {
        const scalar = scalars[kind.toLowerCase()];
        if (!scalar) throw new ProtocolError(`the schema has a type ${kind}, which is not known`);
        return scalar;
      }
    }
  }

  /** The members as getters, since types may refer to each other in a circle. */
  members(list, name) {
    const members = {};
    list.forEach((one, at) => Object.defineProperty(members, name(one, at), {
      enumerable: true, configurable: true, get: () => this.type(one.algebraic_type),
    }));
    return members;
  }
}

/** A module from the JSON of its definition, as `GET /v1/database/{name}/schema?version=10` answers. */
export function moduleFromSchema(json, namespace = "") {
  const sections = Object.assign({}, ...json.sections);
  const canonical = { Table: new Map(), Function: new Map() };
  for (const entry of sections.ExplicitNames?.entries ?? []) {
    const [kind, { source_name, canonical_name }] = Object.entries(entry)[0];
    canonical[kind]?.set(source_name, canonical_name);
  }
  const tableName = (name) => namespace + (canonical.Table.get(name) ?? name);
  const functionName = (name) => namespace + (canonical.Function.get(name) ?? name);
  const types = new TypeReader(sections);
  const tables = {}, reducers = {}, procedures = {};
  const params = (list) => types.members(elementsOf(list), (one, at) => camel(some(one.name) ?? `_${at}`));

  const addTable = (source, name, row, more) => {
    if (!row?.fields) return;
    const columns = row.fields.map((field, at) => [camel(some(field.name) ?? `_${at}`), some(field.name)]);
    const props = columns.map(([prop]) => prop);
    const key = more.primary?.length === 1 ? props[more.primary[0]] : undefined;
    const indexes = {};
    for (const { accessor_name, algorithm } of more.indexes ?? []) {
      const accessor = some(accessor_name);
      if (accessor && !reservedNames.has(accessor)) {
        indexes[accessor] = [Object.values(algorithm)[0]].flat().map((at) => props[at]);
      }
    }
    const unique = (more.unique ?? []).map((at) => props[at]).filter((prop) => !reservedNames.has(prop));
    tables[namespace + camel(source)] = table(name, row.type, {
      primaryKey: key, unique: [...new Set([...(key ? [key] : []), ...unique])], indexes,
      names: Object.fromEntries(columns.filter(([prop, name]) => prop !== name)),
      event: more.event, isPublic: more.isPublic, parameters: more.parameters ?? null,
    });
  };
  for (const one of sections.Tables ?? []) {
    addTable(one.source_name, tableName(one.source_name), rowOf({ Ref: one.product_type_ref }), {
      primary: one.primary_key, indexes: one.indexes, event: one.is_event, isPublic: "Public" in one.table_access,
      unique: one.constraints.flatMap(({ data }) => (data.Unique?.columns.length === 1 ? data.Unique.columns : [])),
    });
  }
  const viewKeys = new Map((sections.ViewPrimaryKeys ?? []).map((one) => [one.view_source_name, one.columns]));
  for (const view of sections.Views ?? []) {
    const row = rowOf(view.return_type);
    const names = row?.fields?.map((field) => some(field.name)) ?? [];
    const isCalled = elementsOf(view.params).length > 0;
    addTable(view.source_name, functionName(view.source_name), row, {
      primary: viewKeys.get(view.source_name)?.map((name) => names.findIndex((one) => camel(one) === camel(name))),
      isPublic: view.is_public, parameters: isCalled ? params(view.params) : null,
    });
  }
  for (const one of sections.Reducers ?? []) {
    const name = functionName(one.source_name);
    reducers[namespace + camel(one.source_name)] = reducer(name, params(one.params));
  }
  for (const one of sections.Procedures ?? []) {
    const name = functionName(one.source_name);
    procedures[namespace + camel(one.source_name)] = procedure(name, params(one.params), types.type(one.return_type));
  }
  for (const { namespace: inner, module } of sections.Submodules ?? []) {
    const sub = moduleFromSchema(module, `${namespace}${inner}.`);
    Object.assign(tables, sub.tables);
    Object.assign(reducers, sub.reducers);
    Object.assign(procedures, sub.procedures);
  }
  return defineModule({ tables, reducers, procedures });

  /** The row type behind what a table or a view has: `{type, fields}` with the fields as JSON. */
  function rowOf(json) {
    const [kind, content] = Object.entries(json)[0];
    const space = sections.Typespace?.types ?? [];
    if (kind === "Array") return rowOf(content);
    if (kind === "Ref") {
      const fields = elementsOf(space[content]?.Product);
      return { type: types.type(json), fields };
    }
    const members = elementsOf(content);
    // A view that returns a query, or one row that may be missing.
    if (some(members[0]?.name) === "__query__" || some(members[0]?.name) === "some") return rowOf(members[0].algebraic_type);
    return null;
  }
}

/** What a table's handle has itself. */
const reservedNames = new Set([
  "count", "iter", "rows", "onInsert", "onDelete", "onUpdate", "removeOnInsert", "removeOnDelete", "removeOnUpdate",
  "__proto__", "constructor",
]);

// MARK: Queries

/** A condition in SQL. */
class Condition {
  constructor(text) { this.text = text; }
  and(...others) { return joined("AND", [this, ...others]); }
  or(...others) { return joined("OR", [this, ...others]); }
  not() { return new Condition(`(NOT ${this.text})`); }
}

function joined(word, conditions) {
  if (conditions.length === 1) return condition(conditions[0]);
  return new Condition(`(${conditions.map((one) => condition(one).text).join(` ${word} `)})`);
}
/** Both hold: all of them. */
export const and = (...conditions) => joined("AND", conditions);
/** At least one of them holds. */
export const or = (...conditions) => joined("OR", conditions);
/** It does not hold. */
export const not = (one) => condition(one).not();

function condition(value) {
  if (value instanceof Condition) return value;
  if (value instanceof ColumnReference) return value.eq(true);
  if (typeof value === "boolean") return new Condition(value ? "(TRUE = TRUE)" : "(FALSE = TRUE)");
  throw new QueryError("a condition is made of columns: where((row) => row.name.eq('Ada'))");
}

/** A column in a condition. */
class ColumnReference {
  constructor(table, name, type) {
    this.text = `${quotedName(table)}.${quotedName(name)}`;
    this.column = name;
    this.type = type;
  }
  #compare(operator, value) {
    return new Condition(`(${this.text} ${operator} ${value instanceof ColumnReference ? value.text : this.type.sql(value)})`);
  }
  eq(value) { return this.#compare("=", value); }
  ne(value) { return this.#compare("<>", value); }
  lt(value) { return this.#compare("<", value); }
  lte(value) { return this.#compare("<=", value); }
  gt(value) { return this.#compare(">", value); }
  gte(value) { return this.#compare(">=", value); }
  /** One of several values. */
  in(values) {
    if (!values.length) return condition(false);
    return new Condition(`(${this.text} IN (${values.map((one) => this.type.sql(one)).join(", ")}))`);
  }
  /** From one value to another, both included: an area, if there are two of these. */
  between(low, high) { return new Condition(`(${this.text} BETWEEN ${this.type.sql(low)} AND ${this.type.sql(high)})`); }
  isNull() { return new Condition(`(${this.text} IS NULL)`); }
  isNotNull() { return new Condition(`(${this.text} IS NOT NULL)`); }
  asc() { return { column: this, isDown: false }; }
  desc() { return { column: this, isDown: true }; }
}

function columnsOf(table) {
  const columns = {};
  for (const [property, type] of table.row.fields()) {
    columns[property] = new ColumnReference(table.name, table.names[property] ?? property, type);
  }
  return Object.freeze(columns);
}

/** A query of whole rows of one table. Each step makes another query. */
class Query {
  #parts;
  constructor(table, parts = {}) {
    this.table = table;
    this.#parts = {
      source: quotedName(table.name), join: null, conditions: [], order: [], limit: null, offset: null, ...parts,
    };
  }
  #with(parts) { return new Query(this.table, { ...this.#parts, ...parts }); }
  /** Only rows of which this holds, and everything that was asked for before. */
  where(predicate) {
    return this.#with({ conditions: [...this.#parts.conditions, condition(predicate(columnsOf(this.table)))] });
  }
  filter(predicate) { return this.where(predicate); }
  /** Rows that have a partner in the other table. */
  leftSemijoin(other, on) { return this.#join(other, on, this); }
  /** Rows of the other table that have a partner in this one. */
  rightSemijoin(other, on) { return this.#join(other, on, other); }
  #join(other, on, kept) {
    for (const { join, order, limit, offset } of [this.#parts, other.#parts]) {
      if (join) throw new QueryError("a query of two tables is not joined with a third one; write it in SQL");
      if (order.length || limit != null || offset != null) throw new QueryError("order and limit what was joined, not its parts");
    }
    const { text } = condition(on(columnsOf(this.table), columnsOf(other.table)));
    return new Query(kept.table, {
      source: kept.#parts.source,
      join: `${this.#parts.source} JOIN ${other.#parts.source} ON ${text.replace(/^\((.*)\)$/, "$1")}`,
      conditions: [...this.#parts.conditions, ...other.#parts.conditions],
    });
  }
  /** In an order: `orderBy((row) => row.score.desc())`, several in an array. It says which rows a limit leaves. */
  orderBy(choose) {
    const order = [choose(columnsOf(this.table))].flat().map((one) => (one instanceof ColumnReference ? one.asc() : one));
    return this.#with({ order });
  }
  /** The first so many only, as they are at any time. */
  limit(count) { return this.#with({ limit: count }); }
  /** Without the first so many. */
  offset(count) { return this.#with({ offset: count }); }
  build() { return this; }
  /** The order as a comparison of rows, or null. */
  get comparison() {
    const { order } = this.#parts;
    if (!order.length) return null;
    const { row, names } = this.table;
    const members = new Map(row.fields().map((member) => [names[member[0]] ?? member[0], member]));
    return comparison(order.map(({ column, isDown }) => [...members.get(column.column), isDown]));
  }
  toSql() {
    const { source, join, conditions, order, limit, offset } = this.#parts;
    let text = join ? `SELECT ${quotedName(this.table.name)}.* FROM ${join}` : `SELECT * FROM ${source}`;
    if (conditions.length) text += ` WHERE ${conditions.map((one) => one.text).join(" AND ")}`;
    if (order.length) text += ` ORDER BY ${order.map(({ column, isDown }) => column.text + (isDown ? " DESC" : "")).join(", ")}`;
    if (limit != null) text += ` LIMIT ${whole(limit)}`;
    if (offset != null) text += ` OFFSET ${whole(offset)}`;
    return text;
  }
  toString() { return this.toSql(); }
}

function whole(count) {
  if (!/^[0-9]+$/.test(String(count))) throw new QueryError(`${count} is no number of rows`);
  return String(count);
}

/** Compares rows by properties: `[[property, type, isDown], …]`. */
const comparison = (terms) => (one, other) => {
  for (const [property, type, isDown] of terms) {
    const result = type.compare(one[property], other[property]);
    if (result) return isDown ? -result : result;
  }
  return 0;
};

/** A query for the rows that a view with parameters has for some arguments. */
const called = (view) => (args = {}) => {
  const literals = Object.keys(view.parameters).map((name) => {
    const type = view.parameters[name], value = args[name];
    if (value == null && type.kind === "option") return "NULL";
    if (value === undefined) throw new TypeError(`${view.name}.${name}: it is not said`);
    return type.sql(value);
  });
  return new Query(view, { source: `${quotedName(view.name)}(${literals.join(", ")})` });
};

/**
 * The queries that select all rows of each table, from which others are made. Views with parameters are functions that make
 * them: `tables.above({ points: 50 })`.
 */
export function queryTables(module) {
  const tables = {};
  for (const [accessor, table] of Object.entries(module.tables)) {
    let place = tables;
    const path = accessor.split(".");
    for (const part of path.slice(0, -1)) place = place[part] ??= {};
    place[path.at(-1)] = table.parameters ? called(table) : new Query(table);
  }
  return tables;
}

const wholeRows = /^\s*SELECT\s+(?:\*|(?:(?:"(?:[^"]|"")+"|\w+)\s*\.\s*)+\*)\s+FROM\s/i;

/** The order that a query's text asks for, where that is by columns of the row; null if not, or if there is none. */
function comparisonOf(text, row, names) {
  const found = /\sORDER\s+BY\s+([^()']+?)(?:\s+LIMIT\s.*|\s+OFFSET\s.*)?\s*;?\s*$/is.exec(text);
  if (!found) return null;
  const fields = new Map(row.fields().flatMap(([property, type]) =>
    [[property, [property, type]], [names[property] ?? property, [property, type]]]));
  const terms = found[1].split(",").map((term) => {
    const [, , name, direction] = /^\s*(?:("?)[\w]+\1\.)?"?(\w+)"?\s*(ASC|DESC)?\s*$/i.exec(term) ?? [];
    return fields.has(name) ? [...fields.get(name), /desc/i.test(direction ?? "")] : null;
  });
  return terms.every(Boolean) ? comparison(terms) : null;
}

// MARK: Messages

const firstOwnTag = 0x80;

/** Writes what a client says in the second and third protocol. */
export const clientMessages = Object.freeze({
  subscribe(writer, request, set, queries) {
    writer.u8(0); writer.u32(request); writer.u32(set);
    texts(writer, queries);
  },
  unsubscribe(writer, request, set, wantsRows) {
    writer.u8(1); writer.u32(request); writer.u32(set); writer.u8(wantsRows ? 1 : 0);
  },
  oneOffQuery(writer, request, query) { writer.u8(2); writer.u32(request); writer.string(query); },
  callReducer(writer, request, name, args) {
    writer.u8(3); writer.u32(request); writer.u8(0); writer.string(name); writer.block(args);
  },
  callProcedure(writer, request, name, args) {
    writer.u8(4); writer.u32(request); writer.u8(0); writer.string(name); writer.block(args);
  },
  /** Watches queries whose rows the client has as they were at a commit. */
  subscribeSince(writer, request, set, history, offset, queries) {
    writer.u8(firstOwnTag); writer.u32(request); writer.u32(set); writer.u128(history); writer.u64(offset);
    texts(writer, queries);
  },
});

function texts(writer, list) {
  writer.u32(list.length);
  for (const text of list) writer.string(text);
}

function list(reader, read) {
  const count = reader.u32();
  const all = [];
  for (let at = 0; at < count; at++) all.push(read(reader));
  return all;
}

/** The rows of a list, each as its bytes. */
function rowList(reader) {
  const kind = reader.u8();
  if (kind > 1) throw new ProtocolError(`a list of rows has no hint ${kind}`);
  if (kind === 0) {
    const size = reader.u16();
    const data = reader.block();
    if (size === 0 || data.length % size) throw new ProtocolError(`${data.length} bytes are no rows of ${size} bytes`);
    return Array.from({ length: data.length / size }, (_, at) => data.subarray(at * size, (at + 1) * size));
  }
  const offsets = list(reader, () => Number(reader.u64()));
  const data = reader.block();
  return offsets.map((offset, at) => {
    const end = offsets[at + 1] ?? data.length;
    if (offset > end || end > data.length || (at === 0 && offset !== 0)) {
      throw new ProtocolError("the offsets of rows do not fit their bytes");
    }
    return data.subarray(offset, end);
  });
}

const tableRows = (reader) => ({ table: reader.string(), rows: rowList(reader) });
const queryRows = (reader) => list(reader, tableRows);

function changes(reader) {
  const kind = reader.u8();
  if (kind > 1) throw new ProtocolError(`changes of a table have no case ${kind}`);
  return kind === 0 ? { inserts: rowList(reader), deletes: rowList(reader) } : { events: rowList(reader) };
}

const querySets = (reader) => list(reader, () => ({
  set: reader.u32(),
  tables: list(reader, () => ({ table: reader.string(), rows: list(reader, changes) })),
}));

function option(reader, read) {
  const tag = reader.u8();
  if (tag > 1) throw new ProtocolError(`an option has no case ${tag}`);
  return tag === 0 ? read() : undefined;
}

/** One of two, by a tag in front. */
function either(reader, first, second) {
  const tag = reader.u8();
  if (tag > 1) throw new ProtocolError(`there is no case ${tag} here`);
  return tag === 0 ? first() : second();
}

function outcome(reader) {
  const tag = reader.u8();
  switch (tag) {
    case 0: return { tag: "Ok", returned: reader.block(), sets: querySets(reader) };
    case 1: return { tag: "OkEmpty", sets: [] };
    case 2: {
      const bytes = reader.block();
      try { return { tag: "Err", text: new BinaryReader(bytes).string() }; } catch {
        return { tag: "Err", text: "The call failed, and did not say why in a text." };
      }
    }
    case 3: return { tag: "InternalError", text: reader.string() };
    default: throw new ProtocolError(`a call has no outcome ${tag}`);
  }
}

/** Reads one message of a server. */
export function readServerMessage(reader) {
  const tag = reader.u8();
  switch (tag) {
    case 0: return {
      tag: "InitialConnection", identity: scalars.identity.read(reader),
      connectionId: scalars.connectionId.read(reader), token: reader.string(),
    };
    case 1: return { tag: "SubscribeApplied", request: reader.u32(), set: reader.u32(), tables: queryRows(reader) };
    case 2: return {
      tag: "UnsubscribeApplied", request: reader.u32(), set: reader.u32(), tables: option(reader, () => queryRows(reader)),
    };
    case 3: return {
      tag: "SubscriptionError", request: option(reader, () => reader.u32()), set: reader.u32(), error: reader.string(),
    };
    case 4: return { tag: "TransactionUpdate", sets: querySets(reader) };
    case 5: return {
      tag: "OneOffQueryResult", request: reader.u32(),
      ...either(reader, () => ({ tables: queryRows(reader) }), () => ({ error: reader.string() })),
    };
    case 6: return {
      tag: "ReducerResult", request: reader.u32(), timestamp: new Timestamp(reader.i64()), outcome: outcome(reader),
    };
    case 7: {
      const status = either(reader, () => ({ returned: reader.block() }), () => ({ error: reader.string() }));
      const timestamp = new Timestamp(reader.i64()), duration = new TimeDuration(reader.i64());
      return { tag: "ProcedureResult", request: reader.u32(), timestamp, duration, ...status };
    }
    case firstOwnTag: return { tag: "Reached", offset: reader.u64() };
    case firstOwnTag + 1: return { tag: "Resumed", request: reader.u32(), set: reader.u32(), sets: querySets(reader) };
    case firstOwnTag + 2: return { tag: "History", history: reader.u128() };
    default: throw new ProtocolError(`the server says ${tag}, which is not known`);
  }
}

/** The messages of one frame's body, which is not compressed any more. In the second protocol it holds one. */
export function readServerMessages(body, isBatched = true) {
  const reader = new BinaryReader(body);
  if (reader.isAtEnd) throw new ProtocolError("a frame is empty");
  const messages = [];
  do messages.push(readServerMessage(reader)); while (isBatched && !reader.isAtEnd);
  return messages;
}

const formats = { none: null, gzip: "gzip", brotli: "brotli" };
const tags = { 1: "brotli", 2: "gzip" };

/** Whether the platform can unpack what a server compresses so. */
export function canDecompress(compression) {
  if (compression === "none") return true;
  try { return Boolean(new DecompressionStream(formats[compression])); } catch { return false; }
}

/** The body of a frame: at once if it is plain, else a promise. */
export function unpack(frame) {
  const [tag] = frame;
  if (tag === 0) return frame.subarray(1);
  const compression = tags[tag];
  if (!compression) throw new ProtocolError(tag === undefined ? "a frame is empty" : `there is no compression ${tag}`);
  const stream = new Blob([frame.subarray(1)]).stream().pipeThrough(new DecompressionStream(compression));
  return new Response(stream).arrayBuffer().then((buffer) => new Uint8Array(buffer));
}

// MARK: Rows

/** Calls what somebody gave us to be called. What it throws is reported, and stops nothing of ours. */
function call(listener, ...args) {
  try {
    const result = listener(...args);
    if (result instanceof Promise) result.catch(report);
  } catch (error) { report(error); }
}

// Where there is no page, what is reported so would end the program.
const report = typeof document === "undefined" ? (error) => console.error(error) : (error) => reportError(error);

/** Rows by the values of columns, for look-ups: by one row each if the columns are unique. */
class Index {
  #columns;
  #rows;
  #isUnique;
  // By how many columns: the rows by the key that these make. Made when it is first asked for.
  #maps = new Map();

  constructor(columns, isUnique, rows) {
    this.#columns = columns;
    this.#isUnique = isUnique;
    this.#rows = rows;
  }

  #key(row, count) {
    if (count === 1) return this.#columns[0][1].key(row[this.#columns[0][0]]);
    return this.#join(this.#columns.slice(0, count).map(([property, type]) => type.key(row[property])));
  }
  #join(keys) { return keys.map((key) => `${typeof key}${String(key).length}:${key}`).join(""); }

  #map(count) {
    let map = this.#maps.get(count);
    if (!map) {
      this.#maps.set(count, map = new Map());
      for (const row of this.#rows()) this.#put(map, count, row);
    }
    return map;
  }
  #put(map, count, row) {
    const key = this.#key(row, count);
    if (this.#isUnique) return map.set(key, row);
    const rows = map.get(key);
    if (rows) rows.add(row); else map.set(key, new Set([row]));
  }
  add(row) { for (const [count, map] of this.#maps) this.#put(map, count, row); }
  remove(row) {
    for (const [count, map] of this.#maps) {
      const key = this.#key(row, count), rows = map.get(key);
      if (this.#isUnique ? rows === row : rows?.delete(row) && rows.size === 0) map.delete(key);
    }
  }

  /** The row that has a value in the unique column, or null. */
  find(value) { return this.#map(1).get(this.#columns[0][1].key(value)) ?? null; }
  /** The rows that have a value in the first column, or values in the first columns. */
  filter(values) {
    const list = Array.isArray(values) && this.#columns[0][1].kind !== "array" ? values : [values];
    if (list.length === 0 || list.length > this.#columns.length) {
      throw new QueryError(`this index is of ${this.#columns.length} columns, and ${list.length} values were given`);
    }
    const keys = list.map((value, at) => this.#columns[at][1].key(value));
    return [...(this.#map(list.length).get(keys.length === 1 ? keys[0] : this.#join(keys)) ?? [])];
  }
}

/**
 * The rows of a table, or of a query that is watched by itself. A row is there as long as some query delivers it; equal
 * rows are one, and counted.
 */
class RowStore {
  entries = new Map();          // by the row's bytes: {row, count, before}
  indexes = new Map();          // by accessor
  listeners = { insert: new Set(), update: new Set(), delete: new Set() };
  definition = null;
  #primary = null;

  constructor(definition, isBag = false) {
    this.isBag = isBag;
    if (definition) this.define(definition);
  }

  /** Says what the rows are. If it is another thing than before, there must be none. */
  define(definition) {
    this.definition = definition;
    const types = new Map(definition.row.fields());
    const columns = (properties) => properties.map((property) => [property, types.get(property)]);
    const rows = () => this.rows();
    this.#primary = definition.primaryKey ? types.get(definition.primaryKey) : null;
    this.indexes = new Map([
      ...Object.entries(definition.indexes).map(([accessor, list]) => [accessor, new Index(columns(list), false, rows)]),
      ...definition.unique.map((property) => [property, new Index(columns([property]), true, rows)]),
    ]);
  }

  * rows() { for (const { row, count } of this.entries.values()) if (count > 0) yield row; }

  /** What makes a row the row that it was before an update. */
  key(row) { return this.#primary?.key(row[this.definition.primaryKey]); }

  on(event, listener) { this.listeners[event].add(listener); }
  off(event, listener) { this.listeners[event].delete(listener); }
}

/** What the bytes of rows depend on, and what they are called. */
function describe({ row, primaryKey, unique, indexes, names }) {
  const seen = new Set();
  const text = (type) => {
    if (type.typeName && seen.has(type)) return type.typeName;
    seen.add(type);
    const members = type.fields?.() ?? type.variants?.() ?? [];
    return `${type.kind}(${members.map(([name, one]) => `${name}:${text(one)}`).join()}${type.inner.map(text).join()})`;
  };
  return JSON.stringify([text(row), primaryKey, unique, indexes, names]);
}

/**
 * What one message, or several that belong together, change in the rows. Everything is taken in first; then what is really
 * different is told.
 */
class Change {
  #touched = [];
  #events = [];                 // [store, row] of event tables
  #before = [];
  #after = [];

  /** Counts a row of a set up or down. */
  add(set, store, bytes, amount) {
    const key = asKey(bytes);
    let entry = store.entries.get(key);
    if (!entry) {
      entry = { store, key, row: store.definition.row.decode(bytes), count: 0, before: null };
      store.entries.set(key, entry);
    }
    this.#count(entry, amount);
    const held = (set.rows.get(entry) ?? 0) + amount;
    if (held) set.rows.set(entry, held); else set.rows.delete(entry);
  }

  #count(entry, amount) {
    if (entry.before === null) {
      entry.before = entry.count;
      this.#touched.push(entry);
    }
    entry.count += amount;
  }

  /** Takes out all rows that a set has delivered. */
  clear(set) {
    for (const [entry, held] of set.rows) this.#count(entry, -held);
    set.rows.clear();
  }

  event(store, bytes) { this.#events.push([store, store.definition.row.decode(bytes)]); }
  before(action) { this.#before.push(action); }
  after(action) { this.#after.push(action); }

  /** @param makeContext what listeners are given first, if there are any. */
  finish(makeContext) {
    const stores = new Map();
    const of = (store) => {
      let lists = stores.get(store);
      if (!lists) stores.set(store, lists = { inserted: [], deleted: [], updated: [] });
      return lists;
    };
    let isWrong = false;
    for (const entry of this.#touched) {
      const { store, before, count } = entry;
      entry.before = null;
      if (count < 0) isWrong = true;
      if (count <= 0) store.entries.delete(entry.key);
      // In the rows of a table equal ones are one; in those of a query a row may be there twice.
      const most = store.isBag ? Infinity : 1;
      const times = (count) => Math.max(0, Math.min(count, most));
      const difference = times(count) - times(before);
      if (difference === 0) continue;
      const { inserted, deleted } = of(store);
      for (let at = 0; at < difference; at++) inserted.push(entry.row);
      for (let at = 0; at > difference; at--) deleted.push(entry.row);
    }
    for (const [store, lists] of stores) {
      for (const index of store.indexes.values()) {
        for (const row of lists.deleted) index.remove(row);
        for (const row of lists.inserted) index.add(row);
      }
      pair(store, lists);
    }
    for (const [store, row] of this.#events) of(store).inserted.push(row);
    // All rows are as they are to be before anybody is told.
    for (const action of this.#before) call(action);
    const context = stores.size ? makeContext() : null;
    for (const [store, { inserted, updated, deleted }] of stores) {
      const { insert, update, delete: gone } = store.listeners;
      for (const row of inserted) for (const listener of insert) call(listener, context, row);
      for (const [old, row] of updated) for (const listener of update) call(listener, context, old, row);
      for (const row of deleted) for (const listener of gone) call(listener, context, row);
      store.changed?.({ inserted, updated, deleted }, context);
    }
    for (const action of this.#after) call(action);
    if (isWrong) throw new ProtocolError("a row was deleted that was not there");
  }

  /** The same, where nothing new has come. */
  finishQuietly(makeContext) {
    try { this.finish(makeContext); } catch (error) { report(error); }
  }
}

/** Makes updates of the deleted and the inserted rows that have one primary key. */
function pair(store, lists) {
  if (!lists.deleted.length || !lists.inserted.length || !store.definition.primaryKey) return;
  const old = new Map(lists.deleted.map((row) => [store.key(row), row]));
  const kept = [];
  for (const row of lists.inserted) {
    const key = store.key(row);
    if (old.has(key)) { lists.updated.push([old.get(key), row]); old.delete(key); } else kept.push(row);
  }
  lists.inserted = kept;
  lists.deleted = [...old.values()];
}

/** What users see of a table: `conn.db.player`. */
class TableHandle {
  #store;
  constructor(store) { this.#store = store; }
  /** The indexes and unique columns, as properties. */
  static bind(handle, store) {
    for (const [accessor, index] of store.indexes) {
      Object.defineProperty(handle, accessor, { value: index, enumerable: true, configurable: true });
    }
  }
  /** How many rows are there, as a BigInt. */
  count() { return BigInt(this.#store.entries.size); }
  /** The rows, in no order that means anything. */
  iter() { return this.#store.rows(); }
  rows() { return [...this.#store.rows()]; }
  [Symbol.iterator]() { return this.iter(); }
  onInsert(listener) { this.#store.on("insert", listener); }
  onUpdate(listener) { this.#store.on("update", listener); }
  onDelete(listener) { this.#store.on("delete", listener); }
  removeOnInsert(listener) { this.#store.off("insert", listener); }
  removeOnUpdate(listener) { this.#store.off("update", listener); }
  removeOnDelete(listener) { this.#store.off("delete", listener); }
}

/**
 * A query that is watched by itself: a window, a count by groups, or any other. Its rows are not mixed with those of the
 * tables, and stand in the order that the query asks for.
 */
export class LiveQuery {
  #set;
  #store;
  #compare;
  #rows = null;
  #listeners = new Set();
  #leave;

  constructor(set, store, compare, leave) {
    this.#set = set;
    this.#store = store;
    this.#compare = compare;
    this.#leave = leave;
    store.changed = (change) => {
      this.#rows = null;
      for (const listener of this.#listeners) call(listener, this.rows, change);
    };
  }
  /** The rows as they are now: the same array until something changes. */
  get rows() {
    if (this.#rows) return this.#rows;
    const rows = [];
    // A row that a query finds twice is there twice.
    for (const { row, count } of this.#store.entries.values()) for (let at = 0; at < count; at++) rows.push(row);
    if (this.#compare) rows.sort(this.#compare);
    return this.#rows = Object.freeze(rows);
  }
  /** Whether the first rows have come. */
  get isReady() { return this.#set.wasTold; }
  /** Why there are none, if the query was refused. */
  get error() { return this.#set.error; }
  /** Has a function called with `(rows, {inserted, updated, deleted})` after each change. Returns what ends that. */
  onChange(listener) {
    this.#listeners.add(listener);
    return () => { this.#listeners.delete(listener); };
  }
  onInsert(listener) { this.#store.on("insert", listener); }
  onUpdate(listener) { this.#store.on("update", listener); }
  onDelete(listener) { this.#store.on("delete", listener); }
  unsubscribe() { this.#leave(); }
  /** Has the listeners called though no row has changed: the first rows have come, and they are none. */
  touch() {
    this.#rows = null;
    for (const listener of this.#listeners) call(listener, this.rows, { inserted: [], updated: [], deleted: [] });
  }
}

// MARK: The connection

const firstDelay = 500, longestDelay = 15_000, settledAfter = 10_000;
// In milliseconds: how long nothing may be heard until the server is asked whether it is there, and how long an answer may take.
const idleLimit = 30_000, answerLimit = 30_000, frameLimit = 256 * 1024;
const lostText = "The connection was lost before the answer came; whether it was carried out is not known.";

/** Says how to connect. The names are those of SpacetimeDB's library; what only this one has is said so. */
export class DbConnectionBuilder {
  #options = {
    module: null, uri: null, database: null, token: null, storage: null, compression: null, confirmed: null, resumes: true,
    reconnects: true, WebSocket: null, fetch: null, listeners: { connect: [], connectError: [], disconnect: [], state: [] },
  };
  constructor(module) { this.#options.module = module; }
  #set(name, value) { this.#options[name] = value; return this; }
  #listen(name, listener) { this.#options.listeners[name].push(listener); return this; }

  /** Where the server is: `https://…` or `wss://…`. If it is not said: where this file was loaded from. */
  withUri(uri) { return this.#set("uri", String(uri)); }
  withDatabaseName(name) { return this.#set("database", name); }
  withModuleName(name) { return this.withDatabaseName(name); }
  /** Who the client is, as a server has said it before. Without one the client is somebody new. */
  withToken(token) { return this.#set("token", token || null); }
  /** `"gzip"`, `"brotli"` or `"none"`. If it is not said: the best that the platform can unpack. */
  withCompression(compression) { return this.#set("compression", String(compression).toLowerCase()); }
  /** Makes no difference here; for programs that call it. */
  withLightMode() { return this; }
  /** Whether to hear only of what is on disk; it is so if nothing is said. */
  withConfirmedReads(isConfirmed) { return this.#set("confirmed", isConfirmed); }
  /**
   * Keeps the token, so that who comes back is the same: `withTokenIn(localStorage, "chat.token")`. One that the server does
   * not accept any more is forgotten. Not of the original.
   */
  withTokenIn(storage, key) { return this.#set("storage", { storage, key }); }
  /** Whether to connect again when the connection was lost; it is so if nothing is said. Not of the original. */
  withReconnect(reconnects) { return this.#set("reconnects", reconnects); }
  /** Whether to be told of offsets, by which a client goes on where it was; it is so if nothing is said. Not of the original. */
  withResuming(resumes) { return this.#set("resumes", resumes); }
  /** Another class of WebSockets than the platform's, for platforms that have none; and another `fetch`. Not of the original. */
  withTransport({ WebSocket, fetch }) { return this.#set("WebSocket", WebSocket ?? null).#set("fetch", fetch ?? null); }

  /** Has a function called with `(conn, identity, token)` when the client is connected for the first time. */
  onConnect(listener) { return this.#listen("connect", listener); }
  /** Has a function called with `(context, error)` when an attempt has failed before the client ever was connected. */
  onConnectError(listener) { return this.#listen("connectError", listener); }
  /** Has a function called with `(context, error)` each time that the connection was lost; `error` is missing if it was ended. */
  onDisconnect(listener) { return this.#listen("disconnect", listener); }
  /**
   * Has a function called with each change of the connection: `{status, retryIn, error}`, where the status is `"connecting"`,
   * `"online"`, `"waiting"` for `retryIn` milliseconds, or `"ended"`. Not of the original.
   */
  onStateChange(listener) { return this.#listen("state", listener); }

  /** Begins to connect. */
  build() {
    if (!this.#options.database) throw new TypeError("say which database: withDatabaseName('chat')");
    return new DbConnection({ ...this.#options });
  }
}

/** A group of queries that is watched as one: its part in each row, and how far it is. */
class QuerySet {
  rows = new Map();             // entry: how often the set delivers it
  queries = null;
  state = "pending";            // "active", "leaving", "ended"
  wasTold = false;
  error = null;
  // Of the connection that it was last answered on: {history, offset}
  position = null;
  wireID = null;
  live = null;
  constructor(given, store) { this.given = given; this.store = store; }
}

/** Says what to hear of a subscription. */
class SubscriptionBuilder {
  #subscribe;
  #listeners = { applied: null, error: null };
  constructor(subscribe) { this.#subscribe = subscribe; }
  /** Has a function called when the first rows are there. */
  onApplied(listener) { this.#listeners.applied = listener; return this; }
  /** Has a function called if the server does not accept the queries, or cannot follow them any more. */
  onError(listener) { this.#listeners.error = listener; return this; }
  /** Watches a query, or several as one set: SQL, `tables.message.where(…)`, `(tables) => …`, or an array of these. */
  subscribe(...queries) { return this.#subscribe(queries.flat(), this.#listeners); }
  /** Watches all rows of all public tables. */
  subscribeToAllTables() { return this.#subscribe([everything], this.#listeners); }
}
const everything = Symbol("all tables");
const notOfATable = Symbol("rows of a query");

/** A subscription. */
export class SubscriptionHandle {
  #set;
  #leave;
  constructor(set, leave) { this.#set = set; this.#leave = leave; }
  isActive() { return this.#set.state === "active"; }
  isEnded() { return this.#set.state === "ended"; }
  /** Watches the queries no more; rows that no other subscription delivers go. */
  unsubscribe() { this.#leave(); }
  unsubscribeThen(listener) { this.#leave(listener); }
}

/** A connection to a database, and the rows of its tables that are watched. */
export class DbConnection {
  #options;
  #module = null;
  #schemaText = null;
  #tables = {};
  #stores = new Map();          // by the table's wire name
  #handles = new Map();         // by accessor: {handle, store}
  #socket = null;
  #isBatched = true;
  #isGreeted = false;
  #wasOnline = false;
  #isEnded = false;
  // By it the server knows a connection that this client has lost, and ends it before the next one comes in.
  #session = ConnectionId.random().toHexString();
  #sets = new Set();
  #setsByID = new Map();        // of this connection
  #pending = new Map();         // by request: {kind, set, resolve, reject, …}
  #waiting = [];                // what is to be done when the first connection is there
  #nextRequest = 1;
  #nextSet = 1;
  #outbox = null;
  #unpacking = null;
  #position = { history: null, offset: null };
  #unreached = new Set();       // sets whose rows no offset has followed yet
  #changed = new Set();         // sets that have changed since the last offset
  #catchingUp = null;           // sets whose answers are awaited on a new connection
  #backlog = [];
  #attempts = 0;
  #begun = 0;
  #heard = 0;
  #probe = null;
  #retryTimer = null;
  #watchTimer = null;
  #state = { status: "connecting" };
  #removeListeners = () => {};
  #on;

  /** Who the client is; null before the server has said it. */
  identity = null;
  connectionId = null;
  /** What to show the server the next time, to be the same. */
  token = null;
  /** The rows of the tables, by accessor. */
  db;
  /** The reducers, as functions that take an object of arguments and return a promise. */
  reducers;
  procedures;

  /** @param module what a generated file defines. Without one it is read from the server. */
  static builder(module = null) { return new DbConnectionBuilder(module); }

  /** By `DbConnection.builder()`. */
  constructor(options) {
    this.#options = options;
    const { listeners } = options;
    this.#on = {
      connect: new Set(listeners.connect), connectError: new Set(listeners.connectError),
      disconnect: new Set(listeners.disconnect), state: new Set(listeners.state),
    };
    this.token = options.token ?? this.#storedToken();
    this.reducers = this.#functions("reducers", "CallReducer");
    this.procedures = this.#functions("procedures", "CallProcedure");
    this.db = new Proxy({}, {
      get: (_, name) => (!isName(name) || (this.#module && !this.#handles.has(name)) ? undefined : this.#handle(name)),
      has: (_, name) => this.#handles.has(name),
      ownKeys: () => [...this.#handles.keys()],
      getOwnPropertyDescriptor: (_, name) => (this.#handles.has(name)
        ? { value: this.#handle(name), enumerable: true, configurable: true } : undefined),
    });
    if (options.module) this.#use(options.module);
    this.#listen();
    this.#watchTimer = setInterval(() => this.#watch(), 5000);
    this.#watchTimer.unref?.();
    this.#open();
  }

  // MARK: What users ask for

  /** Whether there is a connection just now. */
  get isActive() { return this.#isGreeted; }
  /** What is happening to the connection: see `onStateChange`. */
  get state() { return this.#state; }
  /** The queries of all rows of each table. Without a generated module there are none before the first connection. */
  get tables() { return this.#tables; }
  get module() { return this.#module; }

  onConnect(listener) { this.#on.connect.add(listener); }
  onConnectError(listener) { this.#on.connectError.add(listener); }
  onDisconnect(listener) { this.#on.disconnect.add(listener); }
  onStateChange(listener) { this.#on.state.add(listener); }
  removeOnConnect(listener) { this.#on.connect.delete(listener); }
  removeOnConnectError(listener) { this.#on.connectError.delete(listener); }
  removeOnDisconnect(listener) { this.#on.disconnect.delete(listener); }
  removeOnStateChange(listener) { this.#on.state.delete(listener); }

  subscriptionBuilder() {
    return new SubscriptionBuilder((queries, { applied, error }) => {
      const set = new QuerySet(queries, null);
      set.onApplied = applied;
      set.onError = error;
      this.#add(set);
      return new SubscriptionHandle(set, (then) => this.#leave(set, then));
    });
  }

  /**
   * Watches a query by itself: its rows are not mixed with those of the tables. It may be any that the server can watch, also
   * a window (`ORDER BY … LIMIT …`) or one that counts by groups. If its rows are no table's own, `row` says what they are:
   * `liveQuery("SELECT room, COUNT(*) AS n FROM message GROUP BY room", { row: { room: t.string(), n: t.u64() } })`.
   */
  liveQuery(query, { row, primaryKey, orderBy, onChange, onError } = {}) {
    const own = row ? table(notOfATable, row instanceof Type ? row : t.row(row), { primaryKey }) : null;
    const store = new RowStore(own, true);
    const set = new QuerySet([query], store);
    let compare = orderBy ?? null;
    const live = new LiveQuery(set, store, (one, other) => compare?.(one, other) ?? 0, () => this.#leave(set));
    // The order is known when the text and the type of the rows are.
    set.ready = (given, texts) => {
      const { row: type, names } = store.definition ?? {};
      compare = orderBy ?? given.comparison ?? (type ? comparisonOf(texts[0], type, names) : null);
    };
    set.live = live;
    set.onError = onError;
    if (onChange) live.onChange(onChange);
    this.#add(set);
    return live;
  }

  /** The rows that a query finds now. Of rows that are no table's own, `row` says what they are. */
  query(query, { row } = {}) {
    return this.#request("OneOffQuery", (writer, request) => {
      const [text] = this.#texts([query]);
      clientMessages.oneOffQuery(writer, request, text);
      return { row: row ? (row instanceof Type ? row : t.row(row)) : null, compare: null, text };
    });
  }

  /** Tries to connect at once, if the next attempt was put off. */
  reconnectNow() {
    if (this.#socket || this.#isEnded) return;
    clearTimeout(this.#retryTimer);
    this.#open();
  }

  /** Ends it: what is waited for fails, and no other connection follows. The rows stay as they are. */
  disconnect() {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const socket = this.#socket;
    this.#socket = null;
    try { socket?.close(); } catch { /* It was not open yet. */ }
    this.#lose(undefined);
  }

  // MARK: The module

  #use(module) {
    this.#module = module;
    this.#tables = queryTables(module);
    const change = new Change();
    for (const [accessor, definition] of Object.entries(module.tables)) {
      let store = this.#stores.get(definition.name);
      if (!store) this.#stores.set(definition.name, store = this.#handles.get(accessor)?.store ?? new RowStore(null));
      if (store.definition && describe(store.definition) !== describe(definition)) this.#forgetRows(store, change);
      store.define(definition);
      this.#handle(accessor, store);
    }
    const other = [...this.#sets].filter(({ store }) => store?.definition && this.#isOther(store.definition));
    for (const set of other) {
      change.clear(set);
      set.position = null;
    }
    change.finishQuietly(() => this.#context({ tag: "Transaction" }));
    // What they are, the next rows say.
    for (const { store } of other) store.definition = null;
    for (const [accessor, { store }] of this.#handles) {
      if (!store.definition) {
        report(new TypeError(`the database has no table '${accessor}'; it has ${namesOf(module.tables)}`));
      }
    }
  }

  /** Whether rows that are watched by themselves were a table's whose rows are of another type now. */
  #isOther(definition) {
    const now = this.#stores.get(definition.name)?.definition;
    return now && describe(now) !== describe(definition);
  }

  /** The rows of a table are of another type now: what is there is worth nothing. */
  #forgetRows(store, change) {
    for (const set of this.#sets) {
      if (![...set.rows.keys()].some((entry) => entry.store === store)) continue;
      change.clear(set);
      set.position = null;
    }
  }

  #handle(accessor, store) {
    let known = this.#handles.get(accessor);
    if (!known) {
      const rows = store ?? new RowStore(null);
      this.#handles.set(accessor, known = { handle: new TableHandle(rows), store: rows });
    }
    if (store) TableHandle.bind(known.handle, store);
    return known.handle;
  }

  #functions(group, kind) {
    const made = new Map();
    const make = (accessor) => (args = {}) => this.#request(kind, (writer, request) => {
      const definition = this.#module[group][accessor];
      if (!definition) {
        throw new InternalError(`none of the ${group} is called '${accessor}'; there are ${namesOf(this.#module[group])}`);
      }
      const bytes = definition.params.encode(args);
      const write = kind === "CallReducer" ? clientMessages.callReducer : clientMessages.callProcedure;
      write(writer, request, definition.name, bytes);
      return { name: definition.name, accessor, args, returns: definition.returns };
    });
    return new Proxy({}, {
      get: (_, accessor) => {
        if (!isName(accessor)) return undefined;
        if (!made.has(accessor)) made.set(accessor, make(accessor));
        return made.get(accessor);
      },
    });
  }

  #texts(given) {
    return given.flatMap((one) => {
      if (one === everything) {
        const tables = Object.values(this.#module.tables).filter(({ isPublic, parameters }) => isPublic && !parameters);
        return tables.map(({ name }) => `SELECT * FROM ${quotedName(name)}`);
      }
      const query = typeof one === "function" ? one(this.#tables) : one;
      return [query].flat().map((each) => (typeof each === "string" ? each.trim() : each.toSql()));
    });
  }

  // MARK: Opening

  get #base() {
    const here = typeof location === "undefined" ? undefined : location.href;
    const own = /^https?:/.test(import.meta.url) ? new URL("/", import.meta.url).href : undefined;
    const uri = this.#options.uri ?? own ?? here;
    if (!uri) throw new TypeError("say where the server is: withUri('http://127.0.0.1:3000')");
    return new URL(uri.replace(/^ws/, "http").replace(/\/+$/, ""), here).href.replace(/\/+$/, "");
  }

  get #path() { return `${this.#base}/v1/database/${encodeURIComponent(this.#options.database)}`; }

  async #fetch(address, options = {}) {
    const answer = await (this.#options.fetch ?? fetch)(
      address, { ...options, signal: AbortSignal.timeout(answerLimit) });
    if (!answer.ok) {
      const error = new ConnectionError((await answer.text()).trim() || `the server answered ${answer.status}`);
      error.status = answer.status;
      throw error;
    }
    return answer;
  }

  async #open() {
    // Until there is a socket, this stands for it.
    const attempt = this.#socket = { close() {} };
    this.#begun = Date.now();
    this.#tell({ status: "connecting" });
    try {
      if (!this.#options.module) await this.#learn();
      const address = `${this.#path.replace(/^http/, "ws")}/subscribe?${await this.#parameters()}`;
      if (this.#socket !== attempt) return;
      const Socket = this.#options.WebSocket ?? globalThis.WebSocket;
      if (!Socket) throw new ConnectionError("the platform has no WebSocket; give one with withTransport({ WebSocket })");
      const socket = new Socket(address, ["v3.bsatn.spacetimedb", "v2.bsatn.spacetimedb"]);
      this.#socket = socket;
      socket.binaryType = "arraybuffer";
      socket.onopen = () => { this.#isBatched = socket.protocol === "v3.bsatn.spacetimedb"; };
      socket.onmessage = ({ data }) => this.#receive(socket, data);
      // What came before is still to be taken in.
      socket.onclose = (event) => this.#inOrder(socket, () => this.#lost(socket, closing(event), event.code));
      // Some platforms say no more than this of a connection that did not come about.
      socket.onerror = () => this.#inOrder(socket, () => { if (!this.#isGreeted) this.#lost(socket, closing({})); });
    } catch (error) {
      if (error.status === 401 && !this.#options.storage) this.#isEnded = true;
      this.#lost(attempt, error);
    }
  }

  /** Reads the module from the server. It is asked for before each connection, since it may have been replaced. */
  async #learn() {
    const text = await (await this.#fetch(`${this.#path}/schema?version=10`)).text();
    if (text === this.#schemaText) return;
    const module = moduleFromSchema(JSON.parse(text));
    this.#schemaText = text;
    this.#use(module);
  }

  async #parameters() {
    const { compression, confirmed, resumes, storage } = this.#options;
    const chosen = compression ?? ["brotli", "gzip"].find(canDecompress) ?? "none";
    const parameters = new URLSearchParams({
      compression: chosen.replace(/^./, (first) => first.toUpperCase()), session_id: this.#session,
    });
    if (confirmed !== null) parameters.set("confirmed", String(Boolean(confirmed)));
    if (resumes) parameters.set("offsets", "true");
    if (!this.token) return parameters;
    try {
      // A header cannot be set here, and the token itself should not stand in an address: a brief one does.
      const answer = await this.#fetch(`${this.#base}/v1/identity/websocket-token`, {
        method: "POST", headers: { authorization: `Bearer ${this.token}` },
      });
      parameters.set("token", (await answer.json()).token);
    } catch (error) {
      if (error.status !== 401 || !storage) throw error;
      // The server has other keys now: nobody can be who they were.
      this.token = null;
      try { storage.storage.removeItem(storage.key); } catch (problem) { report(problem); }
    }
    return parameters;
  }

  #storedToken() {
    const { storage } = this.#options;
    try { return storage?.storage.getItem(storage.key) ?? null; } catch { return null; }
  }

  #listen() {
    if (typeof addEventListener !== "function" || typeof document === "undefined") return;
    const listeners = [
      [globalThis, "online", () => this.reconnectNow()],
      [globalThis, "offline", () => this.#socket?.close()],
      // A page that somebody has left may be kept alive for the way back: nobody is there meanwhile.
      [globalThis, "pagehide", () => this.#suspend()],
      [globalThis, "pageshow", (event) => { if (event.persisted) this.reconnectNow(); }],
      [document, "visibilitychange", () => { if (!document.hidden) this.reconnectNow(); }],
    ];
    for (const [target, event, listener] of listeners) target.addEventListener(event, listener);
    this.#removeListeners = () => {
      for (const [target, event, listener] of listeners) target.removeEventListener(event, listener);
    };
  }

  #suspend() {
    const socket = this.#socket;
    this.#socket = null;
    clearTimeout(this.#retryTimer);
    try { socket?.close(); } catch { /* It was not open yet. */ }
    if (this.#isGreeted) this.#forgetConnection(new ConnectionError(lostText));
  }

  // MARK: Losing

  #lost(socket, error, code) {
    if (this.#socket !== socket) return;
    this.#socket = null;
    // A server that does not know what offsets are ends the connection when it is told of one.
    if (code === 1011) for (const set of this.#setsByID.values()) if (set.state === "pending") set.position = null;
    this.#lose(error);
  }

  /** What a server says cannot be right. It is left, and all rows are asked for anew. */
  #violated(socket, error) {
    if (this.#socket !== socket) return;
    report(error);
    for (const set of this.#sets) set.position = null;
    this.#socket = null;
    try { socket.close(); } catch { /* It is closed already. */ }
    this.#lose(error instanceof ProtocolError ? error : new ProtocolError(String(error)));
  }

  #lose(error) {
    const wasOnline = this.#isGreeted;
    if (wasOnline && Date.now() - this.#begun > settledAfter) this.#attempts = 0;
    this.#forgetConnection(new ConnectionError(lostText, { cause: error }));
    if (!this.#options.reconnects) this.#isEnded = true;
    if (this.#isEnded) {
      clearTimeout(this.#retryTimer);
      clearInterval(this.#watchTimer);
      this.#removeListeners();
      for (const { reject } of this.#waiting.splice(0)) reject(new ConnectionError("The connection was ended."));
      this.#tell({ status: "ended", error });
    } else {
      // Half of it at random, so that all who were thrown out do not come back at once.
      const retryIn = Math.min(longestDelay, firstDelay * 2 ** Math.min(this.#attempts++, 10)) * (0.5 + Math.random() / 2);
      this.#retryTimer = setTimeout(() => this.reconnectNow(), retryIn);
      this.#tell({ status: "waiting", retryIn, error });
    }
    const context = this.#context({ tag: "Error", value: error });
    if (wasOnline) for (const listener of this.#on.disconnect) call(listener, context, error);
    else if (error) for (const listener of this.#on.connectError) call(listener, context, error);
  }

  #forgetConnection(error) {
    this.#isGreeted = false;
    this.#outbox = null;
    this.#unpacking = null;
    this.#probe = null;
    // Rows that have changed since the last offset are at none that the server has told.
    for (const set of this.#changed) set.position = null;
    this.#changed.clear();
    this.#unreached.clear();
    this.#position = { history: null, offset: null };
    this.#catchingUp = null;
    this.#backlog = [];
    this.#setsByID.clear();
    const change = new Change();
    for (const set of this.#sets) {
      if (set.state === "leaving") this.#forget(set, change); else set.state = "pending";
    }
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    change.finishQuietly(() => this.#context({ tag: "UnsubscribeApplied" }));
    for (const { reject } of pending) reject?.(error);
  }

  #tell(state) {
    this.#state = Object.freeze({ ...state });
    for (const listener of this.#on.state) call(listener, this.#state);
  }

  /** A connection of which nothing is heard may be gone without a word: a question shows it. */
  #watch() {
    const now = Date.now();
    const socket = this.#socket;
    if (!socket) return;
    if (!this.#isGreeted) {
      if (now - this.#begun > answerLimit) this.#drop(socket, "The server did not answer.");
    } else if (this.#probe !== null) {
      if (now - this.#probe > answerLimit) this.#drop(socket, "Nothing is heard of the server.");
    } else if (now - this.#heard > idleLimit) {
      this.#probe = now;
      // To leave a set that there is not is the cheapest question: the answer is that there is none.
      const request = this.#nextRequest++;
      this.#pending.set(request, { kind: "Probe" });
      this.#send((writer) => clientMessages.unsubscribe(writer, request, 0xffff_ffff, false));
    }
  }

  #drop(socket, text) {
    this.#lost(socket, new ConnectionError(text));
    try { socket.close(); } catch { /* It was not open yet. */ }
  }

  // MARK: Sending

  #send(write) {
    if (!this.#isBatched) {
      const writer = new BinaryWriter();
      write(writer);
      this.#socket.send(writer.bytes);
      return;
    }
    if (!this.#outbox) {
      this.#outbox = new BinaryWriter();
      queueMicrotask(() => this.#flush());
    }
    write(this.#outbox);
    if (this.#outbox.length >= frameLimit) this.#flush();
  }

  /** What was said in one turn of the event loop goes in one frame. */
  #flush() {
    const writer = this.#outbox;
    this.#outbox = null;
    if (writer && this.#isGreeted) this.#socket.send(writer.bytes);
  }

  /** Sends a request. Before the first connection it waits for that; later it fails while there is none. */
  #request(kind, write) {
    return new Promise((resolve, reject) => {
      const send = () => {
        const request = this.#nextRequest++;
        const writer = new BinaryWriter();
        const more = write(writer, request);
        this.#pending.set(request, { kind, resolve, reject, ...more });
        this.#send((outbox) => outbox.raw(writer.bytes));
      };
      const attempt = () => { try { send(); } catch (error) { reject(error); } };
      if (this.#isGreeted) attempt();
      else if (!this.#wasOnline && !this.#isEnded) this.#waiting.push({ send: attempt, reject });
      else reject(new ConnectionError("There is no connection just now."));
    });
  }

  // MARK: Sets

  #add(set) {
    if (this.#isEnded) throw new ConnectionError("The connection was ended.");
    this.#sets.add(set);
    if (this.#isGreeted) this.#subscribe(set);
  }

  #subscribe(set) {
    try {
      set.queries ??= this.#texts(set.given);
      if (!set.store) {
        const odd = set.queries.find((text) => !wholeRows.test(text));
        if (odd) throw new QueryError(`its rows are no table's own, and have no place in db; watch them with liveQuery: ${odd}`);
      }
      const [given] = set.given;
      set.ready?.(typeof given === "function" ? given(this.#tables) : given, set.queries);
    } catch (error) {
      // Not before whoever asked has the handle.
      queueMicrotask(() => {
        const change = new Change();
        this.#fail(set, error, change);
        change.finishQuietly(() => this.#context({ tag: "Error", value: error }));
      });
      return;
    }
    const request = this.#nextRequest++, id = this.#nextSet++;
    set.state = "pending";
    set.wireID = id;
    this.#setsByID.set(id, set);
    this.#pending.set(request, { kind: "Subscribe", set });
    this.#catchingUp?.add(set);
    const { position } = set;
    this.#send((writer) => (position && this.#isBatched
      ? clientMessages.subscribeSince(writer, request, id, position.history, position.offset, set.queries)
      : clientMessages.subscribe(writer, request, id, set.queries)));
  }

  #leave(set, then) {
    if (set.state === "ended" || set.state === "leaving") return;
    set.onEnded = then;
    if (!this.#isGreeted || set.wireID === null || !this.#setsByID.has(set.wireID)) {
      const change = new Change();
      this.#forget(set, change);
      change.finishQuietly(() => this.#context({ tag: "UnsubscribeApplied" }));
      return;
    }
    set.state = "leaving";
    const request = this.#nextRequest++;
    this.#pending.set(request, { kind: "Unsubscribe", set });
    // Which rows go is known here.
    this.#send((writer) => clientMessages.unsubscribe(writer, request, set.wireID, false));
  }

  /** A set is watched no more. */
  #forget(set, change) {
    if (set.state === "ended") return;
    change.clear(set);
    set.state = "ended";
    this.#sets.delete(set);
    this.#setsByID.delete(set.wireID);
    this.#catchingUp?.delete(set);
    this.#changed.delete(set);
    this.#unreached.delete(set);
    const { onEnded } = set;
    if (onEnded) change.before(() => onEnded(this.#context({ tag: "UnsubscribeApplied" })));
  }

  #fail(set, error, change) {
    if (set.state === "ended") return;
    set.error = error;
    this.#forget(set, change);
    if (set.live) change.after(() => set.live.touch());
    if (set.onError) change.after(() => set.onError(this.#context({ tag: "Error", value: error }), error));
    else change.after(() => report(error));
  }

  // MARK: Receiving

  #receive(socket, data) {
    if (this.#socket !== socket) return;
    this.#heard = Date.now();
    const frame = new Uint8Array(data);
    let body;
    try { body = unpack(frame); } catch (error) { return this.#inOrder(socket, () => this.#violated(socket, error)); }
    if (body instanceof Uint8Array) return this.#inOrder(socket, () => this.#take(socket, body));
    // It is unpacked while those before it are taken in; it has its turn behind them.
    const before = this.#unpacking;
    const taken = Promise.all([body, before]).then(
      ([plain]) => this.#take(socket, plain), (error) => this.#violated(socket, error));
    this.#unpacking = taken;
    taken.finally(() => { if (this.#unpacking === taken) this.#unpacking = null; });
  }

  /** Does something when all frames before have been taken in: at once, unless one of them is being unpacked. */
  #inOrder(socket, action) {
    if (!this.#unpacking) return action();
    const done = this.#unpacking.then(action);
    this.#unpacking = done;
    done.finally(() => { if (this.#unpacking === done) this.#unpacking = null; });
  }

  #take(socket, body) {
    try {
      for (const message of readServerMessages(body, this.#isBatched)) {
        // A listener may have ended it.
        if (this.#socket !== socket) return;
        this.#handleMessage(message);
      }
      if (this.#catchingUp?.size === 0) this.#caughtUp();
    } catch (error) { this.#violated(socket, error); }
  }

  #handleMessage(message) {
    if (message.tag === "InitialConnection") return this.#greeted(message);
    if (!this.#isGreeted) throw new ProtocolError("the first message of the server is no greeting");
    if (this.#catchingUp) {
      if (message.tag === "SubscribeApplied" || message.tag === "Resumed" || message.tag === "SubscriptionError") {
        this.#catchingUp.delete(this.#setsByID.get(message.set));
      }
      this.#backlog.push(message);
      return;
    }
    const change = new Change();
    const event = this.#apply(message, change);
    change.finish(() => this.#context(event));
  }

  /** All sets have been answered on the new connection: what is really different is told, as one change. */
  #caughtUp() {
    const backlog = this.#backlog;
    this.#catchingUp = null;
    this.#backlog = [];
    const change = new Change();
    for (const message of backlog) this.#apply(message, change);
    change.finish(() => this.#context({ tag: "Reconnected" }));
  }

  #greeted({ identity, connectionId, token }) {
    if (this.#isGreeted) {
      if (identity.isEqual(this.identity) && connectionId.isEqual(this.connectionId)) return;
      throw new ProtocolError("the server greeted twice, with different identities");
    }
    this.identity = identity;
    this.connectionId = connectionId;
    // A user who showed a token gets back the brief one; the own one stays.
    if (!this.token && token) {
      this.token = token;
      const { storage } = this.#options;
      try { storage?.storage.setItem(storage.key, token); } catch (error) { report(error); }
    }
    const isFirst = !this.#wasOnline;
    this.#isGreeted = this.#wasOnline = true;
    this.#begun = Date.now();
    if (!isFirst && this.#sets.size) this.#catchingUp = new Set();
    // In one frame, so that all are of one moment.
    for (const set of this.#sets) this.#subscribe(set);
    this.#flush();
    this.#tell({ status: "online" });
    if (isFirst) for (const listener of this.#on.connect) call(listener, this, identity, this.token);
    for (const { send } of this.#waiting.splice(0)) send();
  }

  /** Takes a message in; returns what listeners are told of it. */
  #apply(message, change) {
    switch (message.tag) {
      case "SubscribeApplied": {
        const set = this.#answered(message);
        change.clear(set);
        for (const { table, rows } of message.tables) this.#count(set, table, rows, 1, change);
        return this.#applied(set, change);
      }
      case "Resumed": {
        const set = this.#answered(message);
        this.#applySets(message.sets, change);
        return this.#applied(set, change);
      }
      case "UnsubscribeApplied": {
        const request = this.#settle(message.request, "Unsubscribe");
        this.#forget(request.set, change);
        return { tag: "UnsubscribeApplied" };
      }
      case "SubscriptionError": return this.#refused(message, change);
      case "TransactionUpdate":
        this.#applySets(message.sets, change);
        return { tag: "Transaction" };
      case "OneOffQueryResult": {
        const request = this.#settle(message.request, "OneOffQuery");
        if (message.error !== undefined) request.reject(new QueryError(message.error));
        else request.resolve(message.tables.flatMap(({ table, rows }) => this.#decode(table, rows, request)));
        return null;
      }
      case "ReducerResult": return this.#called(message, change);
      case "ProcedureResult": {
        const request = this.#settle(message.request, "CallProcedure");
        if (message.error !== undefined) change.after(() => request.reject(new InternalError(message.error)));
        else {
          const value = request.returns.decode(message.returned);
          change.after(() => request.resolve(value));
        }
        return null;
      }
      case "History":
        this.#position = { history: message.history, offset: null };
        // What was told before is of another history.
        for (const set of this.#setsByID.values()) {
          if (set.state !== "pending") { set.position = null; this.#unreached.add(set); }
        }
        return null;
      case "Reached":
        this.#position.offset = message.offset;
        for (const set of this.#unreached) set.position = this.#position;
        this.#unreached.clear();
        this.#changed.clear();
        return null;
    }
  }

  #settle(number, kind) {
    const request = this.#pending.get(number);
    if (request?.kind !== kind) {
      throw new ProtocolError(`request ${number} was answered, which nobody has made, or in another way`);
    }
    this.#pending.delete(number);
    return request;
  }

  #answered({ request, set: id }) {
    const { set } = this.#settle(request, "Subscribe");
    if (set.wireID !== id) throw new ProtocolError(`set ${id} was answered instead of ${set.wireID}`);
    if (set.state === "pending") set.state = "active";
    // At which commit its rows are, the next offset says.
    set.position = null;
    this.#unreached.add(set);
    return set;
  }

  #applied(set, change) {
    if (set.wasTold) return { tag: "SubscribeApplied" };
    set.wasTold = true;
    if (set.onApplied) change.before(() => set.onApplied(this.#context({ tag: "SubscribeApplied" })));
    if (set.live && set.rows.size === 0) change.after(() => set.live.touch());
    return { tag: "SubscribeApplied" };
  }

  #refused({ request: number, set: id, error: text }, change) {
    const error = new QueryError(text);
    const set = this.#setsByID.get(id);
    if (number === undefined) {
      if (set) this.#fail(set, error, change);
      return { tag: "Error", value: error };
    }
    const request = this.#pending.get(number);
    this.#pending.delete(number);
    if (request?.kind === "Probe") this.#probe = null;
    else if (request?.kind === "Subscribe") this.#fail(request.set, error, change);
    else if (request?.kind === "Unsubscribe") this.#forget(request.set, change);
    else throw new ProtocolError(`request ${number} was answered, which nobody has made`);
    return { tag: "Error", value: error };
  }

  #called({ request: number, timestamp, outcome }, change) {
    const request = this.#settle(number, "CallReducer");
    const event = {
      tag: "Reducer",
      value: { reducer: { name: request.accessor, args: request.args }, timestamp, outcome: { tag: outcome.tag } },
    };
    if (outcome.tag === "Err") change.after(() => request.reject(new SenderError(outcome.text)));
    else if (outcome.tag === "InternalError") change.after(() => request.reject(new InternalError(outcome.text)));
    else {
      this.#applySets(outcome.sets, change);
      change.after(() => request.resolve());
    }
    return event;
  }

  #applySets(sets, change) {
    for (const { set: id, tables } of sets) {
      const set = this.#setsByID.get(id);
      if (!set) throw new ProtocolError(`rows came for set ${id}, which is not watched`);
      this.#changed.add(set);
      for (const { table, rows } of tables) {
        for (const { inserts, deletes, events } of rows) {
          if (events) {
            const store = this.#storeOf(set, table);
            if (store) for (const bytes of events) change.event(store, bytes);
          } else {
            this.#count(set, table, inserts, 1, change);
            this.#count(set, table, deletes, -1, change);
          }
        }
      }
    }
  }

  #count(set, table, rows, amount, change) {
    if (!rows.length) return;
    const store = this.#storeOf(set, table);
    if (store) for (const bytes of rows) change.add(set, store, bytes, amount);
  }

  #storeOf(set, name) {
    if (!set.store) {
      const store = this.#stores.get(name);
      if (!store?.definition) {
        report(new ProtocolError(`rows came of a table '${name}', which the module has not; generate its file anew`));
        return null;
      }
      return store;
    }
    if (!set.store.definition) {
      set.store.define(this.#definition(name, set.queries[0]));
      const [given] = set.given;
      set.ready?.(typeof given === "function" ? given(this.#tables) : given, set.queries);
    }
    return set.store;
  }

  #definition(name, text) {
    const definition = this.#stores.get(name)?.definition;
    if (definition && wholeRows.test(text)) return definition;
    throw new QueryError(`the rows of this query are no table's own; say what they are with { row: { … } }: ${text}`);
  }

  #decode(name, rows, { row, text }) {
    const type = row ?? this.#definition(name, text).row;
    return rows.map((bytes) => type.decode(bytes));
  }

  /** What listeners are given first. */
  #context(event) {
    return Object.freeze({
      db: this.db, reducers: this.reducers, procedures: this.procedures, identity: this.identity,
      connectionId: this.connectionId, isActive: this.#isGreeted, event, connection: this,
      subscriptionBuilder: () => this.subscriptionBuilder(), disconnect: () => this.disconnect(),
    });
  }
}

const namesOf = (members) => Object.keys(members).join(", ") || "none";
const isName = (name) => typeof name === "string" && !["then", "toJSON", "constructor", "prototype"].includes(name);

function closing({ code, reason }) {
  const said = code && code !== 1006 ? `The server closed the connection (${code}).` : "The connection was lost.";
  return new ConnectionError(reason || said);
}
