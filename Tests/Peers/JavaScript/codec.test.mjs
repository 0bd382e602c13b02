// The values and messages of the specification's vectors, written and read by the client.

import assert from "node:assert/strict";
import { test } from "node:test";

import { bytes, client, hex, randomNumbers, vectors } from "./library.mjs";

const { BinaryReader, BinaryWriter, Timestamp, clientMessages, moduleFromSchema, readServerMessages, reducer, t, unpack } = client;

/** The client's type for one in a definition. */
function typeOf(json) {
  const empty = { elements: [] };
  return moduleFromSchema({ sections: [
    { Procedures: [{ source_name: "p", params: empty, return_type: json, visibility: { ClientCallable: [] } }] },
  ] }).procedures.p.returns;
}

const nameOf = (member) => member.name?.some;
const members = (content) => content.elements ?? content.variants;
const specialFields = ["__identity__", "__connection_id__", "__timestamp_micros_since_unix_epoch__", "__time_duration_micros__", "__uuid__"];

/** A value in the JSON of the specification, with numbers as texts so that none is rounded. */
function plain(type, value) {
  const [kind, content] = Object.entries(type)[0];
  switch (kind) {
    case "Array": return "U8" in content ? hex(value) : value.map((one) => plain(content, one));
    case "Product": {
      const fields = members(content);
      const only = fields.length === 1 ? nameOf(fields[0]) : null;
      if (specialFields.includes(only)) {
        const raw = value[only];
        return { [only]: only === "__identity__" ? `0x${raw.toString(16)}` : String(raw) };
      }
      return Object.fromEntries(fields.map((field, at) => [nameOf(field) ?? at, plain(field.algebraic_type, Object.values(value)[at])]));
    }
    case "Sum": {
      const cases = members(content);
      const names = cases.map(nameOf).join();
      if (names === "some,none") {
        if (value === undefined) return { none: {} };
        const isBoxed = members(cases[0].algebraic_type.Sum ?? {})?.map(nameOf).join() === "some,none";
        return { some: plain(cases[0].algebraic_type, isBoxed ? value.some : value) };
      }
      if (names === "ok,err") return "ok" in value
        ? { ok: plain(cases[0].algebraic_type, value.ok) } : { err: plain(cases[1].algebraic_type, value.err) };
      const one = cases.find((one) => nameOf(one).toLowerCase().replaceAll("_", "") === value.tag.toLowerCase());
      return { [nameOf(one)]: plain(one.algebraic_type, "value" in value ? value.value : {}) };
    }
    case "U256": return `0x${value.toString(16)}`;
    case "I256": return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
    case "Bool": case "String": return value;
    case "F32": case "F64": return Number.isFinite(value) ? `float ${Object.is(value, -0) ? "-0" : value}` : null;
    default: return String(value);
  }
}

/** JSON with numbers as texts; those of floats as the number that they mean. */
function exact(type, text) {
  const quoted = text.replace(/("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)/g, (_, string, number) => string ?? `"#${number}"`);
  const walk = (type, value) => {
    const [kind, content] = Object.entries(type)[0];
    if (typeof value === "string" && value.startsWith("#")) {
      const digits = value.slice(1);
      if (kind === "F32") return `float ${Math.fround(Number(digits)) === 0 && digits.startsWith("-") ? "-0" : Math.fround(Number(digits))}`;
      if (kind === "F64") return `float ${Number(digits) === 0 && digits.startsWith("-") ? "-0" : Number(digits)}`;
      return digits;
    }
    if (kind === "Array" && Array.isArray(value)) return value.map((one) => walk(content, one));
    if ((kind === "Product" || kind === "Sum") && value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([name, one]) => {
        const member = members(content).find((member, at) => (nameOf(member) ?? String(at)) === name);
        return [name, walk(member.algebraic_type, one)];
      }));
    }
    return value;
  };
  return walk(type, JSON.parse(quoted));
}

const values = vectors("SpacetimeSATSTests/Vectors/sats.json").filter(({ hex, type }) => hex !== undefined && typeof type === "object");

