// The rows that the client keeps, against a server that is a few lines of this file: random commits, subscriptions that come and
// go, frames that arrive late or not at all, connections that are cut, servers that remember and servers that do not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { client, randomNumbers, turn, until } from "./library.mjs";

const { BinaryReader, BinaryWriter, DbConnection, defineModule, procedure, queryTables, reducer, t, table } = client;

const Item = t.object("Item", { id: t.u32(), group: t.u8(), text: t.string() });
const Ping = t.object("Ping", { text: t.string() });
const module = defineModule({
  tables: {
    item: table("item", Item, { primaryKey: "id", unique: ["id"], indexes: { byGroup: ["group"], byBoth: ["group", "text"] } }),
    ping: table("ping", Ping, { event: true }),
  },
  reducers: { touch: reducer("touch", { id: t.u32() }) },
  procedures: { sum: procedure("sum", { a: t.u32(), b: t.u32() }, t.u64()), fail: procedure("fail") },
});
const tables = queryTables(module);

// MARK: A server

class Server {
  rows = new Map();             // by id: {id, group, text}
  commits = new Map();          // by offset: the rows' bytes by query
  history = 1n;
  offset = 0n;
  connections = new Set();
  remembers = true;
  knowsOffsets = true;
  packs = true;
  type = Item;
  random;

  constructor(random) { this.random = random; this.remember(); }

  /** The class of sockets that lead to this server. */
  get Socket() {
    const server = this;
    return class {
      protocol = server.isSecond ? "v2.bsatn.spacetimedb" : "v3.bsatn.spacetimedb";
      inbox = [];
      sets = new Map();
      isOpen = true;
      constructor(address, protocols) {
        assert.match(address, /\/v1\/database\/model\/subscribe\?/);
        assert.deepEqual(protocols, ["v3.bsatn.spacetimedb", "v2.bsatn.spacetimedb"]);
        server.connections.add(this);
        queueMicrotask(() => {
          if (!this.isOpen) return;
          this.onopen?.();
          server.greet(this);
        });
      }
      send(bytes) { if (this.isOpen) server.receive(this, bytes.slice()); }
      close() { this.isOpen = false; server.connections.delete(this); }
      /** The next frame arrives. */
      deliver() { this.onmessage?.({ data: this.inbox.shift() }); }
      /** The connection is gone, with everything that was on its way. */
      cut(code = 1006) {
        this.close();
        this.inbox = [];
        this.onclose?.({ code, reason: "" });
      }
    };
  }

  put(socket, write, { isLast = true } = {}) {
    const writer = new BinaryWriter();
    write(writer);
    if (isLast && this.knowsOffsets && !this.isSecond) { writer.u8(0x80); writer.u64(this.offset); }
    const isPacked = this.packs && this.random.chance(0.3);
    const body = isPacked ? gzipSync(writer.bytes) : writer.bytes;
    const frame = new Uint8Array(body.length + 1);
    frame[0] = isPacked ? 2 : 0;
    frame.set(body, 1);
    socket.inbox.push(frame.buffer);
  }

  greet(socket) {
    this.put(socket, (w) => {
      w.u8(0); w.raw(new Uint8Array(32)); w.raw(new Uint8Array(16).fill(7)); w.string("token");
      if (this.knowsOffsets && !this.isSecond) { w.u8(0x82); w.u128(this.history); }
    }, { isLast: false });
  }

  found(query, rows = this.rows) {
    const group = /"group" = (\d+)/.exec(query)?.[1];
    return [...rows.values()].filter((row) => group === undefined || row.group === Number(group));
  }

  list(w, rows, type = this.type) {
    const all = rows.map((row) => type.encode(row));
    if (all.length && all.every((one) => one.length === all[0].length)) { w.u8(0); w.u16(all[0].length); } else {
      w.u8(1); w.u32(all.length);
      let at = 0n;
      for (const one of all) { w.u64(at); at += BigInt(one.length); }
    }
    const data = new BinaryWriter();
    for (const one of all) data.raw(one);
    w.block(data.bytes);
  }

