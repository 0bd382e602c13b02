// The hooks, with a stand-in for React that does what they need of it: one component, drawn again when its store says so.

import assert from "node:assert/strict";
import { test } from "node:test";

import { react } from "./library.mjs";

/** Draws a component, keeps what its hooks remember, and draws it again when something that it shows has changed. */
function stage() {
  const contexts = [];
  let memories = [], at = 0, draw = null, drawings = 0;
  const remember = (make, dependencies) => {
    const known = memories[at];
    if (!known || known.dependencies.some((one, place) => one !== dependencies[place])) memories[at] = { value: make(), dependencies };
    return memories[at++].value;
  };
  const React = {
    createContext: (value) => ({ Provider: Symbol("provider"), value }),
    createElement: (type, properties, children) => ({ type, properties, children }),
    useContext: () => contexts.at(-1),
    useCallback: (callback, dependencies) => remember(() => callback, dependencies),
    useSyncExternalStore(subscribe, snapshot) {
      const place = at;
      const kept = remember(() => ({}), []);
      if (kept.subscribe !== subscribe) {
        kept.end?.();
        kept.subscribe = subscribe;
        kept.end = subscribe(() => {
          const value = snapshot();
          // React asks whether it is the same.
          if (value !== kept.value) draw();
        });
      }
      kept.value = snapshot();
      assert.equal(snapshot(), kept.value, "two snapshots of one state differ");
      memories[place].end = () => kept.end();
      return kept.value;
    },
  };
  return {
    React,
    mount(connection, component) {
      contexts.push(connection);
      draw = () => { at = 0; drawings += 1; this.shown = component(); };
      draw();
      return { unmount: () => { for (const { end } of memories) end?.(); memories = []; }, get drawings() { return drawings; } };
    },
  };
}

/** A connection with queries that are answered when the test says so. */
function connection() {
  const queries = [];
  const states = new Set();
  return {
    queries, state: { status: "connecting" },
    liveQuery(query) {
      const listeners = new Set();
      const live = {
        query, rows: Object.freeze([]), isReady: false, error: null, isEnded: false,
        onChange: (listener) => { listeners.add(listener); },
        unsubscribe: () => { live.isEnded = true; },
        answer(rows) { Object.assign(live, { rows, isReady: true }); for (const one of listeners) one(); },
      };
      queries.push(live);
      return live;
    },
    reducers: { send: async (args) => ["sent", args] }, procedures: { top: async (args) => ["top", args] },
    onStateChange: (listener) => states.add(listener), removeOnStateChange: (listener) => states.delete(listener),
    go(state) { this.state = state; for (const one of states) one(state); },
    states,
  };
}

test("a component shows the rows of its query, and again when they change", () => {
  const scene = stage(), conn = connection();
  const { useTable } = react.createHooks(scene.React);
  const mounted = scene.mount(conn, () => useTable("SELECT * FROM message"));
  assert.deepEqual(scene.shown, [[], false]);
  const rows = [{ id: 1 }];
  conn.queries[0].answer(rows);
  assert.equal(scene.shown[0], rows);
  assert.equal(scene.shown[1], true);
  assert.equal(mounted.drawings, 2);
  mounted.unmount();
  assert.equal(conn.queries[0].isEnded, true);
});

test("equal queries of several components are one, until the last has gone", () => {
  const conn = connection();
  const [one, other] = [stage(), stage()];
  const mounted = [one, other].map((scene) => {
    const { useTable } = react.createHooks(scene.React);
    return scene.mount(conn, () => useTable({ toSql: () => "SELECT * FROM room" }));
  });
  assert.equal(conn.queries.length, 1);
  conn.queries[0].answer([{ name: "lobby" }]);
  assert.deepEqual([one.shown[0], other.shown[0]], [[{ name: "lobby" }], [{ name: "lobby" }]]);
  mounted[0].unmount();
  assert.equal(conn.queries[0].isEnded, false);
  mounted[1].unmount();
  assert.equal(conn.queries[0].isEnded, true);
});

test("another query takes the place of the one before", () => {
  const scene = stage(), conn = connection();
  const { useTable } = react.createHooks(scene.React);
  let room = "lobby";
  const component = () => useTable(`SELECT * FROM message WHERE room = '${room}'`);
  scene.mount(conn, component);
  room = "attic";
  scene.mount(conn, component);
  assert.deepEqual(conn.queries.map(({ isEnded }) => isEnded), [true, false]);
});

test("calls and the connection's state", async () => {
  const scene = stage(), conn = connection();
  const { useConnectionState, useProcedure, useReducer } = react.createHooks(scene.React);
  const mounted = scene.mount(conn, () => [
    useConnectionState().status, useReducer({ name: "send_it", accessorName: "send" }), useProcedure("top")]);
  assert.equal(scene.shown[0], "connecting");
  conn.go({ status: "online" });
  const [status, send, top] = scene.shown;
  assert.deepEqual([status, await send({ text: "x" }), await top({})], ["online", ["sent", { text: "x" }], ["top", {}]]);
  mounted.unmount();
  assert.equal(conn.states.size, 0);
});

test("without a connection around it a hook says what to do", () => {
  const scene = stage();
  const { useTable } = react.createHooks(scene.React);
  assert.throws(() => scene.mount(null, () => useTable("SELECT 1")), /ConnectionProvider/);
});
