// What generated code and its users touch of the package `spacetimedb` 2.8, written for checking generated code: types only,
// as far as its documentation tells them. It is none of the package's own text, and does nothing.

declare const value: unique symbol;
declare const unit: unique symbol;

export interface TypeBuilder<T, S> {
  readonly [value]: T;
}

export class Identity {
  toHexString(): string;
}
export class ConnectionId {
  toHexString(): string;
}
export class Timestamp {
  toDate(): Date;
}
export class TimeDuration {
  readonly micros: bigint;
}
export class Uuid {
  toString(): string;
}
export type ScheduleAt = { tag: 'Interval'; value: TimeDuration } | { tag: 'Time'; value: Timestamp };

/** Integers, texts and the like can be all. */
interface Keyed<T, M = {}> extends TypeBuilder<T, any> {
  readonly meta: M;
  primaryKey(): Keyed<T, M & { isPrimaryKey: true }>;
  unique(): Keyed<T, M & { isUnique: true }>;
  name<N extends string>(name: N): Keyed<T, M & { name: N }>;
}
/** Sums cannot be unique. */
interface Summed<T, M = {}> extends TypeBuilder<T, any> {
  readonly meta: M;
  primaryKey(): Summed<T, M & { isPrimaryKey: true }>;
  name<N extends string>(name: N): Summed<T, M & { name: N }>;
}
/** Floats, arrays, options, products and schedules have a name only. */
interface Named<T, M = {}> extends TypeBuilder<T, any> {
  readonly meta: M;
  name<N extends string>(name: N): Named<T, M & { name: N }>;
}
/** Units and results have nothing. */
interface Bare<T, M = {}> extends TypeBuilder<T, any> {
  readonly meta: M;
}
interface UnitBuilder extends Bare<{}> {
  readonly [unit]: true;
}
export class ColumnBuilder<T, M> implements Bare<T, M> {
  constructor(builder: TypeBuilder<T, any>, meta: M);
  readonly meta: M;
  readonly [value]: T;
}

type Shape = Record<string, TypeBuilder<any, any>>;
type OptionalKeys<P> = { [K in keyof P]: undefined extends ValueOf<P[K]> ? K : never }[keyof P];
type ValueOf<B> = B extends TypeBuilder<infer T, any> ? T : never;
type Product<P> = { [K in Exclude<keyof P, OptionalKeys<P>>]: ValueOf<P[K]> } & {
  [K in OptionalKeys<P>]?: ValueOf<P[K]>;
};
type Sum<V> = { [K in keyof V]: V[K] extends UnitBuilder ? { tag: K } : { tag: K; value: ValueOf<V[K]> } }[keyof V];
type Makers<V> = { [K in keyof V]: V[K] extends UnitBuilder ? Sum<V> : (value: ValueOf<V[K]>) => Sum<V> };

export type Infer<X> = X extends TypeBuilder<infer T, any> ? T : X extends Row<infer C> ? Product<C> : Product<X>;

export const t: {
  bool(): Keyed<boolean>;
  string(): Keyed<string>;
  i8(): Keyed<number>;
  u8(): Keyed<number>;
  i16(): Keyed<number>;
  u16(): Keyed<number>;
  i32(): Keyed<number>;
  u32(): Keyed<number>;
  i64(): Keyed<bigint>;
  u64(): Keyed<bigint>;
  i128(): Keyed<bigint>;
  u128(): Keyed<bigint>;
  i256(): Keyed<bigint>;
  u256(): Keyed<bigint>;
  f32(): Named<number>;
  f64(): Named<number>;
  byteArray(): Named<Uint8Array>;
  array<T>(element: TypeBuilder<T, any>): Named<T[]>;
  option<T>(payload: TypeBuilder<T, any>): Named<T | undefined>;
  result<T, E>(ok: TypeBuilder<T, any>, error: TypeBuilder<E, any>): Bare<T | E>;
  identity(): Keyed<Identity>;
  connectionId(): Keyed<ConnectionId>;
  timestamp(): Keyed<Timestamp>;
  timeDuration(): Keyed<TimeDuration>;
  uuid(): Keyed<Uuid>;
  scheduleAt(): Named<ScheduleAt>;
  unit(): UnitBuilder;
  object<P extends Shape>(name: string, fields: P): Named<Product<P>>;
  enum(name: string, variants: []): Bare<never>;
  enum<V extends Shape>(name: string, variants: V): Summed<Sum<V>> & Makers<V>;
  row<C extends Shape>(name: string, columns: C): Row<C>;
};

// Schemas

