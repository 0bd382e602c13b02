// The page: what is known, and how it is shown. Texts of users are only ever set as text, never as markup.

import { DbConnection, Identity } from "/client.js";

const $ = (id) => document.getElementById(id);
const pageSize = 100;
const dayName = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const clockTime = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

// MARK: What is known

// Users and rooms are the connection's rows. Messages are kept here, since earlier ones that somebody asked for are among them.
let messages = new Map();     // of the room that is shown, by id
let hasEarlier = false;
let room = localStorage.getItem("chat.room") ?? "lobby";
/** How many messages of each room this user has seen. */
const seen = JSON.parse(localStorage.getItem("chat.seen") ?? "{}");
/** The newest messages of the room, as they are at any time. */
let newest = null;

const conn = DbConnection.builder().withDatabaseName("chat").withTokenIn(localStorage, "chat.token").onStateChange(showState).build();

const identityOf = () => conn.identity?.toHexString();
const user = ({ identity, name, isOnline }) => ({ identity: identity.toHexString(), name, isOnline });
const rowOf = (unique, value) => unique?.find(value) ?? null;
/** A name that nobody chose: the end of the identity. */
const isGuest = (identity, name) => identity.endsWith(name);
function me() {
  const row = conn.identity ? rowOf(conn.db.user.identity, conn.identity) : null;
  return row ? user(row) : null;
}
const roomNamed = (name) => rowOf(conn.db.room.name, name);

function message({ id, sender, author, sent, text }) {
  return { id: Number(id), sender: sender.toHexString(), author, sent: Number(sent.toMillis()), text };
}

const due = new Set();

/** Draws a part of the page once, however many rows have changed. */
function soon(draw) {
  if (!due.size) queueMicrotask(() => { const all = [...due]; due.clear(); for (const one of all) one(); });
  due.add(draw);
}

function followEverybody() {
  conn.subscriptionBuilder().onApplied(() => {
    if (me() && isGuest(identityOf(), me().name) && !sessionStorage.getItem("chat.asked")) askForName();
  }).subscribe((tables) => [tables.user, tables.room]);
  for (const event of ["onInsert", "onUpdate", "onDelete"]) {
    conn.db.user[event](() => { soon(showPeople); soon(showNames); });
    conn.db.room[event](() => soon(roomsChanged));
  }
}

function roomsChanged() {
  // A room may be gone, with the whole database, when the server comes back.
  if (!roomNamed(room) && roomNamed("lobby")) return enter("lobby");
  markSeen();
  showRooms();
}

/** Follows the newest messages of the room. Earlier ones are asked for when somebody wants them. */
function followRoom() {
  newest?.unsubscribe();
  const live = newest = conn.liveQuery((tables) => inRoom(tables).limit(pageSize));
  live.onChange((rows, { inserted }) => {
    if (live !== newest) return;
    // If nothing that was shown is among them, what is between is not known.
    const isAnew = inserted.length === rows.length;
    if (isAnew) {
      messages = new Map();
      hasEarlier = rows.length === pageSize;
    }
    // A message that goes from these rows has only left the newest hundred.
    for (const row of inserted) messages.set(Number(row.id), message(row));
    markSeen();
    showMessages({ all: isAnew });
  });
}

const inRoom = (tables) => tables.message.where((row) => row.room.eq(room)).orderBy((row) => row.id.desc());

function markSeen() {
  const shown = document.hidden ? null : roomNamed(room);
  if (!shown) return;
  seen[room] = shown.messageCount;
  localStorage.setItem("chat.seen", JSON.stringify(seen));
}

function enter(name) {
  if (name !== room) {
    room = name;
    localStorage.setItem("chat.room", room);
    messages = new Map();
    hasEarlier = false;
  }
  followRoom();
  markSeen();
  showRooms();
  showMessages({ all: true });
  openMenu(false);
}

// MARK: Rooms and people

