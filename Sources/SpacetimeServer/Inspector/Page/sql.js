// SQL: any statement, with its result; or how a query is answered, and what that costs.

import { normal, typeOf } from "./schema.js";
import { count, duration, element, heading, note, plural, rowsTable } from "./values.js";

export class SQL {
  title = "SQL";
  #app;
  #past = JSON.parse(sessionStorage.getItem("inspector.statements") ?? "[]");

  constructor(app) { this.#app = app; }

  show(content) {
    const { schema, isOwner } = this.#app;
    const table = schema.tables.find((one) => isOwner || one.isPublic)?.name ?? "st_table";
    const text = element("textarea", {
      id: "statement", rows: 4, spellcheck: "false", autocomplete: "off", "aria-describedby": "sql-hint",
      onkeydown: (event) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        if (event.shiftKey) run(true); else run(false);
      },
    });
    text.value = this.#past[0] ?? `SELECT * FROM ${table} LIMIT 20`;
    const past = element("select", {
      id: "past", "aria-label": "Earlier statements", onchange: () => { if (past.value) text.value = past.value; past.value = ""; },
    });
    const result = element("div", { class: "result", "aria-live": "polite" });
    const showPast = () => past.replaceChildren(
      element("option", { value: "" }, "Earlier …"), ...this.#past.map((one) => element("option", { value: one }, one)));
    showPast();

    const run = async (isPlan) => {
      const statement = text.value.trim().replace(/;\s*$/, "");
      if (!statement) return;
      this.#past = [statement, ...this.#past.filter((one) => one !== statement)].slice(0, 30);
      sessionStorage.setItem("inspector.statements", JSON.stringify(this.#past));
      showPast();
      result.replaceChildren(note("Running …"));
      try {
        const isExplained = /^explain\b/i.test(statement);
        const answer = await this.#app.client.sql(isPlan && !isExplained ? `EXPLAIN ANALYZE ${statement}` : statement);
        result.replaceChildren(...(isPlan || isExplained ? plan(answer) : rows(answer)));
      } catch (error) {
        result.replaceChildren(note(error.message, "problem"));
      }
    };

    content.append(heading("SQL"),
      element("div", { class: "statement" }, element("label", { class: "hidden", for: "statement" }, "Statement"), text,
        element("div", { class: "tools" },
          element("button", { id: "run", onclick: () => run(false) }, "Run"),
          element("button", { id: "plan", class: "second", onclick: () => run(true) }, "Plan and cost"), past,
          element("p", { class: "dim", id: "sql-hint" }, "Control and Enter runs, with Shift it shows the plan."
            + (isOwner ? "" : " Only the owner may change rows."))),
        result));
    text.focus();
  }

  hide() {}
}

function rows({ schema, rows, stats, total_duration_micros }) {
  const columns = schema.elements.map(({ name, algebraic_type }) => ({
    name: name.some, type: typeOf(algebraic_type, { types: [] }),
  }));
  const changes = [
    [stats?.rows_inserted, "inserted"], [stats?.rows_updated, "updated"], [stats?.rows_deleted, "deleted"],
  ].filter(([amount]) => amount).map(([amount, what]) => `${count(amount)} ${what}`);
  const summary = [
    columns.length ? plural(rows.length, "row") : null, ...changes, duration(total_duration_micros),
  ].filter(Boolean);
  if (!columns.length && !changes.length) summary.unshift("done");
  return [
    note(summary.join(", ")),
    columns.length ? rowsTable(columns, rows.map((row) => columns.map(({ type }, at) => normal(type, row[at]))), "Result") : null,
  ].filter(Boolean);
}

function plan({ rows, total_duration_micros }) {
  return [
    element("pre", { class: "plan", tabindex: 0 }, rows.map((row) => row.join("  ")).join("\n")),
    note(`in ${duration(total_duration_micros)} altogether`),
  ];
}
