// What TypeScript makes of the client's types. The first part is what a generated file looks like; the second is written on it. It is
// only checked: each line behind @ts-expect-error must be refused, every other one accepted.

import * as sdk from "../../../Sources/SpacetimeServer/Client/Library/client.js";
import { createHooks } from "../../../Sources/SpacetimeServer/Client/Library/react.js";
const { t, table, reducer, procedure } = sdk;

export interface Cell { x: number; y: number }
export const Cell: sdk.Type<Cell> = t.object("Cell", { x: t.i32(), y: t.i32() });
export type Move = { tag: "Pass" } | { tag: "Place"; value: Cell } | { tag: "Say"; value: string };
export const Move: sdk.EnumType<Move> = t.enum("Move", { Pass: t.unit(), get Place() { return Cell; }, Say: t.string() });
export interface Player { id: bigint; name: string; joinedAt: sdk.Timestamp; motto?: string | undefined }
export const Player: sdk.Type<Player> = t.object("Player", {
  id: t.u64(), name: t.string(), joinedAt: t.timestamp(), motto: t.option(t.string()),
});
export interface ScoreEntry { id: bigint; playerId: bigint; points: number; lastMove: Move }
export const ScoreEntry: sdk.Type<ScoreEntry> = t.object("ScoreEntry", {
  id: t.u64(), playerId: t.u64(), points: t.i32(), get lastMove() { return Move; },
});
export interface Tree { value: number; children: Tree[] }
export const Tree: sdk.Type<Tree> = t.object("Tree", { value: t.i32(), get children() { return t.array(Tree); } });
export type Never = never;
export const Never: sdk.EnumType<Never> = t.enum("Never", {});
export interface Everything {
  bool: boolean; big: bigint; huge: bigint; bytes: Uint8Array; list: string[]; nested: { some: number | undefined } | undefined;
  result: { ok: number } | { err: string }; who: sdk.Identity; connection: sdk.ConnectionId; length: sdk.TimeDuration; uuid: sdk.Uuid;
  at: sdk.ScheduleAt; nothing: {}; maybe?: Cell | undefined;
}
export const Everything: sdk.Type<Everything> = t.object("Everything", {
  bool: t.bool(), big: t.i64(), huge: t.u256(), bytes: t.byteArray(), list: t.array(t.string()), nested: t.option(t.option(t.u8())),
  result: t.result(t.u8(), t.string()), who: t.identity(), connection: t.connectionId(), length: t.timeDuration(), uuid: t.uuid(),
  at: t.scheduleAt(), nothing: t.unit(), get maybe() { return t.option(Cell); },
});
export interface SubmitMoveParams { playerId: bigint; move: Move; note?: string | undefined }
export interface TopScoresArgs { limit: number }
export type TopScoresResult = ScoreEntry[];

export const module = sdk.defineModule({
  tables: {
    player: table("player", Player, { primaryKey: "id", unique: ["id", "name"], names: { joinedAt: "joined_at" } }),
    scoreEntry: table("score_entry", ScoreEntry, {
      primaryKey: "id", unique: ["id"], indexes: { byPlayer: ["playerId"], byBoth: ["playerId", "points"] },
      names: { playerId: "player_id", lastMove: "last_move" },
    }),
    everything: table("everything", Everything),
    "lib.users": table("lib.users", Player),
    above: table("above", ScoreEntry, { parameters: { points: t.i32(), name: t.option(t.string()), get move() { return Move; } } }),
  },
  reducers: {
    submitMove: reducer<SubmitMoveParams>("submit_move", {
      playerId: t.u64(), get move() { return Move; }, note: t.option(t.string()),
    }),
    tick: reducer("tick", {}),
  },
  procedures: { topScores: procedure<TopScoresArgs, TopScoresResult>("top_scores", { limit: t.u32() }, t.array(ScoreEntry)) },
});
type Module = typeof module;
export type DbConnection = sdk.DbConnection<Module>;
export const DbConnection = { builder: (): sdk.DbConnectionBuilder<Module> => sdk.DbConnection.builder(module) };
export type EventContext = sdk.EventContext<Module>;
export const tables = sdk.queryTables(module);
export const reducers = module.reducers;
export const procedures = module.procedures;
export const { and, or, not } = sdk;

// What users write.

const conn: DbConnection = DbConnection.builder().withUri("ws://127.0.0.1:3000").withDatabaseName("game").withToken(undefined)
  .withCompression("none").withConfirmedReads(true)
  .onConnect((conn, identity, token) => { const text: string = identity.toHexString() + token; conn.db.player.count(); void text; })
  .onConnectError((context, error) => { void context.event; void error.message; })
  .onDisconnect((context, error) => { void context.identity; void error?.message; })
  .build();

conn.subscriptionBuilder().onApplied((context) => { context.db.player.iter(); }).onError((_, error) => { void error.message; })
  .subscribe(tables.player.where((row) => row.name.eq("Ann")));
