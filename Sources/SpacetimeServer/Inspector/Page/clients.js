// Who is connected, what is watched, and what that costs.

import { identityText } from "./connection.js";
import { bytes, count, element, heading, note, plural, rowKey } from "./values.js";

export class Clients {
  title = "Clients";
  #app;
  #timers = [];

  constructor(app) { this.#app = app; }

  show(content) {
    const body = element("tbody"), status = element("p", { class: "dim", role: "status" });
    content.append(heading("Clients"),
      element("div", { class: "grid", tabindex: 0, role: "region", "aria-label": "Clients" },
        element("table", {}, element("thead", {}, element("tr", {},
          ["Identity", "Connection"].map((name) => element("th", { scope: "col" }, name)))), body)), status);
    if (this.#app.isOwner) content.append(...this.#costs());
    let before = "";
    const ask = async () => {
      if (!this.#app.client.isOnline) return;
      try {
        const rows = await this.#app.client.query("SELECT * FROM st_client");
        const text = rowKey(rows);
        if (text === before) return;
        before = text;
        body.replaceChildren(...rows.map(({ identity, connection_id }) => {
          const whose = identityText(identity);
          const mark = [
            whose === this.#app.client.identity ? "you" : null, whose === this.#app.owner ? "the owner" : null,
          ].filter(Boolean).join(", ");
          return element("tr", {},
            element("td", { class: "code" }, whose, mark ? element("small", {}, ` ${mark}`) : null),
            element("td", { class: "code" }, BigInt(connection_id.__connection_id__ ?? connection_id[0] ?? connection_id).toString(16).padStart(32, "0")));
        }));
        status.textContent = `${plural(rows.length, "connection")}, asked for every two seconds`;
      } catch (error) {
        status.textContent = error.message;
      }
    };
    this.#timers.push(setInterval(ask, 2000));
    ask();
  }

  hide() {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }

  /** The kinds of queries that are watched, the most expensive first, and the views. */
  #costs() {
    const queries = element("div"), status = note("");
    const ask = async () => {
      try {
        const report = await this.#app.client.report();
        queries.replaceChildren(costs(report.queries), ...(report.views.length ? [views(report.views)] : []));
        status.textContent = report.queries.length
          ? "Queries that differ in their values only are of one kind. Asked for every five seconds." : "Nobody watches anything.";
      } catch (error) {
        status.textContent = error.message;
      }
    };
    this.#timers.push(setInterval(ask, 5000));
    ask();
    return [element("h3", {}, "Queries that are watched"), queries, status];
  }
}

const cells = (values) => values.map((value) => element("td", { class: "number" }, value));
const grid = (label, heads, lines) => element("div", { class: "grid", tabindex: 0, role: "region", "aria-label": label },
  element("table", {},
    element("thead", {}, element("tr", {}, heads.map((head, at) => element("th", { scope: "col", class: at && "number" }, head)))),
    element("tbody", {}, lines)));

function costs(queries) {
  const heads = ["Tables and plan", "Queries", "Subscribers", "Changes", "Rows examined", "Rows sent", "Bytes", "Finds its rows by"];
  return grid("Costs of queries", heads, queries.map((one) => element("tr", {},
    element("td", { class: "wrapped" }, element("b", {}, one.tables.join(", ")), element("pre", {}, one.plan),
      one.problem ? element("span", { class: "problem" }, one.problem) : null),
    cells([one.queries, one.subscribers, one.changes, one.rows_examined, one.rows_produced].map(count)),
    cells([bytes(one.bytes_produced), one.is_found_by_look_up ? "look-up" : "testing each change"]))));
}

const views = (list) => grid("Views", ["View", "Instances", "Followed", "Evaluations"], list.map((one) => element("tr", {},
  element("td", {}, one.name), cells([one.instances, one.followed, one.evaluations].map(count)))));
