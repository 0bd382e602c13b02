// The types of client.js. A file that `spacetimekit generate --lang typescript` writes is typed by them.

export class SenderError extends Error {}
export class InternalError extends Error {}
export class ConnectionError extends Error {
  /** The HTTP status, if a request was refused. */
  status?: number;
}
export class QueryError extends Error {}
export class ProtocolError extends Error {}

// Bytes

export class BinaryReader {
  constructor(bytes: Uint8Array);
  readonly bytes: Uint8Array;
  at: number;
  readonly isAtEnd: boolean;
  u8(): number; i8(): number; u16(): number; i16(): number; u32(): number; i32(): number;
  u64(): bigint; i64(): bigint; u128(): bigint; i128(): bigint; u256(): bigint; i256(): bigint;
  f32(): number; f64(): number; bool(): boolean; string(): string;
  slice(count: number): Uint8Array;
  block(): Uint8Array;
  hex(count: number): string;
}

export class BinaryWriter {
  readonly length: number;
  readonly bytes: Uint8Array;
  u8(value: number): void; i8(value: number): void; u16(value: number): void; i16(value: number): void;
  u32(value: number): void; i32(value: number): void; u64(value: bigint): void; i64(value: bigint): void;
  u128(value: bigint): void; i128(value: bigint): void; u256(value: bigint): void; i256(value: bigint): void;
  f32(value: number): void; f64(value: number): void; bool(value: boolean): void; string(value: string): void;
  raw(bytes: Uint8Array): void;
  block(bytes: Uint8Array): void;
  hex(text: string): void;
}

// Values

export class Identity {
  constructor(value: bigint | string);
  static fromString(text: string): Identity;
  static zero(): Identity;
  readonly __identity__: bigint;
  toHexString(): string;
  isEqual(other: Identity | null | undefined): boolean;
}

export class ConnectionId {
  constructor(value: bigint | string);
  static fromString(text: string): ConnectionId;
  static random(): ConnectionId;
  readonly __connection_id__: bigint;
  isZero(): boolean;
  toHexString(): string;
  isEqual(other: ConnectionId | null | undefined): boolean;
}

export class Timestamp {
  static readonly UNIX_EPOCH: Timestamp;
  constructor(micros: bigint | number);
  static now(): Timestamp;
  static fromDate(date: Date): Timestamp;
  readonly __timestamp_micros_since_unix_epoch__: bigint;
  readonly microsSinceUnixEpoch: bigint;
  toMillis(): bigint;
  toDate(): Date;
  since(other: Timestamp): TimeDuration;
  toISOString(): string;
  isEqual(other: Timestamp | null | undefined): boolean;
}

export class TimeDuration {
  constructor(micros: bigint | number);
  static fromMillis(millis: number): TimeDuration;
  readonly __time_duration_micros__: bigint;
  readonly micros: bigint;
  readonly millis: number;
  isEqual(other: TimeDuration | null | undefined): boolean;
}

export class Uuid {
  static readonly NIL: Uuid;
  static readonly MAX: Uuid;
  constructor(value: bigint);
  static parse(text: string): Uuid;
  static random(): Uuid;
  readonly __uuid__: bigint;
  asBigInt(): bigint;
  isEqual(other: Uuid | null | undefined): boolean;
}

export type ScheduleAt = { tag: 'Interval'; value: TimeDuration } | { tag: 'Time'; value: Timestamp };
export const ScheduleAt: {
  interval(micros: bigint | number): ScheduleAt;
  time(micros: bigint | number): ScheduleAt;
};

// Types

/** How values of a type are read and written. */
export interface Type<T> {
  readonly kind: string;
  read(reader: BinaryReader): T;
  write(writer: BinaryWriter, value: T): void;
  decode(bytes: Uint8Array): T;
  encode(value: T): Uint8Array;
  key(value: T): unknown;
  sql(value: T): string;
  compare(one: T, other: T): number;
}
/** The values of a type: `Infer<typeof Player>`. */
export type Infer<B> = B extends Type<infer T> ? T : never;

type Fields<T> = { readonly [K in keyof T]-?: Type<T[K]> };
type InferFields<F> = { [K in keyof F]: Infer<F[K]> };
/** What may be missing need not be said. */
type Arguments<F> = { [K in keyof F as undefined extends Infer<F[K]> ? never : K]: Infer<F[K]> }
  & { [K in keyof F as undefined extends Infer<F[K]> ? K : never]?: Infer<F[K]> };
type AnyCase = { tag: string; value?: unknown };