  receive(socket, bytes) {
    const reader = new BinaryReader(bytes);
    while (!reader.isAtEnd) this.handle(socket, reader);
  }

  handle(socket, r) {
    const tag = r.u8(), request = r.u32();
    const texts = () => Array.from({ length: r.u32() }, () => r.string());
    switch (tag) {
      case 0: {
        const set = r.u32(), queries = texts();
        socket.sets.set(set, queries);
        return this.answer(socket, request, set, queries);
      }
      case 1: {
        const set = r.u32();
        assert.equal(r.u8(), 0);
        socket.sets.delete(set);
        return this.put(socket, (w) => { w.u8(2); w.u32(request); w.u32(set); w.u8(1); });
      }
      case 2:
        r.string();
        return this.put(socket, (w) => { w.u8(5); w.u32(request); w.u8(0); w.u32(0); });
      case 3: {
        r.u8(); r.string();
        const id = new BinaryReader(r.block()).u32();
        const before = new Map(this.rows);
        this.rows.set(id, { id, group: 0, text: "touched" });
        return this.commit(before, { socket, request });
      }
      case 4: {
        r.u8();
        const name = r.string(), args = new BinaryReader(r.block());
        return this.put(socket, (w) => {
          w.u8(7);
          if (name === "sum") { w.u8(0); w.u32(8); w.u64(BigInt(args.u32() + args.u32())); } else { w.u8(1); w.string("it failed"); }
          w.i64(0n); w.i64(0n); w.u32(request);
        });
      }
      case 0x80: {
        const set = r.u32(), history = r.u128(), offset = r.u64(), queries = texts();
        socket.sets.set(set, queries);
        const then = history === this.history ? this.commits.get(offset) : undefined;
        if (!then || !this.remembers) return this.answer(socket, request, set, queries);
        this.resumed = (this.resumed ?? 0) + 1;
        return this.put(socket, (w) => {
          w.u8(0x81); w.u32(request); w.u32(set); w.u32(1);
          this.changes(w, set, queries, then, this.rows);
        });
      }
      default: throw new Error(`the client says ${tag}`);
    }
  }

  answer(socket, request, set, queries) {
    this.put(socket, (w) => {
      w.u8(1); w.u32(request); w.u32(set); w.u32(queries.length);
      for (const query of queries) { w.string("item"); this.list(w, this.found(query)); }
    });
  }

  changes(w, set, queries, before, after) {
    w.u32(set); w.u32(1); w.string("item"); w.u32(queries.length);
    for (const query of queries) {
      const old = this.found(query, before), now = this.found(query, after);
      w.u8(0);
      this.list(w, now.filter((row) => before.get(row.id) !== row || !old.includes(row)));
      this.list(w, old.filter((row) => after.get(row.id) !== row || !now.includes(row)));
    }
  }

  /** What was changed becomes a commit, of which all who watch are told. */
  commit(before, caller) {
    this.offset += 1n;
    this.remember();
    for (const socket of this.connections) {
      const isCaller = caller?.socket === socket;
      if (!socket.sets.size && !isCaller) continue;
      this.put(socket, (w) => {
        if (isCaller) { w.u8(6); w.u32(caller.request); w.i64(0n); w.u8(0); w.u32(0); } else w.u8(4);
        w.u32(socket.sets.size);
        for (const [set, queries] of socket.sets) this.changes(w, set, queries, before, this.rows);
      });
    }
  }

  remember() { this.commits.set(this.offset, new Map(this.rows)); }

  change(random) {
    const before = new Map(this.rows);
    for (let at = random.below(4); at >= 0; at -= 1) {
      const id = random.below(12);
      if (this.rows.has(id) && random.chance(0.4)) this.rows.delete(id);
      else this.rows.set(id, { id, group: random.below(3), text: `${random.below(3)}`.repeat(random.below(3)) });
    }
    this.commit(before);
  }

