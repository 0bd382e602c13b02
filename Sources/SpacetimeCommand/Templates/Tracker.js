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

const words = { Open: 'open', UnderWay: 'under way', Done: 'done' };
conn.subscriptionBuilder().subscribe((tables) => [tables.issue, tables.remark]);
follow(conn.db.issue);
follow(conn.db.remark);
onSubmit('open', ({ title }) => conn.reducers.open({ title }));

function draw() {
  const issues = [...conn.db.issue.iter()].sort((one, other) => Number(one.id - other.id));
  const remarks = [...conn.db.remark.iter()].sort((one, other) => Number(one.id - other.id));
  find('issues').replaceChildren(...issues.map((issue) => {
    const { id, progress, assignee } = issue;
    const actions = [];
    if (progress.tag === 'Open') actions.push(button('Take', () => conn.reducers.take({ id })));
    if (progress.tag === 'UnderWay' && assignee?.isEqual(me)) actions.push(button('Finish', () => conn.reducers.finish({ id })));
    if (progress.tag === 'Done') actions.push(button('Archive', () => conn.reducers.archive({ id })));
    actions.push(button('Remark', async () => {
      const text = prompt('What is there to say?');
      if (text) await conn.reducers.remark({ issue: id, text });
    }));
    const said = remarks.filter((remark) => remark.issue === id).map((remark) => item(remark.text));
    const list = document.createElement('ul');
    list.append(...said);
    return item(`#${id} ${issue.title} (${words[progress.tag]}) `, ...actions, list);
  }));
}
