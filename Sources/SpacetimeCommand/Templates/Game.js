const size = 20;
const steps = { ArrowUp: 'Up', ArrowDown: 'Down', ArrowLeft: 'Left', ArrowRight: 'Right' };
conn.subscriptionBuilder().subscribe((tables) => [tables.player, tables.coin]);
follow(conn.db.player);
follow(conn.db.coin);
addEventListener('keydown', (event) => {
  const tag = steps[event.key];
  if (!tag) return;
  event.preventDefault();
  conn.reducers.move({ direction: { tag } }).then(() => complain(null), complain);
});

function draw() {
  const canvas = find('field');
  const pen = canvas.getContext('2d');
  const step = canvas.width / size;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  const disc = (x, y, radius, color) => {
    pen.beginPath();
    pen.arc((x + 0.5) * step, (y + 0.5) * step, radius * step, 0, 2 * Math.PI);
    pen.fillStyle = color;
    pen.fill();
  };
  for (const coin of conn.db.coin.iter()) disc(coin.x, coin.y, 0.2, 'goldenrod');
  const players = [...conn.db.player.iter()].filter((player) => player.isOnline);
  for (const player of players) disc(player.x, player.y, 0.4, player.identity.isEqual(me) ? 'crimson' : 'steelblue');
  const best = players.sort((one, other) => other.score - one.score);
  find('scores').replaceChildren(...best.map((player) => item(
    `${player.identity.isEqual(me) ? 'you' : player.identity.toHexString().slice(-6)}: ${player.score}`,
  )));
}