  /** All connections end, and what was remembered is forgotten. */
  restart() {
    this.history += 1n;
    this.offset = 0n;
    this.commits.clear();
    this.remember();
    for (const socket of [...this.connections]) socket.cut();
  }
}

// MARK: A client, and what it tells

function connect(server, listen = true) {
  const conn = DbConnection.builder(module).withUri("http://model").withDatabaseName("model")
    .withTransport({ WebSocket: server.Socket, fetch: async () => new Response('{"token":"brief"}') }).build();
  if (!listen) return { conn };
  const told = new Map();
  const counts = { insert: 0, update: 0, delete: 0 };
  // Each event must fit what was told before.
  conn.db.item.onInsert((_, row) => {
    counts.insert += 1;
    assert.ok(!told.has(row.id), "a row was told that was there");
    told.set(row.id, row);
  });
  conn.db.item.onUpdate((_, old, row) => {
    counts.update += 1;
    assert.deepEqual(told.get(old.id), old);
    assert.notDeepEqual(old, row, "an update changed nothing");
    told.set(row.id, row);
  });
  conn.db.item.onDelete((_, row) => {
    counts.delete += 1;
    assert.deepEqual(told.get(row.id), row);
    told.delete(row.id);
  });
  return { conn, told, counts };
}

const sorted = (rows) => [...rows].sort((one, other) => one.id - other.id);

/** Everything that is on its way arrives, and is taken in. */
async function settle(server, conn) {
  const end = Date.now() + 120_000;
  const deliver = async () => {
    assert.ok(Date.now() < end, "the client is never up to date");
    for (const socket of [...server.connections]) while (socket.inbox.length) socket.deliver();
    await turn();
  };
  for (;;) {
    if (!server.connections.size) conn.reconnectNow();
    await deliver();
    if (!conn.isActive) continue;
    // What came before an answer has been taken in when the answer is there.
    let isAnswered;
    conn.query(tables.item).then(() => { isAnswered = true; }, () => { isAnswered = false; });
    while (isAnswered === undefined) await deliver();
    if (isAnswered && ![...server.connections].some((socket) => socket.inbox.length)) return;
  }
}

async function run(seed, { isSecond = false } = {}) {
  const random = randomNumbers(seed);
  const server = new Server(random);
  server.isSecond = isSecond;
  const problems = [];
  const complain = console.error;
  console.error = (error) => problems.push(error);
  const { conn, told } = connect(server);
  const handles = [];
  try {
    for (let step = 0; step < 250; step += 1) {
      const what = random.below(100);
      if (what < 35) server.change(random);
      else if (what < 70) { const [socket] = server.connections; if (socket?.inbox.length) socket.deliver(); }
      else if (what < 78) {
        const group = random.below(4);
        handles.push({ groups: group < 3 ? [group, random.below(3)] : [null], handle: conn.subscriptionBuilder().subscribe(
          group < 3 ? [tables.item.where((row) => row.group.eq(group)), `SELECT * FROM "item" WHERE "group" = ${0}`] : tables.item) });
        handles.at(-1).groups = group < 3 ? [group, 0] : [null];
      } else if (what < 84 && handles.length) handles.splice(random.below(handles.length), 1)[0].handle.unsubscribe();
      else if (what < 89) { server.remembers = random.chance(0.8); for (const socket of [...server.connections]) socket.cut(); }
      else if (what < 90) server.restart();
      else if (what < 96) conn.reconnectNow();
      else if (conn.isActive) conn.reducers.touch({ id: random.below(12) }).catch(() => {});
      if (random.chance(0.5)) await turn();
      assert.deepEqual(sorted(conn.db.item.iter()), sorted(told.values()), `seed ${seed}, step ${step}: rows and events differ`);
      const id = random.below(12), group = random.below(3);
      assert.equal(conn.db.item.id.find(id) ?? undefined, told.get(id), `seed ${seed}, step ${step}: another row is found`);
      assert.deepEqual(
        sorted(conn.db.item.byGroup.filter(group)), sorted(told.values()).filter((row) => row.group === group),
        `seed ${seed}, step ${step}: other rows are found`);
    }
    await settle(server, conn);
    const watched = (row) => handles.some(({ groups }) => groups.includes(null) || groups.includes(row.group));
    const expected = sorted([...server.rows.values()].filter(watched));
    assert.deepEqual(sorted(conn.db.item.iter()), expected, `seed ${seed}: other rows than the server's`);
    for (const row of expected) assert.deepEqual(conn.db.item.id.find(row.id), row);
    for (let group = 0; group < 3; group += 1) {
      const of = expected.filter((row) => row.group === group);
      assert.deepEqual(sorted(conn.db.item.byGroup.filter(group)), of);
      assert.deepEqual(sorted(conn.db.item.byBoth.filter([group])), of);
      assert.deepEqual(sorted(conn.db.item.byBoth.filter([group, "0"])), of.filter((row) => row.text === "0"));
    }
    assert.ok(handles.every(({ handle }) => handle.isActive()), `seed ${seed}: a subscription is not active`);
    assert.deepEqual(problems, [], `seed ${seed}`);
    return server.resumed ?? 0;
  } finally {
    console.error = complain;
    conn.disconnect();
  }
}

