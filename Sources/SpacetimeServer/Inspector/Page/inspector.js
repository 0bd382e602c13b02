// The frame: who looks at which database, and which part is shown.

import { Calls } from "./calls.js";
import { Client, identityText } from "./connection.js";
import { Clients } from "./clients.js";
import { Logs } from "./logs.js";
import { Metrics } from "./metrics.js";
import { Picture } from "./picture.js";
import { Schedules } from "./schedules.js";
import { Schema } from "./schema.js";
import { SQL } from "./sql.js";
import { Tables } from "./tables.js";
import { $, element, heading, note } from "./values.js";

const kinds = { tables: Tables, sql: SQL, calls: Calls, clients: Clients, schedules: Schedules, log: Logs, metrics: Metrics, schema: Picture };

/** What the parts share. */
class App {
  client;
  schema;
  owner;
  isOwner = false;
}

let app = null, parts = {}, shown = null;

// MARK: Signing in

/** A link may bring both along behind the `#`, which is sent to nobody; they do not stay in the address. */
function given() {
  const link = new URLSearchParams(location.hash.slice(1));
  if (link.has("database")) {
    sessionStorage.setItem("inspector.database", link.get("database"));
    sessionStorage.setItem("inspector.token", link.get("token") ?? "");
    history.replaceState(null, "", location.pathname);
  }
  return { database: sessionStorage.getItem("inspector.database"), token: sessionStorage.getItem("inspector.token") ?? "" };
}

function askWho(problem) {
  $("sidebar").hidden = true;
  $("content").replaceChildren();
  $("sign-in").hidden = false;
  $("database").value = sessionStorage.getItem("inspector.database") ?? "";
  $("sign-in-problem").textContent = problem ?? "";
  $("sign-in-problem").hidden = !problem;
  $($("database").value ? "token" : "database").focus();
}

async function open({ database, token }) {
  const next = new App();
  next.client = new Client(database, token, (state) => connectionChanged(next, state));
  try {
    const [info, schema] = await Promise.all([
      next.client.json(next.client.path()), next.client.json(next.client.path("/schema?version=10")),
    ]);
    next.owner = identityText(info.owner_identity);
    next.schema = new Schema(schema);
  } catch (error) {
    return askWho(error.message);
  }
  sessionStorage.setItem("inspector.database", database);
  sessionStorage.setItem("inspector.token", token);
  app = next;
  $("sign-in").hidden = true;
  document.title = `${database} · Inspector`;
  $("status").textContent = "Connecting …";
  app.client.retryNow();
}

$("sign-in").onsubmit = (event) => {
  event.preventDefault();
  open({ database: $("database").value.trim(), token: $("token").value.trim() });
};

$("leave").onclick = () => {
  parts[shown]?.hide();
  app?.client.close();
  app = null;
  sessionStorage.removeItem("inspector.token");
  $("token").value = "";
  history.replaceState(null, "", location.pathname);
  askWho();
};

// MARK: The connection

let countdown = null;

function connectionChanged(whose, { online, retryIn }) {
  if (whose !== app) return;
  clearInterval(countdown);
  document.body.classList.toggle("online", online);
  if (online) {
    $("status").textContent = "Connected";
    const isOwner = app.client.identity === app.owner;
    if ($("sidebar").hidden || isOwner !== app.isOwner) {
      app.isOwner = isOwner;
      begin();
    }
    return;
  }
  const due = Date.now() + retryIn;
  const retry = element("button", { class: "plain", onclick: () => app.client.retryNow() }, "Now");
  const seconds = element("span", { "aria-hidden": "true" });
  $("status").replaceChildren("No connection, trying again ", seconds, retry);
  const tick = () => { seconds.textContent = `in ${Math.max(0, Math.ceil((due - Date.now()) / 1000))} s `; };
  tick();
  countdown = setInterval(tick, 500);
}

// MARK: Parts

function begin() {
  parts = {};
  for (const [name, Kind] of Object.entries(kinds)) {
    const part = new Kind(app);
    if (app.isOwner || !part.isForOwner) parts[name] = part;
  }
  $("parts").replaceChildren(...Object.entries(parts).map(([name, part]) =>
    element("li", {}, element("a", { href: `#${name}`, "data-part": name }, part.title))));
  $("role").replaceChildren(
    element("b", {}, app.client.database), element("span", { class: app.isOwner ? "good" : "dim" }, app.isOwner ? "as its owner" : "read only"));
  $("sidebar").hidden = false;
  show();
}

function show() {
  if (!app || $("sidebar").hidden) return;
  const name = location.hash.slice(1) in parts ? location.hash.slice(1) : Object.keys(parts)[0];
  parts[shown]?.hide();
  shown = name;
  for (const link of $("parts").querySelectorAll("a")) {
    if (link.dataset.part === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  $("content").replaceChildren();
  try {
    parts[name].show($("content"));
  } catch (error) {
    $("content").append(heading(parts[name].title), note(`This page cannot show it: ${error.message}`, "problem"));
    throw error;
  }
}

addEventListener("hashchange", () => {
  // A link to another database may be opened in the same tab.
  if (location.hash.includes("database=")) { app?.client.close(); $("sidebar").hidden = true; open(given()); } else show();
});

const first = given();
if (first.database) open(first); else askWho();
