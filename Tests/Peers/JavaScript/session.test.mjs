// The client against the chat server at CHAT_URL, over sockets that are cut on the way.

import assert from "node:assert/strict";
import net from "node:net";
import { after, test } from "node:test";

import { client, randomNumbers, turn, until } from "./library.mjs";

const { ConnectionError, DbConnection, InternalError, QueryError, SenderError, t } = client;
const url = process.env.CHAT_URL;
const open = new Set();
const unique = (name) => `${name} ${Math.random().toString(36).slice(2)}`;

/** The platform's WebSocket, which notes how each message of the server begins. */
function spying(seen, protocols = null) {
  return class extends WebSocket {
    constructor(address, offered) {
      super(address, protocols ?? offered);
      this.addEventListener("message", ({ data }) => {
        const frame = new Uint8Array(data);
        seen.push({ compression: frame[0], tag: frame[1] });
      });
    }
  };
}

function build(options = {}) {
  const builder = DbConnection.builder().withUri(options.uri ?? url).withDatabaseName("chat");
  for (const [name, value] of Object.entries(options)) if (name !== "uri") builder[name](value);
  const conn = builder.build();
  open.add(conn);
  return conn;
}

async function connect(options) {
  const conn = build(options);
  await until(() => conn.isActive);
  return conn;
}

async function subscribed(conn, ...queries) {
  return new Promise((resolve, reject) => {
    const handle = conn.subscriptionBuilder().onApplied(() => resolve(handle)).onError((_, error) => reject(error)).subscribe(...queries);
  });
}

after(() => { for (const conn of open) conn.disconnect(); });

test("two clients see each other, by the types that the server tells", async () => {
  const ada = await connect(), bob = await connect();
  await subscribed(ada, (tables) => [tables.user, tables.room]);
  await subscribed(bob, "SELECT * FROM user", (tables) => tables.room);
  const name = unique("Ada");
  await ada.reducers.rename({ name });
  // What a call has changed is there when it returns.
  const me = ada.db.user.name.find(name);
  assert.ok(me.identity.isEqual(ada.identity));
  assert.equal(me.isOnline, true);
  assert.equal(typeof me.connections, "number");
  await until(() => bob.db.user.name.find(name));
  assert.deepEqual(bob.db.user.identity.find(ada.identity), me);
  const updates = [];
  bob.db.user.onUpdate((context, old, row) => updates.push([context.event.tag, old.name, row.name]));
  await ada.reducers.rename({ name: `${name}!` });
  await until(() => updates.length);
  assert.deepEqual(updates, [["Transaction", name, `${name}!`]]);
  assert.equal(bob.db.user.name.find(name), null);
});

test("what is asked before there is a connection waits for it", async () => {
  const ada = build();
  const heard = [];
  ada.db.room.onInsert((_, row) => heard.push(row.name));
  const room = unique("room");
  const opened = ada.reducers.open({ room });
  const rooms = subscribed(ada, (tables) => tables.room);
  assert.equal(ada.isActive, false);
  await Promise.all([opened, rooms]);
  assert.ok(heard.includes(room) && heard.includes("lobby"));
});

test("what a reducer throws is another error than that there is none", async () => {
  const ada = await connect();
  await assert.rejects(ada.reducers.rename({ name: " " }), (error) => error instanceof SenderError && /blank/.test(error.message));
  await assert.rejects(ada.reducers.renamed({ name: "x" }), (error) => error instanceof InternalError && /rename/.test(error.message));
  await assert.rejects(ada.reducers.rename({ nam: "x" }), { name: "TypeError", message: /rename\.name/ });
  await assert.rejects(subscribed(ada, "SELECT * FROM nothing"), (error) => error instanceof QueryError && /nothing/.test(error.message));
  await assert.rejects(subscribed(ada, "SELECT COUNT(*) AS n FROM user"), /liveQuery/);
  await assert.rejects(ada.query("SELECT * FROM nothing"), QueryError);
});