test("after any cuts the rows are the server's, and the events led there", async () => {
  let resumed = 0;
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, Date.now() >>> 0]) {
    console.log(`seed ${seed}`);
    resumed += await run(seed);
  }
  // How often depends on how quickly the platform unpacks frames.
  assert.ok(resumed > 0, "no set was gone on with");
});

test("it is so over the second protocol, too", async () => {
  for (const seed of [21, 22, 23, 24, Date.now() >>> 0]) {
    console.log(`seed ${seed}`);
    await run(seed, { isSecond: true });
  }
});

// MARK: Single rules

async function start({ seed = 1, ...options } = {}) {
  const server = Object.assign(new Server(randomNumbers(seed)), options);
  const client = connect(server, options.listen);
  await settle(server, client.conn);
  return { server, ...client };
}

test("a change that was undone while the client was away is not told", async () => {
  const { server, conn, counts } = await start();
  server.rows.set(1, { id: 1, group: 1, text: "same" });
  server.rows.set(2, { id: 2, group: 1, text: "goes" });
  conn.subscriptionBuilder().subscribe(tables.item);
  await settle(server, conn);
  for (const remembers of [true, false]) {
    server.remembers = remembers;
    const before = { ...counts };
    for (const socket of [...server.connections]) socket.cut();
    const then = new Map(server.rows);
    server.rows.delete(1);
    server.commit(then);
    const later = new Map(server.rows);
    server.rows.set(1, { id: 1, group: 1, text: "same" });
    server.commit(later);
    server.resumed = 0;
    await settle(server, conn);
    assert.deepEqual(counts, before);
    assert.equal(server.resumed, remembers ? 1 : 0);
  }
  conn.disconnect();
});

test("rows that two sets deliver are there until both have gone", async () => {
  const { server, conn, counts } = await start();
  server.rows.set(1, { id: 1, group: 1, text: "a" });
  const one = conn.subscriptionBuilder().subscribe(tables.item);
  const other = conn.subscriptionBuilder().subscribe(tables.item.where((row) => row.group.eq(1)));
  await settle(server, conn);
  assert.equal(counts.insert, 1);
  one.unsubscribe();
  await settle(server, conn);
  assert.equal(conn.db.item.count(), 1n);
  let ended = false;
  other.unsubscribeThen(() => { ended = true; });
  await settle(server, conn);
  assert.deepEqual([conn.db.item.count(), ended, other.isEnded(), counts.delete], [0n, true, true, 1]);
  conn.disconnect();
});