function element(kind, attributes = {}, ...children) {
  const made = document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) {
    if (value != null && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

function showRooms() {
  const focused = document.activeElement?.dataset?.room;
  const sorted = conn.db.room.rows().sort((one, other) =>
    (other.name === "lobby") - (one.name === "lobby") || one.name.localeCompare(other.name));
  $("rooms").replaceChildren(...sorted.map(({ name, messageCount }) => {
    const unread = name === room ? 0 : Math.max(0, messageCount - (seen[name] ?? 0));
    const button = element("button", { "aria-current": name === room && "page", "data-room": name },
      element("span", { class: "name" }, name),
      unread ? element("span", { class: "badge" }, unread > 99 ? "99+" : `${unread}`,
        element("span", { class: "hidden" }, " unread")) : null);
    button.onclick = () => { enter(name); $("text").focus(); };
    return element("li", {}, button);
  }));
  if (focused != null) document.querySelector(`[data-room="${CSS.escape(focused)}"]`)?.focus();
  $("room-title").textContent = room;
  $("text").placeholder = `Message to ${room}`;
  document.title = `${room} · Chat`;
}

function hue(identity) { return parseInt(identity.slice(-6), 16) % 360; }

function avatar(identity, name) {
  const initials = [...name.trim()].slice(0, 1).join("").toUpperCase();
  const made = element("span", { class: "avatar", "aria-hidden": "true" }, initials || "?");
  made.style.setProperty("--hue", hue(identity));
  return made;
}

function showPeople() {
  const users = conn.db.user.rows().map(user);
  const named = users.filter(({ identity, name }) => identity === identityOf() || !isGuest(identity, name));
  const guests = users.filter((one) => one.isOnline && !named.includes(one)).length;
  named.sort((one, other) => other.isOnline - one.isOnline || one.name.localeCompare(other.name));
  $("people").replaceChildren(...named.map(({ identity, name, isOnline }) =>
    element("li", { class: isOnline ? "online" : "offline" },
      avatar(identity, name),
      element("span", { class: "name" }, name, identity === identityOf() ? element("small", {}, " you") : null),
      element("span", { class: "hidden" }, isOnline ? ", here" : ", away"))),
    ...(guests ? [element("li", { class: "guests" }, guests === 1 ? "and a guest" : `and ${guests} guests`)] : []));
  const count = named.filter((one) => one.isOnline).length + guests;
  $("people-count").textContent = `${count} here`;

  const mine = me();
  $("me").replaceChildren(...(mine ? [
    avatar(mine.identity, mine.name), element("span", { class: "name" }, mine.name),
    element("span", { class: "hint" }, "Change name"),
  ] : []));
}

// MARK: Messages

/** A text with its addresses as links. */
function linked(text) {
  return text.split(/(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}'])/).map((part, at) =>
    at % 2 ? element("a", { href: part, rel: "noopener noreferrer", target: "_blank" }, part) : part);
}

const userWith = (identity) => rowOf(conn.db.user.identity, Identity.fromString(identity));
const authorOf = ({ sender, author }) => userWith(sender)?.name ?? author;
const dayOf = ({ sent }) => new Date(sent).toDateString();

function messageItem(one, before) {
  const isNewDay = !before || dayOf(before) !== dayOf(one);
  const isFollowUp = !isNewDay && before.sender === one.sender && one.sent - before.sent < 300_000;
  const time = new Date(one.sent);
  const item = element("li", { class: [
    isFollowUp ? "follow-up" : "", one.sender === identityOf() ? "mine" : ""].join(" ").trim() || null,
    "data-id": one.id, "data-sender": one.sender, "data-day": isNewDay ? dayName.format(time) : null },
    isFollowUp ? null : avatar(one.sender, authorOf(one)),
    element("div", { class: "head" },
      element("strong", {}, authorOf(one)),
      element("time", { datetime: time.toISOString(), title: time.toLocaleString() }, clockTime.format(time))),
    element("p", {}, ...linked(one.text)));
  return item;
}

const isAtEnd = () => $("scroll").scrollHeight - $("scroll").scrollTop - $("scroll").clientHeight < 60;
let rowsShown = "";

/** Shows the messages: those that came are added, so that a screen reader reads them; `all` draws everything again. */
function showMessages({ all = false, keepPlace = false } = {}) {
  const list = $("messages");
  const sorted = [...messages.values()].sort((one, other) => one.id - other.id);
  const wasAtEnd = isAtEnd();
  const fromEnd = $("scroll").scrollHeight - $("scroll").scrollTop;
  const shown = list.childElementCount;
  const lastShown = Number(list.lastElementChild?.dataset.id ?? -1);
  const isAddition = !all && rowsShown === room && sorted.length >= shown && sorted[shown - 1]?.id === (shown ? lastShown : undefined);
  if (isAddition) {
    for (let at = shown; at < sorted.length; at++) list.append(messageItem(sorted[at], sorted[at - 1]));
  } else {
    // Not to be read aloud as a whole.
    list.setAttribute("aria-live", "off");
    list.replaceChildren(...sorted.map((one, at) => messageItem(one, sorted[at - 1])));
    requestAnimationFrame(() => list.setAttribute("aria-live", "polite"));
  }
  const isOtherRoom = rowsShown !== room;
  rowsShown = room;
  $("empty").hidden = sorted.length > 0 || !newest?.isReady;
  $("earlier").hidden = !hasEarlier;
  if (keepPlace) $("scroll").scrollTop = $("scroll").scrollHeight - fromEnd;
  else if (wasAtEnd || isOtherRoom) $("scroll").scrollTop = $("scroll").scrollHeight;
  else if (isAddition && sorted.length > shown) $("newest").hidden = false;
}

/** Somebody took another name: it stands over what they said before, too. */
function showNames() {
  for (const item of $("messages").children) {
    const known = userWith(item.dataset.sender);
    const name = item.querySelector("strong");
    if (!known || name.textContent === known.name) continue;
    name.textContent = known.name;
    item.querySelector(".avatar")?.replaceWith(avatar(item.dataset.sender, known.name));
  }
}

async function showEarlier() {
  const first = Math.min(...messages.keys()), asked = room;
  await attempt(async () => {
    const rows = await conn.query((tables) => inRoom(tables).where((row) => row.id.lt(first)).limit(pageSize));
    if (asked !== room) return;
    for (const row of rows) messages.set(Number(row.id), message(row));
    hasEarlier = rows.length === pageSize;
    showMessages({ all: true, keepPlace: true });
  });
}

// MARK: The connection

let countdown = null;

function showState({ status: what, retryIn }) {
  // What is said of the lost connection stays until there is another.
  if (what === "connecting") return;
  clearInterval(countdown);
  const online = what === "online";
  document.body.classList.toggle("online", online);
  $("send").disabled = !online;
  const status = $("status");
  if (online) {
    status.textContent = "Connected";
    // It may be somebody else, if the server did not know the one before.
    for (const draw of [roomsChanged, showPeople, showNames]) soon(draw);
    return;
  }
  const due = Date.now() + retryIn;
  const retry = element("button", { class: "plain" }, "Now");
  retry.onclick = () => conn.reconnectNow();
  status.replaceChildren("Connection lost, trying again ", retry);
  // The seconds are for the eye only: a screen reader would read each.
  const seconds = element("span", { "aria-hidden": "true" });
  retry.before(seconds);
  const count = () => { seconds.textContent = `in ${Math.max(0, Math.ceil((due - Date.now()) / 1000))} s `; };
  count();
  countdown = setInterval(count, 500);
}

let problemTimer = null;

function showProblem(text) {
  clearTimeout(problemTimer);
  $("problem").textContent = text;
  $("problem").hidden = !text;
  if (text) problemTimer = setTimeout(() => showProblem(""), 6000);
}

async function attempt(action) {
  try {
    await action();
    return true;
  } catch (error) {
    showProblem(error.message);
    return false;
  }
}

// MARK: What people do

function fitText() {
  $("text").style.height = "auto";
  $("text").style.height = `${Math.min($("text").scrollHeight, 160)}px`;
}

$("composer").onsubmit = async (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text || !conn.isActive) return;
  $("text").value = "";
  fitText();
  $("scroll").scrollTop = $("scroll").scrollHeight;
  const sent = await attempt(() => conn.reducers.send({ room, text }));
  // Nothing that somebody wrote is lost.
  if (!sent && !$("text").value) $("text").value = text;
  fitText();
};

$("text").oninput = fitText;
$("text").onkeydown = (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("composer").requestSubmit();
  }
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") openMenu(false);
  if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  event.preventDefault();
  const names = [...$("rooms").querySelectorAll("[data-room]")].map((button) => button.dataset.room);
  const at = names.indexOf(room) + (event.key === "ArrowDown" ? 1 : -1);
  if (names.length) enter(names[(at + names.length) % names.length]);
});