export interface Row<C> {
  readonly columns: C;
}
interface TableOptions<C> {
  readonly name: string;
  readonly indexes: readonly {
    accessor: string;
    name: string;
    algorithm: 'btree';
    columns: readonly (keyof C & string)[];
  }[];
  readonly constraints: readonly { name: string; constraint: 'unique'; columns: readonly (keyof C & string)[] }[];
  readonly event?: true;
}
interface Table<C, O> {
  readonly columns: C;
  readonly options: O;
}
export function table<C, const O extends TableOptions<C>>(options: O, row: Row<C>): Table<C, O>;
type Tables = Record<string, Table<any, any>>;
interface Schema<S extends Tables> {
  readonly tables: S;
}
export function schema<S extends Tables>(tables: S): { readonly schemaType: Schema<S> };

interface Reducer<N extends string, P> {
  readonly reducer: N;
  readonly params: P;
}
export function reducerSchema<N extends string, P extends Shape>(name: N, params: P): Reducer<N, P>;
interface Reducers<R extends readonly Reducer<any, any>[]> {
  readonly reducers: R;
}
export function reducers<R extends Reducer<any, any>[]>(...list: R): { readonly reducersType: Reducers<R> };

interface Procedure<N extends string, P, T> {
  readonly procedure: N;
  readonly params: P;
  readonly returnType: T;
}
export function procedureSchema<N extends string, P extends Shape, T extends TypeBuilder<any, any>>(
  name: N, params: P, returnType: T,
): Procedure<N, P, T>;
interface Procedures<P extends readonly Procedure<any, any, any>[]> {
  readonly procedures: P;
}
export function procedures<P extends Procedure<any, any, any>[]>(...list: P): Procedures<P>;

