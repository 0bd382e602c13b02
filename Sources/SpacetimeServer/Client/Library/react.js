/* @ts-self-types="./react.d.ts" */
// Hooks for React on client.js. React is given, so that this file needs none of its own:
//
//   import * as React from "react";
//   import { createHooks } from "./react.js";
//   export const { ConnectionProvider, useTable, useReducer, useProcedure, useConnection, useConnectionState } = createHooks(React);

const none = Object.freeze([]);
const nothing = Object.freeze([none, false]);

/** What is watched for components: each query of a connection once, as long as some component shows it. */
class SharedQueries {
  #connection;
  #queries = new Map();         // by its text: {live, listeners, snapshot}

  constructor(connection) { this.#connection = connection; }

  subscribe(key, query, options, listener) {
    let shared = this.#queries.get(key);
    if (!shared) {
      const live = this.#connection.liveQuery(query, { ...options, onError() {} });
      const made = shared = { live, listeners: new Set(), snapshot: nothing };
      this.#queries.set(key, made);
      live.onChange(() => {
        made.snapshot = Object.freeze([live.rows, live.isReady, live.error ?? undefined]);
        for (const one of made.listeners) one();
      });
    }
    shared.listeners.add(listener);
    return () => {
      shared.listeners.delete(listener);
      if (shared.listeners.size) return;
      this.#queries.delete(key);
      shared.live.unsubscribe();
    };
  }

  snapshot(key) { return this.#queries.get(key)?.snapshot ?? nothing; }
}

const shared = new WeakMap();
function queriesOf(connection) {
  if (!shared.has(connection)) shared.set(connection, new SharedQueries(connection));
  return shared.get(connection);
}

const textOf = (query) => (typeof query === "string" ? query : query.toSql());

/** The hooks, of the given React. */
export function createHooks(React) {
  const Context = React.createContext(null);

  function useConnection() {
    const connection = React.useContext(Context);
    if (!connection) throw new Error("there is no connection here; put <ConnectionProvider connection={…}> around the components");
    return connection;
  }

  /** `const [rows, isReady, error] = useTable(tables.player.where((row) => row.name.eq("Ada")))` */
  function useTable(query, options) {
    const connection = useConnection();
    const key = textOf(query);
    const queries = queriesOf(connection);
    const subscribe = React.useCallback(
      (listener) => queries.subscribe(key, query, options, listener),
      // Equal texts are one query, whichever object it is.
      [queries, key]);
    const snapshot = React.useCallback(() => queries.snapshot(key), [queries, key]);
    return React.useSyncExternalStore(subscribe, snapshot, () => nothing);
  }

  const useCall = (group) => (definition) => {
    const connection = useConnection();
    const accessor = typeof definition === "string" ? definition : definition.accessorName;
    return React.useCallback((args) => connection[group][accessor](args), [connection, accessor]);
  };

  /** `{status, retryIn, error}` of the connection, and again with each change. */
  function useConnectionState() {
    const connection = useConnection();
    const subscribe = React.useCallback((listener) => {
      connection.onStateChange(listener);
      return () => connection.removeOnStateChange(listener);
    }, [connection]);
    return React.useSyncExternalStore(subscribe, () => connection.state, () => connection.state);
  }

  return {
    ConnectionProvider: ({ connection, children }) => React.createElement(Context.Provider, { value: connection }, children),
    useConnection, useSpacetimeDB: useConnection, useConnectionState, useTable,
    useReducer: useCall("reducers"), useProcedure: useCall("procedures"),
  };
}