test("a promise is kept when its rows are there, and broken when the connection is", async () => {
  const { server, conn } = await start();
  conn.subscriptionBuilder().subscribe(tables.item);
  await settle(server, conn);
  let event;
  conn.db.item.onInsert((context) => { ({ event } = context); });
  const done = conn.reducers.touch({ id: 4 }).then(() => conn.db.item.id.find(4)?.text);
  await settle(server, conn);
  assert.equal(await done, "touched");
  assert.equal(event.tag, "Reducer");
  assert.deepEqual(event.value.reducer, { name: "touch", args: { id: 4 } });
  const lost = conn.reducers.touch({ id: 5 });
  await turn();
  for (const socket of [...server.connections]) socket.cut();
  await assert.rejects(lost, { name: "ConnectionError", message: /not known/ });
  await assert.rejects(conn.reducers.touch({ id: 6 }), { name: "ConnectionError" });
  await assert.rejects(conn.reducers.touch({ id: "six" }), { name: "ConnectionError" });
  conn.disconnect();
  assert.equal(conn.state.status, "ended");
});

test("a procedure returns its value, or throws what the server says", async () => {
  const { server, conn } = await start();
  const sum = conn.procedures.sum({ a: 2, b: 3 });
  const failed = conn.procedures.fail();
  failed.catch(() => {});
  await settle(server, conn);
  assert.equal(await sum, 5n);
  await assert.rejects(failed, { name: "InternalError", message: "it failed" });
  conn.disconnect();
});

test("what is said in one turn goes in one frame", async () => {
  const { server, conn } = await start();
  const [socket] = server.connections;
  const frames = [];
  const { receive } = server;
  server.receive = (from, bytes) => { frames.push(bytes); return receive.call(server, from, bytes); };
  const sums = Promise.all([1, 2, 3].map((a) => conn.procedures.sum({ a, b: 0 })));
  conn.subscriptionBuilder().subscribe(tables.item);
  await turn();
  assert.equal(frames.length, 1);
  await settle(server, conn);
  assert.deepEqual(await sums, [1n, 2n, 3n]);
  assert.equal(socket.isOpen, true);
  conn.disconnect();
});

test("listeners that throw stop nothing", async () => {
  const { server, conn } = await start({ listen: false });
  const problems = [];
  const complain = console.error;
  console.error = (error) => problems.push(error.message);
  conn.db.item.onInsert(() => { throw new Error("of the listener"); });
  const seen = [];
  conn.db.item.onInsert((_, row) => seen.push(row.id));
  server.rows.set(1, { id: 1, group: 1, text: "a" });
  conn.subscriptionBuilder().subscribe(tables.item);
  await settle(server, conn);
  console.error = complain;
  assert.deepEqual([problems, seen], [["of the listener"], [1]]);
  conn.disconnect();
});

test("a server that says what cannot be is left, and all rows come anew", async () => {
  const { server, conn, told } = await start();
  conn.subscriptionBuilder().subscribe(tables.item);
  server.rows.set(1, { id: 1, group: 1, text: "a" });
  await settle(server, conn);
  const complain = console.error;
  console.error = () => {};
  const [socket] = server.connections;
  // A delete of what is not there.
  server.put(socket, (w) => {
    w.u8(4); w.u32(1); w.u32([...socket.sets.keys()][0]); w.u32(1); w.string("item"); w.u32(1); w.u8(0);
    server.list(w, []); server.list(w, [{ id: 9, group: 9, text: "never" }]);
  });
  socket.deliver();
  await until(() => !server.connections.has(socket));
  console.error = complain;
  server.resumed = 0;
  await settle(server, conn);
  assert.equal(server.resumed, 0);
  assert.deepEqual(sorted(conn.db.item.iter()), [{ id: 1, group: 1, text: "a" }]);
  assert.equal(told.size, 1);
  conn.disconnect();
});