test("a window and a count by groups are kept up to date", async () => {
  const ada = await connect();
  const room = unique("room");
  await ada.reducers.open({ room });
  const newest = ada.liveQuery((tables) => tables.message.where((row) => row.room.eq(room)).orderBy((row) => row.id.desc()).limit(3));
  const asText = ada.liveQuery(`SELECT * FROM message WHERE room = '${room}' ORDER BY id LIMIT 2`);
  const counts = ada.liveQuery(
    `SELECT room, COUNT(*) AS n FROM message WHERE room = '${room}' GROUP BY room`,
    { row: { room: t.string(), n: t.u64() }, primaryKey: "room" });
  const updates = [];
  counts.onUpdate((_, old, row) => updates.push([old.n, row.n]));
  await until(() => newest.isReady && asText.isReady && counts.isReady);
  assert.deepEqual([newest.rows, counts.rows], [[], []]);
  for (const text of ["one", "two", "three", "four"]) await ada.reducers.send({ room, text });
  assert.deepEqual(newest.rows.map(({ text }) => text), ["four", "three", "two"]);
  assert.deepEqual(asText.rows.map(({ text }) => text), ["one", "two"]);
  assert.deepEqual(counts.rows, [{ room, n: 4n }]);
  assert.deepEqual(updates, [[1n, 2n], [2n, 3n], [3n, 4n]]);
  // They are apart from the tables.
  assert.equal(ada.db.message.count(), 0n);
  assert.equal(newest.rows, newest.rows);
  newest.unsubscribe();
  await until(() => newest.rows.length === 0);
});

test("rows are asked for once", async () => {
  const ada = await connect();
  const room = unique("room");
  await ada.reducers.open({ room });
  const rows = await ada.query((tables) => tables.room.where((row) => row.name.eq(room)));
  assert.deepEqual(rows.map((row) => [row.name, row.messageCount]), [[room, 0]]);
  const [{ n }] = await ada.query("SELECT COUNT(*) AS n FROM room", { row: { n: t.u64() } });
  assert.ok(n >= 2n);
});

test("who shows a token is the same, and one that is not accepted is forgotten", async () => {
  const kept = new Map();
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
  const keep = (builder) => builder.withTokenIn(storage, "token");
  const first = keep(DbConnection.builder().withUri(url).withDatabaseName("chat")).build();
  open.add(first);
  await until(() => first.isActive);
  const again = await connect({ withToken: kept.get("token") });
  assert.ok(again.identity.isEqual(first.identity));
  kept.set("token", "nonsense");
  const other = keep(DbConnection.builder().withUri(url).withDatabaseName("chat")).build();
  open.add(other);
  await until(() => other.isActive);
  assert.ok(!other.identity.isEqual(first.identity));
  assert.notEqual(kept.get("token"), "nonsense");
  // Where none was kept, nobody else takes its place.
  const refused = build({ withToken: "nonsense" });
  await until(() => refused.state.status === "ended");
  assert.equal(refused.state.error.status, 401);
});

test("the connection over which a token came may be taken for the WebSocket", async () => {
  const token = (await connect()).token;
  for (let round = 0; round < 3; round += 1) {
    const answer = await fetch(`${url}/v1/identity/websocket-token`, { method: "POST", headers: { authorization: `Bearer ${token}` } });
    const address = `${url.replace("http", "ws")}/v1/database/chat/subscribe?token=${(await answer.json()).token}`;
    const socket = new WebSocket(address, ["v3.bsatn.spacetimedb"]);
    await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = reject; });
    socket.close();
  }
});

test("a module never sees two connections of one client", async () => {
  const sockets = [];
  class Spy extends WebSocket {
    constructor(address, offered) {
      super(address, offered);
      sockets.push(this);
      this.session = new URL(address).searchParams.get("session_id");
      this.code = new Promise((resolve) => { this.addEventListener("close", ({ code }) => resolve(code)); });
    }
  }
  const ada = await connect({ withTransport: { WebSocket: Spy } });
  await subscribed(ada, (tables) => tables.user);
  const counts = [];
  ada.db.user.onUpdate((_, old, row) => { if (row.identity.isEqual(ada.identity)) counts.push(row.connections); });
  for (let round = 1; round < 4; round += 1) {
    const lost = sockets.at(-1);
    // The client takes it for lost, and to the server it is as alive as ever.
    lost.onclose({ code: 1006, reason: "", wasClean: false });
    await until(() => ada.state.status !== "online");
    ada.reconnectNow();
    await until(() => ada.isActive);
    assert.equal(await lost.code, 1001);
    assert.equal(sockets.at(-1).session, lost.session);
    await until(() => ada.db.user.identity.find(ada.identity)?.connections === 1);
  }
  assert.ok(counts.every((count) => count <= 1), `${counts}`);
  assert.match(sockets[0].session, /^[0-9a-f]{32}$/);
  await connect({ withTransport: { WebSocket: Spy }, withToken: ada.token });
  assert.notEqual(sockets.at(-1).session, sockets[0].session);
  await until(() => ada.db.user.identity.find(ada.identity)?.connections === 2);
});

