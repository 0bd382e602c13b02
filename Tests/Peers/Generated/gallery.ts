// The code that the command writes for our own client, against a server: calls, queries, rows, changes.
import * as sdk from './module_bindings/client.js';
import { DbConnection, Shape, tables, Tint } from './module_bindings/index.ts';
import type { Piece, Sample } from './module_bindings/index.ts';

function same(one: unknown, other: unknown, what: string) {
  const text = (value: unknown) =>
    JSON.stringify(value, (_, part) => typeof part === 'bigint' ? `${part}n` : part instanceof Uint8Array ? [...part] : part);
  if (text(one) !== text(other)) throw new Error(`${what}: ${text(one)} is not ${text(other)}`);
}

async function until(condition: () => boolean, what: string) {
  const end = Date.now() + 120_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function fails(promise: Promise<unknown>, Kind: new (...all: any[]) => Error, text: string) {
  const error = await promise.then(() => new Error('it did not fail'), (error: Error) => error);
  if (!(error instanceof Kind) || !error.message.includes(text)) throw error;
}

const [address] = Deno.args;
const connect = () => DbConnection.builder().withUri(address).withDatabaseName('gallery').build();
type Queries = Parameters<ReturnType<DbConnection['subscriptionBuilder']>['subscribe']>;
const subscribed = (conn: DbConnection, ...queries: Queries) => new Promise<void>((resolve, reject) => {
  conn.subscriptionBuilder().onApplied(() => resolve()).onError((_, error) => reject(error)).subscribe(...queries);
});
const names = (rows: Iterable<Piece>) => [...rows].map(({ name }) => name).sort();

const conn = connect(), other = connect();
await subscribed(conn, tables.piece, tables.remark, tables.bell, tables.sample);

// Rows, unique columns, indexes of several columns.
same(names(conn.db.piece.iter()), ['a', 'b', 'c'], 'all pieces');
const b = conn.db.piece.name.find('b');
same([b?.id, b?.tint, b?.shape, b?.class, b?.in], [2n, Tint.InProgress, Shape.Nothing, undefined, []], 'a row');
same(conn.db.piece.id.find(9n), null, 'nothing');
same(names(conn.db.piece.byTintAndSize.filter([Tint.HttpError, 3])), ['c'], 'an index');
same(names(conn.db.piece.byTintAndSize.filter(Tint.Red)), ['a'], 'the first part of an index');

// Calls: what they change is there when they return; what they throw.
const path = Shape.Path([{ x: 1, y: -2 }, { x: 2 ** 31 - 1, y: 0 }]);
await conn.reducers.hang({ name: "d'é\u{1F600}", tint: Tint.Red, size: 40, shape: path, class: 'x', in: [{ x: 0, y: 0 }] });
same(conn.db.piece.name.find("d'é\u{1F600}")?.shape, path, 'a call');
await fails(conn.reducers.hang({ name: '', tint: Tint.Red, size: 0, shape: Shape.Nothing, in: [] }), sdk.SenderError, `'even' "this"`);
await fails(conn.reducers.resize({ name: 'a', size: 2 ** 31 }), TypeError, 'i32');

// Changes: an update is one, rows without a key go and come, events are told and not kept.
const heard: string[] = [];
conn.db.piece.onInsert((_, row) => heard.push(`+${row.name}`));
conn.db.piece.onUpdate((_, old, row) => heard.push(`${row.name}: ${old.size} ${row.size}`));
conn.db.piece.onDelete((_, row) => heard.push(`-${row.name}`));
conn.db.remark.onInsert((_, row) => heard.push(`${row.text} ${row.times}`));
conn.db.bell.onInsert((_, row) => heard.push(`ring ${row.text}`));
await conn.reducers.resize({ name: 'a', size: 7 });
await conn.reducers.takeDown({ name: 'c' });
await other.reducers.remark({ text: 'fine', times: 4_294_967_295 });
await other.reducers.ring({ text: 'now' });
await until(() => heard.length === 4, 'changes of others');
same(heard, ['a: 1 7', '-c', 'fine 4294967295', 'ring now'], 'changes');
same([conn.db.bell.count(), conn.db.remark.count()], [0n, 1n], 'what is kept');

// Queries with values of all kinds, semijoins, windows, options, cases by the names that the database has.
const query = (...all: Parameters<typeof conn.query<Piece>>) => conn.query<Piece>(...all).then(names);
same(await query(tables.piece.where((row) => row.tint.eq(Tint.InProgress))), ['b'], 'a case');
same(await query(tables.piece.where((row) => row.name.eq("d'é\u{1F600}"))), ["d'é\u{1F600}"], 'a text');
same(await query(tables.piece.where((row) => row.name.eq("x'\u{301} OR 1=1 --"))), [], 'no other query');
same(await query(tables.piece.where((row) => row.class.isNull().and(row.size.gte(2)))), ['a', 'b'], 'an option');
same(await query(tables.piece.where((row) => row.id.in([1n, 2n])).where((row) => sdk.not(row.size.gt(5)))), ['b'], 'numbers');
same(await query(tables.piece.orderBy((row) => row.size.desc()).limit(1)), ["d'é\u{1F600}"], 'a window');
await fails(conn.query('SELECT * FROM ledger'), sdk.QueryError, 'ledger');

// Views, without parameters and with.
await subscribed(other, tables.shown, tables.above({ size: 5 }), tables.above({ size: 5, name: 'a' }).where((row) => row.size.lt(100)));
same(names(other.db.shown.iter()), ['a', "d'é\u{1F600}"], 'a view');
same(names(other.db.above.iter()), ['a', "d'é\u{1F600}"], 'a view with parameters');
await conn.reducers.resize({ name: 'a', size: 3 });
await until(() => other.db.above.count() === 1n, 'a view with parameters follows');
same(await query(tables.above({ size: 1, name: 'b' })), ['a', "d'é\u{1F600}"], 'a view is asked once');
const live = other.liveQuery(tables.above({ size: 1 }).orderBy((row) => row.size).limit(2));
await until(() => live.isReady, 'a window of a view');
same(live.rows.map(({ name }) => name), ['b', 'a'], 'a window of a view');

// All tables: those with parameters are no part of it.
const all = connect();
await new Promise<void>((resolve, reject) => {
  all.subscriptionBuilder().onApplied(() => resolve()).onError((_, error) => reject(error)).subscribeToAllTables();
});
same([all.db.piece.count(), all.db.shown.count(), all.db.above.count()], [3n, 2n, 0n], 'all tables');
all.disconnect();
const untyped = sdk.DbConnection.builder().withUri(address).withDatabaseName('gallery').build();
await new Promise<void>((resolve, reject) => {
  untyped.subscriptionBuilder().onApplied(() => resolve()).onError((_, error) => reject(error)).subscribeToAllTables();
});
same(untyped.db.piece.count(), 3n, 'all tables of a module that is read from the server');
same((await untyped.query((tables: any) => tables.above({ size: 1, name: 'a' }))).length, 2, 'a view of such a module');
same((await untyped.query((tables: any) => tables.piece.where((row: any) => row.tint.eq({ tag: 'InProgress' })))).length, 1, 'a case');
untyped.disconnect();

// Procedures.
same(await conn.procedures.add({ one: -(2n ** 63n), other: 2n ** 100n }), 2n ** 100n - 2n ** 63n, 'a procedure');
same((await conn.procedures.largest({ limit: 2 })).map(({ name }) => name), ["d'é\u{1F600}", 'a'], 'rows of a procedure');
same(await conn.procedures.find({ name: 'no' }), undefined, 'nothing of a procedure');
same((await conn.procedures.find({ name: 'b' }))?.id, 2n, 'an option of a procedure');
same(await conn.procedures.find(), undefined, 'no arguments');
await fails(conn.procedures.fail(), sdk.InternalError, 'not today');

// Every type, to the ends of what it has.
const sample = (id: number, part: (low: bigint, high: bigint) => bigint): Sample => {
  const signed = (bits: bigint) => part(-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n);
  const unsigned = (bits: bigint) => part(0n, 2n ** bits - 1n);
  return {
    id, tiny: Number(signed(8n)), small: Number(signed(16n)), large: signed(64n), huge: signed(128n), vast: signed(256n),
    byte: Number(unsigned(8n)), word: Number(unsigned(16n)), total: unsigned(64n), wide: unsigned(128n), widest: unsigned(256n),
    ratio: Math.fround(0.1), precise: -0.1, flag: id === 1, raw: new Uint8Array([0, 255]),
    who: new sdk.Identity(unsigned(256n)), connection: new sdk.ConnectionId(unsigned(128n)),
    at: new sdk.Timestamp(1_767_225_600_123_456n), took: new sdk.TimeDuration(signed(64n)), token: new sdk.Uuid(unsigned(128n)),
    due: sdk.ScheduleAt.interval(5n), maybe: id === 1 ? '' : undefined,
    perhaps: id === 1 ? { some: undefined } : { some: 7 }, tints: [Tint.Red, undefined, Tint.HttpError],
  };
};
for (const wanted of [sample(1, (low) => low), sample(2, (_, high) => high), sample(3, () => 0n)]) {
  await conn.reducers.keep({ sample: wanted });
  same(conn.db.sample.id.find(wanted.id), wanted, `sample ${wanted.id}`);
}
const widest = 2n ** 256n - 1n;
for (const [one, what] of [
  [tables.sample.where((row) => row.widest.eq(widest)), 'u256'], [tables.sample.where((row) => row.vast.lt(0n)), 'i256'],
  [tables.sample.where((row) => row.huge.gt(2n ** 126n)), 'i128'], [tables.sample.where((row) => row.raw.eq(new Uint8Array([0, 255])).and(row.id.eq(1))), 'bytes'],
  [tables.sample.where((row) => row.who.eq(new sdk.Identity(widest))), 'an identity'],
  [tables.sample.where((row) => row.token.eq(new sdk.Uuid(2n ** 128n - 1n))), 'a UUID'],
  [tables.sample.where((row) => row.at.gt(new sdk.Timestamp(0n)).and(row.flag)), 'a time'],
  [tables.sample.where((row) => row.took.lt(new sdk.TimeDuration(-1n))), 'a duration'],
  [tables.sample.where((row) => row.maybe.eq('')), 'an option of a text'],
] as const) {
  same((await conn.query<Sample>(one)).length, 1, what);
}

// What was joined is ordered afterwards, and not twice joined.
for (const wrong of [
  () => tables.piece.limit(1).leftSemijoin(tables.remark, (piece, remark) => piece.name.eq(remark.text)),
  () => tables.piece.leftSemijoin(tables.remark.orderBy((row) => row.text), (piece, remark) => piece.name.eq(remark.text)),
  () => tables.piece.leftSemijoin(tables.shown, (one, two) => one.id.eq(two.id)).leftSemijoin(tables.remark, (one, two) => one.name.eq(two.text)),
]) await fails((async () => wrong())(), sdk.QueryError, 'join');
same(await query(tables.piece.rightSemijoin(tables.above({ size: 3 }), (one, two) => one.id.eq(two.id))), ["d'é\u{1F600}"], 'a joined view');

// A row of which a listener has been taken away is not told.
const silent = () => { throw new Error('nobody listens'); };
conn.db.remark.onDelete(silent);
conn.db.remark.removeOnDelete(silent);
conn.disconnect();
other.disconnect();
await fails(conn.reducers.ring({ text: 'x' }), sdk.ConnectionError, 'no connection');
console.log('holds');