type Capital<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Capital<Tail>>}` : S;
type Accessor<S extends string> = Uncapitalize<Capital<S>>;
type ByReducer<R extends readonly Reducer<any, any>[]> = { [E in R[number] as Accessor<E['reducer']>]: E };
type ByProcedure<P extends readonly Procedure<any, any, any>[]> = { [E in P[number] as Accessor<E['procedure']>]: E };
export function convertToAccessorMap<R extends readonly Reducer<any, any>[]>(list: R): ByReducer<R>;
export function convertToAccessorMap<P extends readonly Procedure<any, any, any>[]>(list: P): ByProcedure<P>;

export interface RemoteModule<S extends Schema<any>, R extends Reducers<any>, P extends Procedures<any>> {
  readonly tables: S['tables'];
  readonly reducers: R['reducers'];
  readonly procedures: P['procedures'];
  readonly versionInfo: { readonly cliVersion: string };
}
type AnyModule = { tables: any; reducers: any; procedures: any; versionInfo: { cliVersion: string } };

// Queries

interface Condition {
  and(other: Condition): Condition;
  or(other: Condition): Condition;
  not(): Condition;
}
export function and(...conditions: Condition[]): Condition;
export function or(...conditions: Condition[]): Condition;
export function not(condition: Condition): Condition;
interface Column<T> {
  eq(value: T | Column<T>): Condition;
  ne(value: T): Condition;
  lt(value: T): Condition;
  lte(value: T): Condition;
  gt(value: T): Condition;
  gte(value: T): Condition;
}
type Columns<C> = { [K in keyof C]: Column<ValueOf<C[K]>> };
interface Query<C> {
  where(condition: (row: Columns<C>) => Condition): Query<C>;
  leftSemijoin<D>(other: Query<D>, on: (left: Columns<C>, right: Columns<D>) => Condition): Query<C>;
  rightSemijoin<D>(other: Query<D>, on: (left: Columns<C>, right: Columns<D>) => Condition): Query<D>;
  toSql(): string;
}
export type QueryBuilder<S extends Schema<any>> = {
  [K in keyof S['tables']]: S['tables'][K] extends Table<infer C, any> ? Query<C> : never;
};
export function makeQueryBuilder<S extends Schema<any>>(schema: S): QueryBuilder<S>;

// Connections

type Meta<B> = B extends { readonly meta: infer M } ? M : {};
type UniqueKeys<C> = {
  [K in keyof C]: Meta<C[K]> extends { isPrimaryKey: true } ? K : Meta<C[K]> extends { isUnique: true } ? K : never;
}[keyof C];
type HasKey<C> = { [K in keyof C]: Meta<C[K]> extends { isPrimaryKey: true } ? true : never }[keyof C];
type IndexOf<O, A> = O extends { indexes: readonly (infer I)[] } ? Extract<I, { accessor: A }> : never;
type Accessors<O> = O extends { indexes: readonly (infer I)[] } ? (I extends { accessor: infer A } ? A : never) : never;
type Values<C, K extends readonly any[]> = { [I in keyof K]: ValueOf<C[K[I] & keyof C]> };
type IndexKey<C, I> = I extends { columns: infer K extends readonly any[] }
  ? Values<C, K> extends readonly [infer One] ? One : Values<C, K>
  : never;
type TableCache<M extends AnyModule, C, O> =
  & {
    iter(): Iterable<Product<C>>;
    count(): bigint;
    onInsert(callback: (ctx: EventContextInterface<M>, row: Product<C>) => void): void;
    removeOnInsert(callback: (ctx: EventContextInterface<M>, row: Product<C>) => void): void;
    onDelete(callback: (ctx: EventContextInterface<M>, row: Product<C>) => void): void;
    removeOnDelete(callback: (ctx: EventContextInterface<M>, row: Product<C>) => void): void;
  }
  & ([HasKey<C>] extends [never] ? {} : {
    onUpdate(callback: (ctx: EventContextInterface<M>, old: Product<C>, row: Product<C>) => void): void;
  })
  & { [K in UniqueKeys<C>]: { find(key: ValueOf<C[K]>): Product<C> | null } }
  & { [A in Accessors<O> & string]: { filter(key: IndexKey<C, IndexOf<O, A>>): Iterable<Product<C>> } };
type Db<M extends AnyModule> = {
  [K in keyof M['tables']]: M['tables'][K] extends Table<infer C, infer O> ? TableCache<M, C, O> : never;
};
type ReducerCalls<M extends AnyModule> = {
  [E in M['reducers'][number] as Accessor<E['reducer']>]: (params: Product<E['params']>) => Promise<void>;
};
type ProcedureCalls<M extends AnyModule> = {
  [E in M['procedures'][number] as Accessor<E['procedure']>]: (
    params: Product<E['params']>,
  ) => Promise<ValueOf<E['returnType']>>;
};
interface Context<M extends AnyModule> {
  readonly db: Db<M>;
  readonly reducers: ReducerCalls<M>;
  readonly procedures: ProcedureCalls<M>;
  readonly isActive: boolean;
  disconnect(): void;
}
export interface EventContextInterface<M extends AnyModule> extends Context<M> {
  readonly event: { tag: 'Reducer' | 'Transaction' | 'SubscribeApplied' | 'UnsubscribeApplied' | 'Error' };
}
export interface ReducerEventContextInterface<M extends AnyModule> extends Context<M> {}
export interface SubscriptionEventContextInterface<M extends AnyModule> extends Context<M> {}
export interface ErrorContextInterface<M extends AnyModule> extends Context<M> {
  readonly event?: Error;
}
export class SubscriptionHandleImpl<M extends AnyModule> {
  unsubscribe(): void;
  unsubscribeThen(callback: (ctx: SubscriptionEventContextInterface<M>) => void): void;
  isActive(): boolean;
  isEnded(): boolean;
}
type Subscribable = string | Query<any>;
export class SubscriptionBuilderImpl<M extends AnyModule> {
  constructor(connection: DbConnectionImpl<M>);
  onApplied(callback: (ctx: SubscriptionEventContextInterface<M>) => void): this;
  onError(callback: (ctx: ErrorContextInterface<M>) => void): this;
  subscribe(
    query: Subscribable | Subscribable[] | ((tables: QueryBuilder<Schema<M['tables']>>) => Subscribable | Subscribable[]),
  ): SubscriptionHandleImpl<M>;
  subscribeToAllTables(): void;
}
export interface DbConnectionConfig<M extends AnyModule> {
  readonly module: M;
}
export class DbConnectionImpl<M extends AnyModule> implements Context<M> {
  constructor(config: DbConnectionConfig<M>);
  readonly db: Db<M>;
  readonly reducers: ReducerCalls<M>;
  readonly procedures: ProcedureCalls<M>;
  readonly isActive: boolean;
  disconnect(): void;
  subscriptionBuilder: () => SubscriptionBuilderImpl<M>;
}
type ModuleOf<C> = C extends DbConnectionImpl<infer M> ? M : never;
export class DbConnectionBuilder<C extends DbConnectionImpl<any>> {
  constructor(module: ModuleOf<C>, make: (config: DbConnectionConfig<ModuleOf<C>>) => C);
  withUri(uri: string): this;
  withDatabaseName(name: string): this;
  withToken(token?: string): this;
  withCompression(compression: 'none' | 'gzip' | 'brotli'): this;
  withConfirmedReads(confirmed: boolean): this;
  onConnect(callback: (connection: C, identity: Identity, token: string) => void): this;
  onConnectError(callback: (ctx: ErrorContextInterface<ModuleOf<C>>, error: Error) => void): this;
  onDisconnect(callback: (ctx: ErrorContextInterface<ModuleOf<C>>, error?: Error) => void): this;
  build(): C;
}