test("a database that there is not is an error with the server's words", async () => {
  const errors = [];
  const conn = DbConnection.builder().withUri(url).withDatabaseName("nobody").withReconnect(false)
    .onConnectError((context, error) => errors.push([context.event.tag, error.message])).build();
  const lost = conn.reducers.send({ room: "lobby", text: "hello" });
  await assert.rejects(lost, ConnectionError);
  assert.equal(errors.length, 1);
  assert.equal(errors[0][0], "Error");
  assert.match(errors[0][1], /nobody/);
});

test("large messages come compressed, in their order", async () => {
  const seen = [];
  const ada = await connect({ withTransport: { WebSocket: spying(seen) }, withCompression: "gzip" });
  const room = unique("room");
  await ada.reducers.open({ room });
  const rows = ada.liveQuery((tables) => tables.message.where((row) => row.room.eq(room)));
  await until(() => rows.isReady);
  const texts = [];
  rows.onInsert((_, row) => texts.push(row.text.length));
  const lengths = [10, 12_000, 20, 9000, 30];
  await Promise.all(lengths.map((length) => ada.reducers.send({ room, text: "x".repeat(length) })));
  assert.deepEqual(texts, lengths);
  assert.ok(seen.some(({ compression }) => compression === 2), "nothing was compressed");
  const plain = [];
  const bob = await connect({ withTransport: { WebSocket: spying(plain) }, withCompression: "none" });
  await subscribed(bob, (tables) => tables.message.where((row) => row.room.eq(room)));
  assert.equal(bob.db.message.count(), 5n);
  assert.ok(plain.every(({ compression }) => compression === 0));
});

test("it speaks the second protocol with a server that has no third", async () => {
  const seen = [];
  const ada = await connect({ withTransport: { WebSocket: spying(seen, ["v2.bsatn.spacetimedb"]) } });
  const room = unique("room");
  await Promise.all([ada.reducers.open({ room }), ada.reducers.send({ room, text: "a" }), ada.reducers.send({ room, text: "b" })]);
  await subscribed(ada, (tables) => tables.message.where((row) => row.room.eq(room)));
  assert.deepEqual(ada.db.message.rows().map(({ text }) => text).sort(), ["a", "b"]);
  assert.ok(seen.every(({ tag }) => tag < 0x80));
});

/** Stands between client and server. */
async function proxy() {
  const target = new URL(url);
  const pairs = new Set();
  const server = net.createServer((near) => {
    const far = net.connect(Number(target.port), target.hostname);
    const pair = { near, far, isHeld: false };
    pairs.add(pair);
    near.on("data", (data) => far.write(data));
    far.on("data", (data) => { if (!pair.isHeld) near.write(data); });
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on("error", () => {});
      one.on("close", () => { pairs.delete(pair); other.destroy(); });
    }
  });
  await new Promise((resolve) => { server.listen(0, "127.0.0.1", resolve); });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut() { for (const { near, far } of pairs) { near.destroy(); far.destroy(); } },
    /** From now on nothing of what the server says arrives. */
    hold() { for (const pair of pairs) pair.isHeld = true; },
    stop: () => { server.close(); for (const { near, far } of pairs) { near.destroy(); far.destroy(); } },
  };
}

test("after a cut it goes on where it was, and tells only what is different", async () => {
  const way = await proxy();
  const seen = [];
  const ada = await connect({ uri: way.url, withTransport: { WebSocket: spying(seen) } });
  const bob = await connect();
  const room = unique("room");
  await bob.reducers.open({ room });
  await subscribed(ada, (tables) => tables.message.where((row) => row.room.eq(room)), (tables) => tables.room);
  const window = ada.liveQuery((tables) => tables.message.where((row) => row.room.eq(room)).orderBy((row) => row.id.desc()).limit(2));
  await until(() => window.isReady);
  const identity = ada.identity.toHexString();
  const told = [];
  ada.db.message.onInsert((context, row) => told.push(["insert", context.event.tag, row.text]));
  ada.db.message.onDelete((_, row) => told.push(["delete", row.text]));
  ada.db.room.onInsert((_, row) => told.push(["insert", row.name]));
  ada.db.room.onDelete((_, row) => told.push(["delete", row.name]));
  for (let round = 0; round < 5; round += 1) {
    told.length = 0;
    seen.length = 0;
    // What the client has not heard when the connection ends, it hears later.
    if (round % 2) way.hold();
    await bob.reducers.send({ room, text: `round ${round}, a` });
    way.cut();
    await bob.reducers.send({ room, text: `round ${round}, b` });
    await until(() => ada.state.status !== "online");
    ada.reconnectNow();
    await until(() => ada.isActive && ada.db.message.count() === BigInt(2 * round + 2));
    await until(() => window.rows[0]?.text === `round ${round}, b`);
    assert.deepEqual(window.rows.map(({ text }) => text), [`round ${round}, b`, `round ${round}, a`]);
    const inserted = told.filter(([what]) => what === "insert").map((one) => one.at(-1));
    assert.deepEqual(inserted, [`round ${round}, a`, `round ${round}, b`]);
    assert.deepEqual(told.filter(([what]) => what === "delete"), []);
    assert.ok(told.some((one) => one[1] === "Reconnected"));
    assert.equal(ada.identity.toHexString(), identity);
    const last = seen.findLastIndex(({ tag }) => tag === 0);
    assert.ok(seen.slice(last).some(({ tag }) => tag === 0x81), "it was told all rows again");
  }
  way.stop();
});