conn.subscriptionBuilder().subscribe(["SELECT * FROM player", tables.scoreEntry]);
conn.subscriptionBuilder().subscribe((tables) => tables.player.where((row) => or(row.name.eq("Ann"), not(row.id.lt(5n)))));
conn.subscriptionBuilder().subscribe((tables) => [tables.player, tables.lib.users]);
conn.subscriptionBuilder().subscribeToAllTables().unsubscribeThen((context) => { void context.event; });
tables.player.leftSemijoin(tables.scoreEntry, (player, score) => player.id.eq(score.playerId)).toSql();
tables.scoreEntry.where((row) => and(row.points.between(1, 5), row.points.in([1, 2]))).orderBy((row) => row.points.desc()).limit(3);
tables.everything.where((row) => row.bool);
tables.above({ points: 5, move: Move.Pass }).where((row) => row.points.gt(1)).orderBy((row) => row.points);
tables.above({ points: 5, move: Move.Pass, name: "Ann" });
conn.db.above.onInsert((_, row) => { void row.points; });
// @ts-expect-error: an argument is missing
tables.above({ points: 5 });
// @ts-expect-error: an argument of another type
tables.above({ points: "5", move: Move.Pass });
// @ts-expect-error: a view with parameters is no query by itself
tables.above.where((row) => row.points.gt(1));

const found: Player | null = conn.db.player.name.find("Ann");
const scores: ScoreEntry[] = conn.db.scoreEntry.byPlayer.filter(7n);
conn.db.scoreEntry.byBoth.filter([7n, 3]);
conn.db.scoreEntry.byBoth.filter([7n]);
const count: bigint = conn.db.player.count();
for (const { name, motto } of conn.db.player) void [name.length, motto?.length];
conn.db.player.onInsert((context, row) => { if (context.event.tag === "Reducer") void context.event.value.reducer.name; void row.joinedAt.toDate(); });
conn.db.player.onUpdate((_, old, row) => old.id === row.id);
void [found, scores, count];

const done: Promise<void> = conn.reducers.submitMove({ playerId: 7n, move: Move.Say("gg") });
conn.reducers.submitMove({ playerId: 7n, move: Move.Pass, note: "!" });
conn.reducers.submitMove({ playerId: 7n, move: { tag: "Place", value: { x: 1, y: 2 } } });
conn.reducers.tick();
conn.reducers.tick({});
const top: Promise<ScoreEntry[]> = conn.procedures.topScores({ limit: 3 });
void [done, top];

const live = conn.liveQuery(tables.player.orderBy((row) => row.name).limit(3), { onChange: (rows) => { const first: Player | undefined = rows[0]; void first; } });
const names: string[] = live.rows.map((row) => row.name);
const counts = conn.liveQuery("SELECT points, COUNT(*) AS n FROM score_entry GROUP BY points", { row: { points: t.i32(), n: t.u64() }, primaryKey: "points" });
const total: bigint = counts.rows.reduce((sum, row) => sum + row.n, 0n);
conn.query(tables.player).then((rows) => rows[0]?.name.length);
void [names, total];

// What is inferred where nothing is declared.
const Point = t.object("Point", { x: t.f64(), y: t.f64() });
const point: sdk.Infer<typeof Point> = { x: 1, y: 2 };
void point;

// A module of which nothing is known.
const other = sdk.DbConnection.builder().withDatabaseName("chat").build();
other.reducers.send({ room: "lobby", text: "hello" });
other.db.message.onInsert((_: unknown, row: any) => row.text);
other.subscriptionBuilder().subscribe((tables) => tables.message);

// Hooks.
declare const React: any;
const { useTable, useReducer, useProcedure, useConnectionState } = createHooks<Module>(React);
const [rows, isReady] = useTable(tables.player);
const first: Player | undefined = rows[0];
const submit = useReducer(reducers.submitMove);
submit({ playerId: 1n, move: Move.Pass });
const ask = useProcedure(procedures.topScores);
ask({ limit: 3 }).then((scores) => scores[0]?.points);
void [first, isReady, useConnectionState().status];

// @ts-expect-error: a number is no text
tables.player.where((row) => row.name.eq(5));
// @ts-expect-error: there is no such column
tables.player.where((row) => row.nam.eq("Ann"));
// @ts-expect-error: the column is not unique
conn.db.player.motto.find("x");
// @ts-expect-error: the key is a bigint
conn.db.player.id.find(7);
// @ts-expect-error: the index has two columns
conn.db.scoreEntry.byBoth.filter([7n, 3, 4]);
// @ts-expect-error: there is no such table
conn.db.players;
// @ts-expect-error: an argument is missing
conn.reducers.submitMove({ playerId: 7n });
// @ts-expect-error: arguments are missing
conn.reducers.submitMove();
// @ts-expect-error: there is no such case
conn.reducers.submitMove({ playerId: 7n, move: { tag: "Jump" } });
// @ts-expect-error: the case has a value
Move.Say();
// @ts-expect-error: there is no such reducer
conn.reducers.submitMoves({});
// @ts-expect-error: the type has other fields
export const Wrong: sdk.Type<Cell> = t.object("Cell", { x: t.i32(), y: t.string() });
// @ts-expect-error: there is no such property
table("player", Player, { primaryKey: "ident" });
// @ts-expect-error: what is missing may not be there
live.rows[0].motto.length;
// @ts-expect-error: rows are not changed here
live.rows.push(point);
// @ts-expect-error: the hook's reducer takes these arguments
submit({ playerId: 1 });