/** A type with cases, and its constructors: `Move.Pass`, `Move.Say('gg')`. */
export type EnumType<U extends AnyCase> = Type<U> & {
  readonly [K in U['tag']]: Extract<U, { tag: K }> extends { tag: K; value: infer V }
    ? (value: V) => Extract<U, { tag: K }>
    : Extract<U, { tag: K }>;
};
type InferCases<V> = {
  [K in keyof V & string]: Infer<V[K]> extends Unit ? ({} extends Infer<V[K]> ? { tag: K } : { tag: K; value: Infer<V[K]> })
    : { tag: K; value: Infer<V[K]> };
}[keyof V & string];
/** A value without anything in it. */
export type Unit = Record<string, never>;

export const t: {
  bool(): Type<boolean>;
  i8(): Type<number>; u8(): Type<number>; i16(): Type<number>; u16(): Type<number>; i32(): Type<number>; u32(): Type<number>;
  i64(): Type<bigint>; u64(): Type<bigint>; i128(): Type<bigint>; u128(): Type<bigint>; i256(): Type<bigint>; u256(): Type<bigint>;
  f32(): Type<number>; f64(): Type<number>;
  string(): Type<string>;
  byteArray(): Type<Uint8Array>;
  array<T>(element: Type<T>): Type<T[]>;
  /** `undefined` if it is missing; an option of an option is boxed, so that no level is lost. */
  option<T>(element: Type<T>): Type<undefined extends T ? { some: T } | undefined : T | undefined>;
  result<T, E>(ok: Type<T>, err: Type<E>): Type<{ ok: T } | { err: E }>;
  unit(): Type<{}>;
  identity(): Type<Identity>;
  connectionId(): Type<ConnectionId>;
  timestamp(): Type<Timestamp>;
  timeDuration(): Type<TimeDuration>;
  uuid(): Type<Uuid>;
  scheduleAt(): EnumType<ScheduleAt>;
  /** Fields of types that stand further down are getters: `{ get next() { return t.option(Node); } }`. */
  object<T>(name: string, fields: Fields<T>): Type<T>;
  object<F extends Record<string, Type<any>>>(name: string, fields: F): Type<InferFields<F>>;
  row<T>(fields: Fields<T>): Type<T>;
  /** `names` are what the database calls cases that it does not call as they are here, with a small letter first. */
  enum<U extends AnyCase>(
    name: string, variants: { readonly [K in U['tag']]: Type<any> }, names?: { readonly [K in U['tag']]?: string }): EnumType<U>;
};

// Modules

type Property<Row> = keyof Row & string;
export interface TableOptions<Row> {
  /** The property that makes a row the same row after an update. */
  readonly primaryKey?: Property<Row>;
  /** Properties of which no two rows have the same value. */
  readonly unique?: readonly Property<Row>[];
  /** Indexes by accessor, with the properties in their order. */
  readonly indexes?: { readonly [accessor: string]: readonly Property<Row>[] };
  /** Canonical names of columns that differ from the properties'. */
  readonly names?: { readonly [property: string]: string };
  readonly event?: boolean;
  readonly isPublic?: boolean;
  /** What a view is called with. */
  readonly parameters?: { readonly [property: string]: Type<any> };
}
export interface TableDefinition<Row = any, Options = {}> {
  readonly name: string;
  readonly row: Type<Row>;
  readonly options?: Options;
}
export interface ReducerDefinition<Params = any> {
  readonly name: string;
  readonly accessorName?: string;
  readonly params: Type<Params>;
}
export interface ProcedureDefinition<Params = any, Result = any> {
  readonly name: string;
  readonly accessorName?: string;
  readonly params: Type<Params>;
  readonly returns: Type<Result>;
}
export interface ModuleDefinition {
  readonly tables: { readonly [accessor: string]: TableDefinition };
  readonly reducers: { readonly [accessor: string]: ReducerDefinition };
  readonly procedures: { readonly [accessor: string]: ProcedureDefinition };
}
/** A module of which nothing is known when the program is written. */
export interface AnyModule extends ModuleDefinition {
  readonly isDynamic: true;
}

export function table<Row, const Options extends TableOptions<Row> = {}>(
  name: string, row: Type<Row>, options?: Options): TableDefinition<Row, Options>;
export function reducer<Params = {}>(name: string, params?: Fields<Params>): ReducerDefinition<Params>;
export function procedure<Params = {}, Result = {}>(
  name: string, params?: Fields<Params>, returns?: Type<Result>): ProcedureDefinition<Params, Result>;