test("after any cuts the rows are the server's, and the events led there", async () => {
  for (const seed of [1, 2, Date.now() >>> 0]) {
    console.log(`seed ${seed}`);
    const random = randomNumbers(seed);
    const way = await proxy();
    const ada = await connect({ uri: way.url });
    const bob = await connect();
    const rooms = [unique("room"), unique("room")];
    for (const room of rooms) await bob.reducers.open({ room });
    const told = new Map();
    ada.db.message.onInsert((_, row) => { assert.ok(!told.has(row.id)); told.set(row.id, row.text); });
    ada.db.message.onDelete((_, row) => { assert.ok(told.delete(row.id)); });
    const windows = [];
    for (let step = 0; step < 120; step += 1) {
      const what = random.below(100), room = rooms[random.below(2)];
      if (what < 50) {
        const sent = bob.reducers.send({ room, text: `${step}` });
        if (random.chance(0.5)) await sent;
      } else if (what < 60) way.hold();
      else if (what < 72) way.cut();
      else if (what < 84) ada.reconnectNow();
      else if (what < 92) {
        // A window lets go of rows when others come.
        windows.push(ada.subscriptionBuilder().subscribe(
          (tables) => tables.message.where((row) => row.room.eq(room)).orderBy((row) => row.id.desc()).limit(1 + random.below(9))));
      } else if (windows.length) windows.splice(random.below(windows.length), 1)[0].unsubscribe();
      if (random.chance(0.3)) await turn();
      assert.deepEqual(new Map(ada.db.message.rows().map((row) => [row.id, row.text])), told, `step ${step}`);
    }
    // What is held back does not come any more.
    way.cut();
    await until(() => { ada.reconnectNow(); return ada.isActive && windows.every((one) => one.isActive()); });
    const all = ada.subscriptionBuilder().subscribe((tables) => tables.message.where((row) => row.room.in(rooms)));
    await until(() => all.isActive());
    const expected = await bob.query((tables) => tables.message.where((row) => row.room.in(rooms)));
    assert.deepEqual(new Map(ada.db.message.rows().map((row) => [row.id, row.text])), new Map(expected.map((row) => [row.id, row.text])));
    all.unsubscribe();
    await until(() => all.isEnded());
    for (const one of windows) one.unsubscribe();
    await until(() => ada.db.message.count() === 0n);
    assert.equal(told.size, 0);
    ada.disconnect();
    way.stop();
  }
});

test("while there is no server nothing is lost that was there", async () => {
  const way = await proxy();
  const states = [];
  const ada = await connect({ uri: way.url, onStateChange: ({ status, retryIn }) => states.push([status, retryIn > 0]) });
  await subscribed(ada, (tables) => tables.room);
  const rows = ada.db.room.count();
  assert.ok(rows > 0n);
  let error;
  ada.onDisconnect((_, why) => { error = why; });
  way.stop();
  await until(() => ada.state.status === "waiting");
  assert.ok(error instanceof ConnectionError);
  assert.equal(ada.db.room.count(), rows);
  await assert.rejects(ada.reducers.send({ room: "lobby", text: "x" }), ConnectionError);
  ada.reconnectNow();
  await until(() => states.filter(([status]) => status === "waiting").length > 1);
  assert.ok(states.every(([status, isDelayed]) => (status === "waiting") === isDelayed));
  ada.disconnect();
  await turn();
  assert.equal(ada.state.status, "ended");
});
