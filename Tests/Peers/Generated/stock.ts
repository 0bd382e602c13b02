// What users write against the code for the original's package. Lines behind "@ts-expect-error" must not compile.
import { and, DbConnection, not, or, reducers, tables } from './typescript/index';
import { Move } from './typescript/types';
import type { Player } from './typescript/types';
import type { SubmitMoveParams } from './typescript/types/reducers';
import type { TopScoresArgs, TopScoresResult } from './typescript/types/procedures';

const conn = DbConnection.builder()
  .withUri('ws://localhost:3000').withDatabaseName('game').withToken(undefined).withCompression('none')
  .onConnect((conn, identity, token) => {
    const text: string = identity.toHexString() + token;
    conn.subscriptionBuilder()
      .onApplied((ctx) => console.log(ctx.db.player.count() + 1n, text))
      .subscribe([tables.player.where((r) => r.name.eq('Ann')), 'SELECT * FROM score_entry']);
  })
  .onDisconnect((ctx, error) => console.log(ctx.isActive, error?.message))
  .build();

conn.db.player.onInsert((ctx, row) => console.log(ctx.event.tag, row.name, row.joinedAt.toDate()));
conn.db.player.onUpdate((_ctx, old, row) => console.log(old.name, row.motto ?? 'none'));
const ann: Player | null = conn.db.player.name.find('Ann');
const first = conn.db.player.id.find(1n);
for (const entry of conn.db.scoreEntry.byPlayer.filter(7n)) {
  if (entry.lastMove.tag === 'Place') console.log(entry.lastMove.value.x);
}
// @ts-expect-error: not an index
conn.db.player.name.filter('Ann');
// @ts-expect-error: not a unique column
conn.db.player.motto.find('x');
// @ts-expect-error: a bigint
conn.db.player.id.find(1);
conn.db.myPlayer.onUpdate((_ctx, _old, _row) => {});

const move: Move = Move.Say('gg');
const place = Move.Place({ x: 1, y: 2 });
const pass: Move = Move.Pass;
const params: SubmitMoveParams = { playerId: 7n, move };
await conn.reducers.submitMove(params);
await conn.reducers.submitMove({ playerId: 7n, move: place });
// @ts-expect-error: no such parameter
await conn.reducers.submitMove({ playerId: 7n, move: pass, extra: 1 });
const args: TopScoresArgs = { limit: 3 };
const scores: TopScoresResult = await conn.procedures.topScores(args);
console.log(scores[0].points + 1, ann?.motto, first?.id);

const joined = tables.player.leftSemijoin(tables.scoreEntry, (a, b) => a.id.eq(b.playerId));
conn.subscriptionBuilder().subscribe((tables) => tables.player.where((r) => and(r.id.gt(1n), or(r.name.eq('a'), not(r.name.eq('b'))))));
console.log(joined.toSql(), reducers.submitMove);