export function defineModule<M extends Partial<ModuleDefinition>>(module: M): {
  readonly tables: M['tables'] extends {} ? M['tables'] : {};
  readonly reducers: M['reducers'] extends {} ? M['reducers'] : {};
  readonly procedures: M['procedures'] extends {} ? M['procedures'] : {};
};
export function moduleFromSchema(json: unknown, namespace?: string): AnyModule;

// Queries

export interface Condition {
  and(...others: ConditionLike[]): Condition;
  or(...others: ConditionLike[]): Condition;
  not(): Condition;
}
export type ConditionLike = Condition | ColumnReference<boolean> | boolean;
export interface ColumnOrder { readonly isDown: boolean }
export interface ColumnReference<T> {
  eq(value: NonNullable<T> | ColumnReference<T>): Condition;
  ne(value: NonNullable<T> | ColumnReference<T>): Condition;
  lt(value: NonNullable<T> | ColumnReference<T>): Condition;
  lte(value: NonNullable<T> | ColumnReference<T>): Condition;
  gt(value: NonNullable<T> | ColumnReference<T>): Condition;
  gte(value: NonNullable<T> | ColumnReference<T>): Condition;
  in(values: readonly NonNullable<T>[]): Condition;
  between(low: NonNullable<T>, high: NonNullable<T>): Condition;
  isNull(): Condition;
  isNotNull(): Condition;
  asc(): ColumnOrder;
  desc(): ColumnOrder;
}
type Columns<Row> = { readonly [K in keyof Row]-?: ColumnReference<Row[K]> };
type OrderLike = ColumnReference<any> | ColumnOrder;

export interface Query<Row> {
  where(predicate: (row: Columns<Row>) => ConditionLike): Query<Row>;
  filter(predicate: (row: Columns<Row>) => ConditionLike): Query<Row>;
  leftSemijoin<Other>(other: Query<Other>, on: (row: Columns<Row>, other: Columns<Other>) => Condition): Query<Row>;
  rightSemijoin<Other>(other: Query<Other>, on: (row: Columns<Row>, other: Columns<Other>) => Condition): Query<Other>;
  orderBy(choose: (row: Columns<Row>) => OrderLike | OrderLike[]): Query<Row>;
  limit(count: number | bigint): Query<Row>;
  offset(count: number | bigint): Query<Row>;
  build(): Query<Row>;
  toSql(): string;
}
export function and(...conditions: ConditionLike[]): Condition;
export function or(...conditions: ConditionLike[]): Condition;
export function not(condition: ConditionLike): Condition;

/** `lib.users` of a submodule stands below `lib`. */
type Nested<T> = { readonly [K in keyof T as K extends `${string}.${string}` ? never : K]: T[K] } & {
  readonly [K in keyof T as K extends `${infer Head}.${string}` ? Head : never]:
    Nested<{ [P in keyof T as P extends `${K extends `${infer Head}.${string}` ? Head : never}.${infer Rest}` ? Rest : never]: T[P] }>;
};
/** A query for all rows, or of a view with parameters a function that makes one. */
type QueryOf<D> = D extends TableDefinition<infer Row, infer O>
  ? O extends { readonly parameters: infer P extends Record<string, Type<any>> } ? (args: Arguments<P>) => Query<Row> : Query<Row>
  : any;
export type QueryTables<M extends ModuleDefinition> = M extends AnyModule ? any
  : Nested<{ [K in keyof M['tables']]: QueryOf<M['tables'][K]> }>;
export function queryTables<M extends ModuleDefinition>(module: M): QueryTables<M>;

/** What is asked for: SQL, a query, or a function that makes one of the module's tables. */
export type QueryLike<Row = any, M extends ModuleDefinition = any> =
  string | Query<Row> | ((tables: QueryTables<M>) => Query<Row> | string);
type QueryList<M extends ModuleDefinition> = QueryLike<any, M> | ((tables: QueryTables<M>) => (Query<any> | string)[]);

// Rows

export interface UniqueIndex<Row, T> {
  /** The row that has the value, or null. */
  find(value: T): Row | null;
}
export interface RangeIndex<Row, Values extends readonly unknown[]> {
  /** The rows that have the value in the first column, or the values in the first columns. */
  filter(values: Values[0] | Prefix<Values>): Row[];
}
type Prefix<V extends readonly unknown[]> = V extends readonly [...infer Head, unknown] ? V | (Head extends [] ? never : Prefix<Head>) : V;
type ValuesOf<Row, P> = P extends readonly string[] ? { -readonly [I in keyof P]: P[I] extends keyof Row ? Row[P[I]] : never } : never;

