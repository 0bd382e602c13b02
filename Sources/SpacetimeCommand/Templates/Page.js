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