test("a server that does not know offsets is asked for all rows", async () => {
  const { server, conn } = await start({ knowsOffsets: false });
  conn.subscriptionBuilder().subscribe(tables.item);
  server.rows.set(1, { id: 1, group: 1, text: "a" });
  await settle(server, conn);
  for (const socket of [...server.connections]) socket.cut();
  server.rows.delete(1);
  await settle(server, conn);
  assert.equal(conn.db.item.count(), 0n);
  conn.disconnect();
});

test("rows that have come since the last offset are not gone on with from there", async () => {
  const { server, conn } = await start();
  conn.subscriptionBuilder().subscribe(tables.item);
  await settle(server, conn);
  const [socket] = server.connections;
  const before = new Map(server.rows);
  server.rows.set(1, { id: 1, group: 1, text: "a" });
  server.offset += 1n;
  server.remember();
  // The frame without the offset at its end, and then the cut.
  server.put(socket, (w) => { w.u8(4); w.u32(1); server.changes(w, [...socket.sets.keys()][0], ["q"], before, server.rows); }, { isLast: false });
  socket.deliver();
  await until(() => conn.db.item.count() === 1n);
  socket.cut();
  server.resumed = 0;
  await settle(server, conn);
  assert.deepEqual([server.resumed, conn.db.item.count()], [0, 1n]);
  conn.disconnect();
});

test("rows that no offset has followed yet are not gone on with", async () => {
  const { server, conn } = await start();
  conn.subscriptionBuilder().subscribe(tables.item);
  await settle(server, conn);
  // Another connection on which all rows come anew, but not the offset that belongs to them.
  server.remembers = false;
  for (const socket of [...server.connections]) socket.cut();
  server.rows.set(1, { id: 1, group: 1, text: "a" });
  server.knowsOffsets = false;
  await settle(server, conn);
  assert.equal(conn.db.item.count(), 1n);
  Object.assign(server, { remembers: true, knowsOffsets: true, resumed: 0 });
  for (const socket of [...server.connections]) socket.cut();
  await settle(server, conn);
  assert.deepEqual([server.resumed, conn.db.item.count()], [0, 1n]);
  conn.disconnect();
});

test("offsets of a module that was replaced are worth nothing", async () => {
  const { server, conn } = await start({ packs: false });
  conn.subscriptionBuilder().subscribe(tables.item);
  await settle(server, conn);
  const [socket] = server.connections;
  const offset = { history: server.history, offset: server.offset };
  server.history += 1n;
  server.put(socket, (w) => { w.u8(0x82); w.u128(server.history); }, { isLast: false });
  socket.deliver();
  await turn();
  await until(() => conn.isActive);
  socket.cut();
  // The server would go on with the old ones, if it were asked to.
  server.history = offset.history;
  server.resumed = 0;
  await settle(server, conn);
  assert.equal(server.resumed, 0);
  conn.disconnect();
});

