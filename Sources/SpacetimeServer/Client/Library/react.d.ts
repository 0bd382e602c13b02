// The types of react.js. Those of React are not needed: what is used of it is said here.

import type { ConnectionState, DbConnection, LiveQueryOptions, ModuleDefinition, ProcedureDefinition, Query, ReducerDefinition } from './client.js';

/** What the hooks use of React 18 or later. */
export interface ReactLike {
  createContext(value: any): any;
  createElement(type: any, properties: any, ...children: any[]): any;
  useContext(context: any): any;
  useCallback(callback: any, dependencies: any): any;
  useSyncExternalStore(subscribe: any, snapshot: any, serverSnapshot?: any): any;
}
type Call<P, R> = {} extends P ? (args?: P) => Promise<R> : (args: P) => Promise<R>;

export interface Hooks<M extends ModuleDefinition = any> {
  ConnectionProvider(properties: { connection: DbConnection<M>; children?: any }): any;
  useConnection(): DbConnection<M>;
  useSpacetimeDB(): DbConnection<M>;
  useConnectionState(): ConnectionState;
  /** The rows of a query, whether the first have come, and why not. They are the same array until something changes. */
  useTable<Row = any>(
    query: Query<Row> | string, options?: LiveQueryOptions<Row, M>
  ): readonly [rows: readonly Row[], isReady: boolean, error?: Error];
  useReducer<P>(definition: ReducerDefinition<P>): Call<P, void>;
  useReducer(accessor: string): (args?: any) => Promise<void>;
  useProcedure<P, R>(definition: ProcedureDefinition<P, R>): Call<P, R>;
  useProcedure(accessor: string): (args?: any) => Promise<any>;
}
export function createHooks<M extends ModuleDefinition = any>(React: ReactLike): Hooks<M>;
