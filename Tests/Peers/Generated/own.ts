// What users write against the code for our own client. Lines behind "@ts-expect-error" must not compile.
import { DbConnection, Move, tables } from './own-typescript/index.ts';
import type { Player, ScoreEntry, SubmitMoveParams } from './own-typescript/index.ts';

const conn = DbConnection.builder().withUri('ws://localhost:3000').withDatabaseName('game').build();
conn.db.player.onInsert((_ctx, row) => console.log(row.name));
conn.db.player.onUpdate((_ctx, old, row) => console.log(old.name, row.motto ?? 'none'));
const ann: Player | null | undefined = conn.db.player.name.find('Ann');
const entries: Iterable<ScoreEntry> = conn.db.scoreEntry.byPlayer.filter(7n);
// @ts-expect-error: a bigint
conn.db.player.id.find('1');
const params: SubmitMoveParams = { playerId: 7n, move: { tag: 'Place', value: { x: 1, y: 2 } } };
await conn.reducers.submitMove(params);
await conn.reducers.submitMove({ playerId: 7n, move: Move.Say('gg') });
// @ts-expect-error: a parameter is missing
await conn.reducers.submitMove({ playerId: 7n });
const scores: ScoreEntry[] = await conn.procedures.topScores({ limit: 3 });
conn.subscriptionBuilder().subscribe(tables.player.where((r) => r.name.eq('Ann')));
console.log(ann?.joinedAt, [...entries].length, scores.length);
conn.subscriptionBuilder().subscribe([tables.scoresAbove({ points: 5 }), tables.scoresAbove({ points: 5, playerId: 7n })]);
const better: Iterable<ScoreEntry> = conn.db.scoresAbove.iter();
// @ts-expect-error: an argument is missing
tables.scoresAbove({ playerId: 7n });
// @ts-expect-error: it has to be called
tables.scoresAbove.where((r) => r.points.gt(5));
console.log(better);