export interface TableRows<Row, M extends ModuleDefinition> extends Iterable<Row> {
  /** How many rows are there. */
  count(): bigint;
  iter(): IterableIterator<Row>;
  rows(): Row[];
  onInsert(listener: (context: EventContext<M>, row: Row) => void): void;
  onUpdate(listener: (context: EventContext<M>, old: Row, row: Row) => void): void;
  onDelete(listener: (context: EventContext<M>, row: Row) => void): void;
  removeOnInsert(listener: (context: EventContext<M>, row: Row) => void): void;
  removeOnUpdate(listener: (context: EventContext<M>, old: Row, row: Row) => void): void;
  removeOnDelete(listener: (context: EventContext<M>, row: Row) => void): void;
}
type UniqueOf<Row, O> = O extends { readonly unique: readonly (infer U)[] }
  ? { readonly [K in U & keyof Row & string]: UniqueIndex<Row, Row[K]> } : {};
type IndexesOf<Row, O> = O extends { readonly indexes: infer I }
  ? { readonly [K in keyof I]: RangeIndex<Row, ValuesOf<Row, I[K]>> } : {};
export type TableHandle<D, M extends ModuleDefinition> = D extends TableDefinition<infer Row, infer O>
  ? TableRows<Row, M> & UniqueOf<Row, O> & IndexesOf<Row, O> : never;

export interface RowChanges<Row> { inserted: Row[]; updated: [old: Row, row: Row][]; deleted: Row[] }
export interface LiveQuery<Row, M extends ModuleDefinition = any> {
  /** The rows, in the query's order: the same array until something changes. */
  readonly rows: readonly Row[];
  readonly isReady: boolean;
  readonly error: Error | null;
  /** Returns what ends it. */
  onChange(listener: (rows: readonly Row[], change: RowChanges<Row>) => void): () => void;
  onInsert(listener: (context: EventContext<M>, row: Row) => void): void;
  onUpdate(listener: (context: EventContext<M>, old: Row, row: Row) => void): void;
  onDelete(listener: (context: EventContext<M>, row: Row) => void): void;
  unsubscribe(): void;
}
export interface LiveQueryOptions<Row, M extends ModuleDefinition = any> {
  /** What the rows are, if they are no table's own. */
  row?: Type<Row> | Fields<Row>;
  /** The property that makes a row the same row after an update, with `row`. */
  primaryKey?: keyof Row & string;
  /** The order of the rows, if it is not the query's own. */
  orderBy?: (one: Row, other: Row) => number;
  onChange?: (rows: readonly Row[], change: RowChanges<Row>) => void;
  onError?: (context: ErrorContext<M>, error: Error) => void;
}

// The connection

export type Event =
  | { tag: 'Reducer'; value: { reducer: { name: string; args: any }; timestamp: Timestamp; outcome: { tag: string } } }
  | { tag: 'Transaction' } | { tag: 'SubscribeApplied' } | { tag: 'UnsubscribeApplied' }
  | { tag: 'Reconnected' } | { tag: 'Error'; value: Error | undefined };

type Db<M extends ModuleDefinition> = M extends AnyModule ? { readonly [accessor: string]: any }
  : { readonly [K in keyof M['tables']]: TableHandle<M['tables'][K], M> };
type Call<P, R> = {} extends P ? (args?: P) => Promise<R> : (args: P) => Promise<R>;
type Reducers<M extends ModuleDefinition> = M extends AnyModule ? { readonly [accessor: string]: (args?: any) => Promise<void> }
  : { readonly [K in keyof M['reducers']]: M['reducers'][K] extends ReducerDefinition<infer P> ? Call<P, void> : never };
type Procedures<M extends ModuleDefinition> = M extends AnyModule ? { readonly [accessor: string]: (args?: any) => Promise<any> }
  : { readonly [K in keyof M['procedures']]: M['procedures'][K] extends ProcedureDefinition<infer P, infer R> ? Call<P, R> : never };

export interface EventContext<M extends ModuleDefinition = any> {
  readonly db: Db<M>;
  readonly reducers: Reducers<M>;
  readonly procedures: Procedures<M>;
  readonly identity: Identity | null;
  readonly connectionId: ConnectionId | null;
  readonly isActive: boolean;
  readonly event: Event;
  readonly connection: DbConnection<M>;
  subscriptionBuilder(): SubscriptionBuilder<M>;
  disconnect(): void;
}
export type ErrorContext<M extends ModuleDefinition = any> = EventContext<M>;