test("a module that was replaced brings its types along", async () => {
  const schema = (columns) => JSON.stringify({ sections: [
    { Typespace: { types: [{ Product: { elements: columns.map(([name, type]) => (
      { name: { some: name }, algebraic_type: { [type]: [] } })) } }] } },
    { Tables: [{
      source_name: "item", product_type_ref: 0, primary_key: [0], indexes: [], constraints: [], table_access: { Public: [] },
      is_event: false,
    }] },
  ] });
  const columns = [["id", "U32"], ["group", "U8"], ["text", "String"]];
  let text = schema(columns);
  const server = new Server(randomNumbers(1));
  server.rows.set(1, { id: 1, group: 1, text: "a" });
  const conn = DbConnection.builder().withUri("http://model").withDatabaseName("model")
    .withTransport({ WebSocket: server.Socket, fetch: async (address) => new Response(
      address.includes("/schema?") ? text : '{"token":"brief"}') }).build();
  const told = [];
  conn.db.item.onInsert((_, row) => told.push(["insert", row]));
  conn.db.item.onDelete((_, row) => told.push(["delete", row]));
  conn.subscriptionBuilder().subscribe((tables) => tables.item);
  const live = conn.liveQuery((tables) => tables.item);
  const follow = async (condition) => {
    const end = Date.now() + 120_000;
    while (!condition()) {
      assert.ok(Date.now() < end, `in vain: ${condition}`);
      if (!server.connections.size) conn.reconnectNow();
      for (const socket of [...server.connections]) while (socket.inbox.length) socket.deliver();
      await turn();
    }
  };
  await follow(() => live.rows.length === 1 && conn.db.item.count() === 1n);
  assert.deepEqual(live.rows, [{ id: 1, group: 1, text: "a" }]);
  server.type = t.object("Item", { id: t.u32(), group: t.u8(), level: t.u64(), text: t.string() });
  server.rows.set(1, { id: 1, group: 1, level: 7n, text: "a" });
  text = schema([...columns.slice(0, 2), ["level", "U64"], columns[2]]);
  server.restart();
  await follow(() => live.rows[0]?.level === 7n && conn.db.item.id.find(1)?.level === 7n);
  assert.deepEqual(told.map(([what, { level }]) => [what, level]), [["insert", undefined], ["delete", undefined], ["insert", 7n]]);
  conn.disconnect();
});

test("rows of an event table are told once and not kept", async () => {
  const { server, conn } = await start({ listen: false });
  const heard = [];
  conn.db.ping.onInsert((context, row) => heard.push([context.event.tag, row.text]));
  conn.subscriptionBuilder().subscribe('SELECT * FROM "ping"');
  await settle(server, conn);
  const [socket] = server.connections;
  server.put(socket, (w) => {
    w.u8(4); w.u32(1); w.u32([...socket.sets.keys()][0]); w.u32(1); w.string("ping"); w.u32(1); w.u8(1);
    server.list(w, [{ text: "hi" }, { text: "ho" }], Ping);
  });
  await settle(server, conn);
  assert.deepEqual(heard, [["Transaction", "hi"], ["Transaction", "ho"]]);
  assert.equal(conn.db.ping.count(), 0n);
  conn.disconnect();
});

test("queries are written as SQL reads them", () => {
  const { and, not, or } = client;
  const cases = [
    [tables.item, 'SELECT * FROM "item"'],
    [tables.item.where((row) => row.text.eq("it's")), `SELECT * FROM "item" WHERE ("item"."text" = 'it''s')`],
    [tables.item.where((row) => row.id.gt(1).and(row.group.lte(2))).where((row) => row.text.ne("")),
      `SELECT * FROM "item" WHERE (("item"."id" > 1) AND ("item"."group" <= 2)) AND ("item"."text" <> '')`],
    [tables.item.where((row) => or(row.id.lt(1), row.id.gte(9), not(row.group.eq(3)))),
      'SELECT * FROM "item" WHERE (("item"."id" < 1) OR ("item"."id" >= 9) OR (NOT ("item"."group" = 3)))'],
    [tables.item.where((row) => and(row.id.between(1, 5), row.group.in([1, 2]))),
      'SELECT * FROM "item" WHERE (("item"."id" BETWEEN 1 AND 5) AND ("item"."group" IN (1, 2)))'],
    [tables.item.orderBy((row) => [row.group, row.id.desc()]).limit(3).offset(1),
      'SELECT * FROM "item" ORDER BY "item"."group", "item"."id" DESC LIMIT 3 OFFSET 1'],
    [tables.item.leftSemijoin(tables.ping, (item, ping) => item.text.eq(ping.text)),
      'SELECT "item".* FROM "item" JOIN "ping" ON "item"."text" = "ping"."text"'],
    [tables.item.where((row) => row.id.eq(1)).rightSemijoin(tables.ping, (item, ping) => item.text.eq(ping.text)),
      'SELECT "ping".* FROM "item" JOIN "ping" ON "item"."text" = "ping"."text" WHERE ("item"."id" = 1)'],
  ];
  for (const [query, text] of cases) assert.equal(query.toSql(), text);
  assert.throws(() => tables.item.where((row) => row.id.eq("1; DROP")), /is no u32/);
  assert.throws(() => tables.item.limit("1; DROP").toSql(), { name: "QueryError" });
  // Nothing of a query is lost without a word.
  const on = (one, other) => one.text.eq(other.text);
  const joined = tables.item.leftSemijoin(tables.ping, on);
  for (const wrong of [
    () => joined.leftSemijoin(tables.ping, on), () => tables.ping.rightSemijoin(joined, on), () => tables.item.limit(1).leftSemijoin(tables.ping, on),
    () => tables.item.leftSemijoin(tables.ping.orderBy((row) => row.text), on), () => tables.item.rightSemijoin(tables.ping.offset(1), on),
  ]) assert.throws(wrong, { name: "QueryError" });
});

