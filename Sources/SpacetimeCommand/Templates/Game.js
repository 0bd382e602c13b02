// The page. The client comes from the server, and learns from it which tables and reducers there are.
import { DbConnection } from '/client.js';

const find = (id) => document.getElementById(id);
const say = (text) => { find('state').textContent = text; };
const complain = (error) => { find('problem').textContent = error?.message ?? ''; };
const tokenKey = 'template-name token';
let me = null;

const conn = DbConnection.builder()
  .withUri(location.origin)
  .withDatabaseName('template-name')
  .withToken(localStorage.getItem(tokenKey) ?? undefined)
  .onConnect((conn, identity, token) => {
    localStorage.setItem(tokenKey, token);
    me = identity;
    say('connected');
    draw();
  })
  .onConnectError((_ctx, error) => say(error.message))
  .onDisconnect(() => say('the server is gone; trying again'))
  .build();

/** Runs `draw` once after however many changes. */
let isWaiting = false;
function changed() {
  if (isWaiting) return;
  isWaiting = true;
  requestAnimationFrame(() => { isWaiting = false; draw(); });
}
function follow(table) {
  table.onInsert(changed);
  table.onUpdate(changed);
  table.onDelete(changed);
}

/** Sends what was typed into a form. */
function onSubmit(id, call) {
  find(id).addEventListener('submit', async (event) => {
    event.preventDefault();
    const form = event.target;
    try {
      await call(Object.fromEntries(new FormData(form)));
      form.reset();
      complain(null);
    } catch (error) { complain(error); }
  });
}
function button(text, call) {
  const element = document.createElement('button');
  element.textContent = text;
  element.addEventListener('click', () => call().then(() => complain(null), complain));
  return element;
}
function item(...parts) {
  const element = document.createElement('li');
  element.append(...parts);
  return element;
}

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
