// Tables: their rows as they change, with a condition, an order and a filter.

import { isSortable, normalRow, quotedName, typeText } from "./schema.js";
import { cell, count, element, heading, note, plural, rowKey } from "./values.js";

const limits = [100, 500, 2000];

export class Tables {
  title = "Tables";
  #app;
  #chosen = null;
  #view = null;

  constructor(app) { this.#app = app; }

  show(content) {
    const { schema, isOwner } = this.#app;
    const choose = (name) => {
      this.#chosen = name;
      for (const button of list.querySelectorAll("button")) {
        button.toggleAttribute("aria-current", button.dataset.table === name);
      }
      this.#view?.stop();
      this.#view = null;
      const table = schema.table(name);
      right.replaceChildren();
      if (table) this.#view = new LiveRows(this.#app, table, right);
      else this.#view = new SystemRows(this.#app, name, right);
    };
    const entry = (name, mark) => element("li", {},
      element("button", { "data-table": name, onclick: () => choose(name) },
        element("span", { class: "name" }, name), mark && element("small", {}, mark)));
    const visible = schema.tables.filter((table) => isOwner || table.isPublic);
    const list = element("div", { class: "list" },
      element("h3", {}, "Tables and views"),
      element("ul", {}, visible.map((table) => entry(
        table.name, table.isView ? "view" : table.isEvent ? "events" : table.isPublic ? null : "private"))),
      visible.length < schema.tables.length
        ? note(`${plural(schema.tables.length - visible.length, "table")} more, for the owner only.`) : null,
      element("h3", {}, "System tables"),
      element("ul", {}, systemTables.map((name) => entry(name))));
    const right = element("div", { class: "detail" });
    content.append(heading("Tables"), element("div", { class: "split" }, list, right));
    const first = this.#chosen ?? visible[0]?.name;
    if (first) choose(first); else right.append(note("There are no tables to see."));
  }

  hide() { this.#view?.stop(); }
}

const systemTables = [
  "st_table", "st_column", "st_index", "st_constraint", "st_sequence", "st_scheduled", "st_view", "st_client", "st_var",
];

/** The rows of a table that meet a condition, the first so many in an order, as they are at any time. */
class LiveRows {
  #app;
  #table;
  #rows = new Map();            // by key: {row, count}
  #fresh = new Set();           // keys that came while somebody looked
  #order;
  #limit = limits[0];
  #condition = "";
  #filter = "";
  #end = null;
  #isPaused = false;
  #isDirty = false;
  #parts;

  constructor(app, table, place) {
    this.#app = app;
    this.#table = table;
    // Some order always, where there is one: only with it can the rows be the first so many.
    const isOrder = (at) => at != null && isSortable(table.columns[at].type);
    const column = isOrder(table.primaryKey) ? table.primaryKey : table.columns.findIndex((_, at) => isOrder(at));
    this.#order = column >= 0 ? { column, isDown: false } : null;
    this.#draw(place);
    this.#ask();
  }

  stop() { this.#end?.(); this.#end = null; }

  #draw(place) {
    const condition = element("input", {
      id: "condition", spellcheck: "false", autocomplete: "off",
      placeholder: `${this.#table.columns[0]?.name ?? "column"} = …`,
    });
    const conditionForm = element("form", {
      class: "field wide", onsubmit: (event) => { event.preventDefault(); this.#condition = condition.value.trim(); this.#ask(); },
    }, element("label", { for: "condition" }, "Where"), condition);
    const filter = element("input", {
      id: "filter", type: "search", placeholder: "in what is shown", oninput: () => { this.#filter = filter.value.toLowerCase(); this.#fill(); },
    });
    const limit = element("select", { id: "limit", onchange: () => { this.#limit = Number(limit.value); this.#ask(); } },
      limits.map((value) => element("option", { value }, count(value))));
    const pause = element("button", { class: "plain", "aria-pressed": "false", onclick: () => {
      this.#isPaused = !this.#isPaused;
      pause.setAttribute("aria-pressed", String(this.#isPaused));
      pause.textContent = this.#isPaused ? "Go on" : "Pause";
      if (!this.#isPaused) this.#fill();
    } }, "Pause");
    const head = element("tr", {}, this.#table.columns.map(({ name, type }, at) => {
      const marks = [at === this.#table.primaryKey ? "key" : this.#table.unique.has(at) ? "unique" : null];
      const label = [name, element("small", {}, typeText(type), marks.map((mark) => mark && ` · ${mark}`))];
      return element("th", { scope: "col" }, isSortable(type)
        ? element("button", { onclick: () => this.#sort(at) }, label) : label);
    }));
    this.#parts = {
      head, body: element("tbody"), status: element("p", { class: "dim", role: "status" }), problem: note("", "problem"),
    };
    place.append(
      element("div", { class: "tools" }, conditionForm,
        element("div", { class: "field" }, element("label", { for: "filter" }, "Filter"), filter),
        element("div", { class: "field" }, element("label", { for: "limit" }, "At most"), limit), pause),
      this.#parts.problem,
      element("div", { class: "grid", tabindex: 0, role: "region", "aria-label": `Rows of ${this.#table.name}` },
        element("table", {}, element("thead", {}, head), this.#parts.body)),
      this.#parts.status);
  }

  #sort(column) {
    const isSame = this.#order?.column === column;
    this.#order = { column, isDown: isSame ? !this.#order.isDown : false };
    this.#ask();
  }

  #query() {
    const { name, columns } = this.#table;
    let text = `SELECT * FROM ${quotedName(name)}`;
    if (this.#condition) text += ` WHERE ${this.#condition}`;
    if (this.#order) {
      text += ` ORDER BY ${quotedName(columns[this.#order.column].name)}${this.#order.isDown ? " DESC" : ""}`;
      text += ` LIMIT ${this.#limit}`;
    }
    return text;
  }

  #ask() {
    this.stop();
    this.#parts.problem.textContent = "";
    for (const [at, head] of [...this.#parts.head.children].entries()) {
      const isOrder = this.#order?.column === at;
      if (isOrder) head.setAttribute("aria-sort", this.#order.isDown ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    const { columns, name } = this.#table;
    this.#end = this.#app.client.subscribe(name, this.#query(), {
      applied: (rows) => {
        this.#rows.clear();
        this.#fresh.clear();
        for (const row of rows) this.#add(normalRow(columns, row), 1);
        this.#fill();
      },
      changed: (inserted, deleted) => {
        for (const row of inserted) this.#add(normalRow(columns, row), 1, true);
        for (const row of deleted) this.#add(normalRow(columns, row), -1);
        this.#later();
      },
      failed: (text) => {
        this.#parts.problem.textContent = text;
        this.#rows.clear();
        this.#fill();
      },
    });
  }

  #add(row, change, isFresh = false) {
    const key = rowKey(row);
    const known = this.#rows.get(key) ?? { row, count: 0 };
    known.count += change;
    if (known.count > 0) this.#rows.set(key, known); else this.#rows.delete(key);
    if (isFresh) this.#fresh.add(key);
  }

  /** Many changes may come within the time of one picture. */
  #later() {
    if (this.#isDirty || this.#isPaused) return;
    this.#isDirty = true;
    requestAnimationFrame(() => { this.#isDirty = false; this.#fill(); });
  }

  #fill() {
    if (this.#isPaused) return;
    const { columns } = this.#table;
    let shown = [...this.#rows].flatMap(([key, { row, count }]) => Array(count).fill({ key, row }));
    if (this.#order) {
      const { column, isDown } = this.#order;
      shown.sort((one, other) => compare(one.row[column], other.row[column]) * (isDown ? -1 : 1));
    }
    const isTooMany = !this.#order && shown.length > this.#limit;
    if (isTooMany) shown = shown.slice(0, this.#limit);
    const lines = shown.map(({ key, row }) => element("tr", { class: this.#fresh.has(key) && "fresh" },
      columns.map(({ type }, at) => cell(type, row[at]))));
    const fitting = this.#filter
      ? lines.filter((line) => line.textContent.toLowerCase().includes(this.#filter)) : lines;
    this.#fresh.clear();
    this.#parts.body.replaceChildren(...fitting);
    const isFull = isTooMany || (this.#order && this.#rows.size >= this.#limit);
    this.#parts.status.textContent =
      `${plural(fitting.length, "row")}${isFull ? `, the first ${count(this.#limit)}; there may be more` : ""}`
      + `${this.#filter ? ` of ${count(lines.length)}` : ""}, live`;
  }
}

/** Values of one column in the order that SQL has for them. */
function compare(one, other) {
  if (Array.isArray(one)) return compare(one[0], other[0]);
  const isHex = (text) => typeof text === "string" && /^0x[0-9a-f]+$/.test(text);
  if (isHex(one) && isHex(other)) return one.length - other.length || (one < other ? -1 : one > other ? 1 : 0);
  return one < other ? -1 : one > other ? 1 : 0;
}

/** The rows of a system table, which subscriptions are not told of: asked for again and again. */
class SystemRows {
  #timer;

  constructor(app, name, place) {
    const status = element("p", { class: "dim", role: "status" });
    const body = element("div");
    place.append(body, status);
    let before = "";
    const ask = async () => {
      try {
        const rows = app.client.isOnline ? await app.client.query(`SELECT * FROM ${name}`) : null;
        if (!rows) return;
        const text = rowKey(rows);
        if (text !== before) body.replaceChildren(grid(name, rows));
        before = text;
        status.textContent = `${plural(rows.length, "row")}, asked for every two seconds`;
      } catch (error) {
        status.textContent = error.message;
      }
    };
    this.#timer = setInterval(ask, 2000);
    ask();
  }

  stop() { clearInterval(this.#timer); }
}

/** Rows whose types nobody told, as they come. */
function grid(name, rows) {
  const names = Object.keys(rows[0] ?? {});
  const text = (value) => (typeof value === "string" ? value : value?.__identity__ ?? rowKey(value));
  return element("div", { class: "grid", tabindex: 0, role: "region", "aria-label": `Rows of ${name}` },
    element("table", {},
      element("thead", {}, element("tr", {}, names.map((one) => element("th", { scope: "col" }, one)))),
      element("tbody", {}, rows.map((row) => element("tr", {}, names.map((one) => cell({ kind: "String" }, text(row[one]))))))));
}