test("views with parameters are called for a query, and cases are named as the database names them", () => {
  const Level = t.enum("Level", { Low: t.unit(), HttpError: t.unit() }, { HttpError: "HTTPError" });
  const Row = t.object("Row", { id: t.u32(), level: Level });
  const views = queryTables(defineModule({
    tables: {
      near: table("lib.near", Row, { parameters: { at: t.i32(), level: Level, name: t.option(t.string()) } }),
      row: table("row", Row),
    },
  }));
  assert.equal(
    views.near({ at: -5, level: Level.HttpError }).toSql(), `SELECT * FROM "lib"."near"(-5, 'HTTPError', NULL)`);
  const named = views.near({ at: 1, level: Level.Low, name: "it's" });
  assert.equal(named.toSql(), `SELECT * FROM "lib"."near"(1, 'low', 'it''s')`);
  assert.equal(
    named.where((row) => row.level.eq(Level.HttpError)).leftSemijoin(views.row, (one, other) => one.id.eq(other.id)).toSql(),
    `SELECT "lib"."near".* FROM "lib"."near"(1, 'low', 'it''s') JOIN "row" ON "lib"."near"."id" = "row"."id" `
      + `WHERE ("lib"."near"."level" = 'HTTPError')`);
  assert.throws(() => views.near({ level: Level.Low }), /near\.at/);
  assert.throws(() => views.near({ at: "1; DROP", level: Level.Low }), TypeError);
});

test("a connection of which nothing is heard is asked, and then left", async () => {
  const { setInterval: repeat } = globalThis, { now } = Date;
  let watch, shift = 0;
  globalThis.setInterval = (action) => { watch = action; return 0; };
  Date.now = () => now() + shift;
  try {
    const { server, conn } = await start({ packs: false });
    const [socket] = server.connections;
    const asked = [], requests = [];
    socket.send = (bytes) => { asked.push(bytes[0]); requests.push(new BinaryReader(bytes.subarray(1)).u32()); };
    watch();
    await turn();
    assert.deepEqual(asked, []);
    shift += 31_000;
    watch();
    await turn();
    assert.deepEqual(asked, [1]);
    // An answer, and it is believed for as long again.
    server.put(socket, (w) => { w.u8(3); w.u8(0); w.u32(requests[0]); w.u32(0xffff_ffff); w.string("there is none"); });
    socket.deliver();
    await turn();
    shift += 29_000;
    watch();
    assert.equal(conn.isActive, true);
    socket.send = () => {};
    shift += 2000;
    watch();
    shift += 31_000;
    watch();
    assert.equal(conn.isActive, false);
    assert.equal(server.connections.has(socket), false);
    await settle(server, conn);
    assert.equal(conn.isActive, true);
    conn.disconnect();
  } finally {
    globalThis.setInterval = repeat;
    Date.now = now;
  }
});