$("new-room").onsubmit = async (event) => {
  event.preventDefault();
  const name = $("room-name").value.trim();
  if (!name) return;
  const opened = roomNamed(name) || await attempt(() => conn.reducers.open({ room: name }));
  if (!opened) return;
  $("room-name").value = "";
  enter(name);
  $("text").focus();
};

$("earlier").onclick = showEarlier;
$("newest").onclick = () => { $("scroll").scrollTo({ top: $("scroll").scrollHeight }); };
$("scroll").onscroll = () => { if (isAtEnd()) $("newest").hidden = true; };

function openMenu(isOpen) {
  document.body.classList.toggle("menu", isOpen);
  $("menu").setAttribute("aria-expanded", String(isOpen));
}
$("menu").onclick = () => openMenu(!document.body.classList.contains("menu"));
document.querySelector("main").addEventListener("click", (event) => {
  if (!$("menu").contains(event.target)) openMenu(false);
});

document.addEventListener("visibilitychange", () => { markSeen(); showRooms(); });

function askForName() {
  const mine = me();
  $("name").value = mine && !isGuest(mine.identity, mine.name) ? mine.name : "";
  $("name-problem").hidden = true;
  $("name-dialog").showModal();
}
$("me").onclick = askForName;
$("name-later").onclick = () => $("name-dialog").close();
$("name-dialog").onclose = () => { sessionStorage.setItem("chat.asked", "yes"); $("text").focus(); };
$("name-take").onclick = async (event) => {
  const name = $("name").value.trim();
  if (!name) return;
  event.preventDefault();
  try {
    await conn.reducers.rename({ name });
    $("name-dialog").close();
  } catch (error) {
    $("name-problem").textContent = error.message;
    $("name-problem").hidden = false;
    $("name").focus();
  }
};

$("status").textContent = "Connecting …";
showRooms();
followEverybody();
followRoom();
