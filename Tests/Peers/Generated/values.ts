// Generated code at work: what its types make of values, and of bytes.
import * as game from './Game/own-typescript/index.ts';
import * as everything from './Everything/own-typescript/index.ts';

function same(one: unknown, other: unknown) {
  const text = (value: unknown) => JSON.stringify(value, (_key, part) => typeof part === 'bigint' ? `${part}n` : part);
  if (text(one) !== text(other)) throw new Error(`${text(one)} is not ${text(other)}`);
}
const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

same(hex(game.Move.encode(game.Move.Say('gg'))), '02020000006767');
same(hex(game.Move.encode(game.Move.Pass)), '00');
same(hex(game.Move.encode(game.Move.Place({ x: 1, y: -1 }))), '0101000000ffffffff');
const entry: game.ScoreEntry = { id: 1n, playerId: 7n, points: -2, lastMove: { tag: 'Place', value: { x: 3, y: 4 } } };
same(game.ScoreEntry.decode(game.ScoreEntry.encode(entry)), entry);
const tree: everything.ShapesTree = { value: 1, children: [{ value: 2, children: [] }] };
same(everything.ShapesTree.decode(everything.ShapesTree.encode(tree)), tree);
const expression: everything.Expr = { tag: 'Sum', value: [{ tag: 'Leaf', value: 5n }, everything.Expr.Default] };
same(everything.Expr.decode(everything.Expr.encode(expression)), expression);
console.log('holds');