export interface SubscriptionBuilder<M extends ModuleDefinition = any> {
  onApplied(listener: (context: EventContext<M>) => void): this;
  onError(listener: (context: ErrorContext<M>, error: Error) => void): this;
  subscribe(...queries: (QueryList<M> | QueryLike<any, M>[])[]): SubscriptionHandle<M>;
  subscribeToAllTables(): SubscriptionHandle<M>;
}
export class SubscriptionHandle<M extends ModuleDefinition = any> {
  private constructor();
  isActive(): boolean;
  isEnded(): boolean;
  unsubscribe(): void;
  unsubscribeThen(listener: (context: EventContext<M>) => void): void;
}

export type ConnectionState = {
  readonly status: 'connecting' | 'online' | 'waiting' | 'ended';
  /** In milliseconds, when it is waiting. */
  readonly retryIn?: number;
  readonly error?: Error;
};
interface TokenStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export class DbConnectionBuilder<M extends ModuleDefinition = AnyModule> {
  constructor(module: M | null);
  withUri(uri: string | URL): this;
  withDatabaseName(name: string): this;
  withModuleName(name: string): this;
  withToken(token: string | null | undefined): this;
  withCompression(compression: 'none' | 'gzip' | 'brotli'): this;
  withLightMode(isLight: boolean): this;
  withConfirmedReads(isConfirmed: boolean): this;
  withTokenIn(storage: TokenStorage, key: string): this;
  withReconnect(reconnects: boolean): this;
  withResuming(resumes: boolean): this;
  withTransport(transport: { WebSocket?: any; fetch?: any }): this;
  onConnect(listener: (connection: DbConnection<M>, identity: Identity, token: string) => void): this;
  onConnectError(listener: (context: ErrorContext<M>, error: Error) => void): this;
  onDisconnect(listener: (context: ErrorContext<M>, error?: Error) => void): this;
  onStateChange(listener: (state: ConnectionState) => void): this;
  build(): DbConnection<M>;
}

export class DbConnection<M extends ModuleDefinition = AnyModule> {
  private constructor();
  static builder(): DbConnectionBuilder<AnyModule>;
  static builder<M extends ModuleDefinition>(module: M): DbConnectionBuilder<M>;
  readonly db: Db<M>;
  readonly reducers: Reducers<M>;
  readonly procedures: Procedures<M>;
  readonly tables: QueryTables<M>;
  readonly module: M | null;
  readonly identity: Identity | null;
  readonly connectionId: ConnectionId | null;
  readonly token: string | null;
  readonly isActive: boolean;
  readonly state: ConnectionState;
  subscriptionBuilder(): SubscriptionBuilder<M>;
  liveQuery<Row = any>(query: QueryLike<Row, M>, options?: LiveQueryOptions<Row, M>): LiveQuery<Row, M>;
  query<Row = any>(query: QueryLike<Row, M>, options?: { row?: Type<Row> | Fields<Row> }): Promise<Row[]>;
  reconnectNow(): void;
  disconnect(): void;
  onConnect(listener: (connection: DbConnection<M>, identity: Identity, token: string) => void): void;
  onConnectError(listener: (context: ErrorContext<M>, error: Error) => void): void;
  onDisconnect(listener: (context: ErrorContext<M>, error?: Error) => void): void;
  onStateChange(listener: (state: ConnectionState) => void): void;
  removeOnConnect(listener: Function): void;
  removeOnConnectError(listener: Function): void;
  removeOnDisconnect(listener: Function): void;
  removeOnStateChange(listener: Function): void;
}

// Messages, for tools

export const clientMessages: {
  subscribe(writer: BinaryWriter, request: number, set: number, queries: string[]): void;
  unsubscribe(writer: BinaryWriter, request: number, set: number, wantsRows: boolean): void;
  oneOffQuery(writer: BinaryWriter, request: number, query: string): void;
  callReducer(writer: BinaryWriter, request: number, name: string, args: Uint8Array): void;
  callProcedure(writer: BinaryWriter, request: number, name: string, args: Uint8Array): void;
  subscribeSince(
    writer: BinaryWriter, request: number, set: number, history: bigint, offset: bigint, queries: string[]): void;
};
export function readServerMessage(reader: BinaryReader): { tag: string; [field: string]: any };
export function readServerMessages(body: Uint8Array, isBatched?: boolean): { tag: string; [field: string]: any }[];
export function canDecompress(compression: 'none' | 'gzip' | 'brotli'): boolean;
export function unpack(frame: Uint8Array): Uint8Array | Promise<Uint8Array>;