test("values have the bytes of the specification", () => {
  let compared = 0;
  for (const { name, type, hex: expected, json } of values) {
    const known = typeOf(type);
    const value = known.decode(bytes(expected));
    // Which bits a NaN has, JavaScript does not say.
    if (json !== "null" && !json.includes("null")) assert.equal(hex(known.encode(value)), expected, name);
    // Values that are not finite, and those without names, have no JSON to compare with.
    if (/null|\[\[|^\[0|^\[1,/.test(json)) continue;
    assert.deepEqual(plain(type, value), exact(type, json), name);
    compared += 1;
  }
  assert.ok(values.length > 150 && compared > 120, `${values.length} values, ${compared} compared`);
});

test("values that are cut off are refused", () => {
  for (const { name, type, hex: whole } of values) {
    const known = typeOf(type);
    for (let length = 0; length < whole.length / 2; length += 1) {
      assert.throws(() => known.decode(bytes(whole).subarray(0, length)), undefined, `${name}, ${length} bytes`);
    }
  }
});

test("what does not fit a type is refused with a sentence", () => {
  const cases = [
    [t.u8(), 256], [t.u8(), -1], [t.i8(), 128], [t.u8(), 1.5], [t.u8(), "1"], [t.u32(), 5n], [t.u64(), -1n], [t.u64(), 1.5],
    [t.u64(), 2n ** 64n], [t.i128(), 2n ** 127n], [t.string(), 5], [t.bool(), 1], [t.identity(), "c2"], [t.array(t.u16()), 5],
    [t.byteArray(), [1]], [t.result(t.u8(), t.string()), {}], [t.object("Cell", { x: t.u8() }), { x: 300 }],
    [t.object("Cell", { x: t.u8() }), {}], [t.enum("Move", { Pass: t.unit() }), { tag: "Jump" }],
  ];
  for (const [type, value] of cases) assert.throws(() => type.encode(value), { name: "TypeError", message: /is no / });
  assert.throws(() => t.object("Cell", { x: t.u8() }).encode({ x: 300 }), /Cell\.x: 300 is no u8/);
});

test("wrong bytes are refused", () => {
  for (const [type, wrong] of [
    [t.bool(), "02"], [t.option(t.u8()), "02"], [t.string(), "01000000ff"], [t.u32(), "000000"],
    [t.enum("Move", { Pass: t.unit() }), "01"], [t.array(t.unit()), "ffffffff"], [t.u8(), "0101"],
  ]) assert.throws(() => type.decode(bytes(wrong)), { name: "ProtocolError" });
});

test("no level of an option is lost", () => {
  const nested = t.option(t.option(t.u8()));
  for (const value of [undefined, { some: undefined }, { some: 5 }]) {
    assert.deepEqual(nested.decode(nested.encode(value)), value);
  }
});

test("types may refer to themselves", () => {
  const Tree = t.object("Tree", { value: t.i32(), get children() { return t.array(Tree); } });
  const tree = { value: 1, children: [{ value: 2, children: [] }, { value: 3, children: [{ value: 4, children: [] }] }] };
  assert.deepEqual(Tree.decode(Tree.encode(tree)), tree);
});

test("times are written and read to the microsecond, also before 1970", () => {
  for (const [micros, text] of [
    [0n, "1970-01-01T00:00:00.000000Z"], [-1n, "1969-12-31T23:59:59.999999Z"],
    [1_700_000_000_123_456n, "2023-11-14T22:13:20.123456Z"], [-1_500_000n, "1969-12-31T23:59:58.500000Z"],
    // Beyond what a Date can be.
    [2n ** 63n - 1n, "+294247-01-10T04:00:54.775807Z"], [-(2n ** 63n), "-290308-12-21T19:59:05.224192Z"],
  ]) assert.equal(new Timestamp(micros).toISOString(), text);
});

test("names are those of the original's generators", () => {
  const names = (source) => Object.keys(moduleFromSchema({ sections: [
    { Reducers: [{ source_name: source, params: { elements: [] }, visibility: { ClientCallable: [] } }] },
  ] }).reducers);
  for (const [source, camel] of [
    ["player_id", "playerId"], ["playerId", "playerId"], ["player1", "player1"], ["HTTPRequest", "httpRequest"], ["_id", "id"],
    ["ID", "id"], ["vec3D", "vec3D"], ["1up", "_1Up"], ["größe_ändern", "größeÄndern"],
  ]) assert.deepEqual(names(source), [camel]);
});

// Messages

const messages = vectors("SpacetimeProtocolTests/Vectors/messages.json")
  .filter(({ protocol, meaning }) => /^v[23]$/.test(protocol) && meaning?.messages);
const rowsOf = (list) => list.rows;
const setsOf = (sets) => sets.map(({ query_set_id, tables }) => ({ set: query_set_id.id, tables: tables.map((table) => ({
  table: table.table_name,
  rows: table.rows.map(({ tag, value }) => (tag === "EventTable"
    ? { events: rowsOf(value.events) } : { inserts: rowsOf(value.inserts), deletes: rowsOf(value.deletes) })),
})) }));
const tablesOf = (tables) => tables.map(({ table, rows }) => ({ table, rows: rowsOf(rows) }));

/** A message of the vectors in the form that the client gives it, with bytes and ids as digits. */
const expectations = {
  InitialConnection: (v) => ({ identity: v.identity, connectionId: v.connection_id, token: v.token }),
  SubscribeApplied: (v) => ({ request: v.request_id, set: v.query_set_id.id, tables: tablesOf(v.rows.tables) }),
  UnsubscribeApplied: (v) => ({
    request: v.request_id, set: v.query_set_id.id, tables: v.rows ? tablesOf(v.rows.tables) : undefined }),
  SubscriptionError: (v) => ({ request: v.request_id ?? undefined, set: v.query_set_id.id, error: v.error }),
  TransactionUpdate: (v) => ({ sets: setsOf(v.query_sets) }),
  OneOffQueryResult: (v) => ({ request: v.request_id, ...(v.result.tag === "ok"
    ? { tables: tablesOf(v.result.value.tables) } : { error: v.result.value }) }),
  ReducerResult: (v) => ({ request: v.request_id, timestamp: v.timestamp, outcome: { tag: v.result.tag, ...{
    Ok: () => ({ returned: v.result.value.ret_value, sets: setsOf(v.result.value.transaction_update.query_sets) }),
    OkEmpty: () => ({ sets: [] }), Err: () => ({ text: v.result.text }), InternalError: () => ({ text: v.result.value }),
  }[v.result.tag]() } }),
  ProcedureResult: (v) => ({
    request: v.request_id, timestamp: v.timestamp, duration: v.total_host_execution_duration,
    ...(v.status.tag === "Returned" ? { returned: v.status.value } : { error: v.status.value }) }),
};

function digits(value) {
  if (value instanceof Uint8Array) return hex(value);
  if (value instanceof Timestamp) return String(value.microsSinceUnixEpoch);
  if (value instanceof client.TimeDuration) return String(value.micros);
  if (value?.toHexString) return value.toHexString();
  if (Array.isArray(value)) return value.map(digits);
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, digits(one)]));
  return value;
}

test("messages of a server are read as the specification says", async () => {
  const all = messages.filter(({ direction }) => direction === "server-to-client");
  let read = 0;
  for (const { name, protocol, hex: text, meaning } of all) {
    if (!client.canDecompress(meaning.compression)) continue;
    const body = await unpack(bytes(text));
    if (meaning.body) assert.equal(hex(body), meaning.body, name);
    assert.deepEqual(
      readServerMessages(body, protocol === "v3").map(digits),
      meaning.messages.map(({ tag, value }) => ({ tag, ...expectations[tag](value) })), name);
    read += 1;
  }
  assert.ok(read > 60, `${read} of ${all.length}`);
});

test("messages of a server that are cut off are refused", () => {
  for (const { hex: text, meaning, direction, name } of messages) {
    if (direction !== "server-to-client" || meaning.compression !== "none" || meaning.messages.length !== 1) continue;
    const body = bytes(text).subarray(1);
    for (let length = 0; length < body.length; length += 1) {
      assert.throws(() => readServerMessages(body.subarray(0, length)), undefined, `${name}, ${length} bytes`);
    }
  }
});

test("whatever a server says is read or refused", () => {
  for (const seed of [1, 2, Date.now() >>> 0]) {
    const random = randomNumbers(seed);
    const frames = messages.filter(({ direction, meaning }) => direction === "server-to-client" && meaning.compression === "none");
    for (let round = 0; round < 3000; round += 1) {
      const body = bytes(frames[random.below(frames.length)].hex).slice(1);
      for (let at = random.below(4); at >= 0; at -= 1) body[random.below(body.length)] = random.below(256);
      try { readServerMessages(body); } catch (error) {
        assert.ok(["ProtocolError", "RangeError"].includes(error.name), `seed ${seed}: ${error.stack}`);
      }
    }
  }
});

const writers = {
  Subscribe: (w, v) => clientMessages.subscribe(w, v.request_id, v.query_set_id.id, v.query_strings),
  Unsubscribe: (w, v) => clientMessages.unsubscribe(w, v.request_id, v.query_set_id.id, v.flags.tag === "SendDroppedRows"),
  OneOffQuery: (w, v) => clientMessages.oneOffQuery(w, v.request_id, v.query_string),
  CallReducer: (w, v) => clientMessages.callReducer(w, v.request_id, v.reducer, bytes(v.args)),
  CallProcedure: (w, v) => clientMessages.callProcedure(w, v.request_id, v.procedure, bytes(v.args)),
};

test("messages of a client have the bytes of the specification", () => {
  let written = 0;
  for (const { name, direction, hex: text, meaning } of messages) {
    if (direction !== "client-to-server") continue;
    const writer = new BinaryWriter();
    for (const { tag, value } of meaning.messages) writers[tag](writer, value);
    assert.equal(hex(writer.bytes), text, name);
    written += 1;
  }
  assert.ok(written > 25, `${written}`);
  const addUser = reducer("add_user", { id: t.u32(), name: t.string() });
  assert.equal(hex(addUser.params.encode({ id: 3, name: "Cleo" })), "0300000004000000436c656f");
});

test("the messages of offsets have the bytes of MessageFormat", () => {
  const writer = new BinaryWriter();
  clientMessages.subscribeSince(writer, 1, 2, 3n, 4n, ["q"]);
  assert.equal(hex(writer.bytes), `80 01000000 02000000 03${"00".repeat(15)} 0400000000000000 01000000 01000000 71`.replaceAll(" ", ""));
  const said = `82 07${"00".repeat(15)} 80 0900000000000000 81 01000000 02000000 00000000`.replaceAll(" ", "");
  assert.deepEqual(readServerMessages(bytes(said)), [
    { tag: "History", history: 7n }, { tag: "Reached", offset: 9n }, { tag: "Resumed", request: 1, set: 2, sets: [] },
  ]);
});

test("large numbers are written beyond the first 64 bits", () => {
  const random = randomNumbers(7);
  for (const [kind, bits, isSigned] of [["u128", 128, false], ["i128", 128, true], ["u256", 256, false], ["i256", 256, true]]) {
    for (let round = 0; round < 200; round += 1) {
      let value = 0n;
      for (let at = 0; at < bits; at += 8) value = (value << 8n) | BigInt(random.below(256));
      if (isSigned) value = BigInt.asIntN(bits, value);
      const written = t[kind]().encode(value);
      assert.equal(written.length, bits / 8);
      // As the digits say it, by another way.
      const text = BigInt.asUintN(bits, value).toString(16).padStart(bits / 4, "0");
      assert.equal(hex(written), text.match(/../g).reverse().join(""));
      assert.equal(new BinaryReader(written)[kind](), value);
    }
  }
});
