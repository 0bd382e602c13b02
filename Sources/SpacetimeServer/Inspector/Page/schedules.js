// What the database will call by itself, and when.

import { normalRow, quotedName } from "./schema.js";
import { count, duration, element, heading, note, plural, rowKey, time, valueText } from "./values.js";

export class Schedules {
  title = "Schedules";
  #app;
  #ends = [];
  #timers = [];

  constructor(app) { this.#app = app; }

  show(content) {
    const { schema, client, isOwner } = this.#app;
    content.append(heading("Schedules"));
    const figures = new Map(schema.schedules.map((one) => [one.table, note("")]));
    const ask = async () => {
      const report = await client.report().catch(() => ({ schedules: [] }));
      for (const job of report.schedules) {
        const place = figures.get(job.table) ?? element("p");
        place.textContent = [
          job.next_due ? `next at ${time(job.next_due).slice(0, 19)}` : null, plural(job.calls, "call"),
          job.failures ? `${count(job.failures)} failed, last with: ${job.last_failure}` : null,
          job.skipped ? `${count(job.skipped)} skipped` : null,
          job.late ? `${count(job.late)} late, at worst by ${duration(job.greatest_lateness)}` : "none late",
        ].filter(Boolean).join(", ");
        place.className = job.failures ? "problem" : "dim";
      }
    };
    if (!schema.schedules.length) content.append(note("The module has no schedules."));
    const clocks = new Set();
    this.#ends = schema.schedules.map((schedule) => {
      const table = schema.table(schedule.table);
      if (!isOwner && !table.isPublic) {
        content.append(element("section", {}, title(schedule), note("Only the owner sees its rows.")));
        return () => {};
      }
      const rows = new Map();
      const body = element("tbody"), status = note("");
      const others = table.columns.map((column, at) => ({ ...column, at })).filter(({ at }) => at !== schedule.column);
      content.append(element("section", {}, title(schedule),
        element("div", { class: "grid", tabindex: 0, role: "region", "aria-label": `Jobs of ${schedule.table}` },
          element("table", {}, element("thead", {}, element("tr", {},
            ["When", "Due", ...others.map(({ name }) => name)].map((name) => element("th", { scope: "col" }, name)))), body)),
        status, figures.get(schedule.table)));
      const fill = () => {
        for (const clock of clocks) if (clock.table === schedule.table) clocks.delete(clock);
        const when = (row) => row[schedule.column];
        const sorted = [...rows.values()].sort((one, other) => when(other)[0] - when(one)[0] || Number(when(one)[1][0]) - Number(when(other)[1][0]));
        body.replaceChildren(...sorted.slice(0, 200).map((row) => {
          const due = element("td", { class: "dim" });
          clocks.add({ table: schedule.table, due, when: when(row) });
          return element("tr", {}, element("td", {}, valueText(table.columns[schedule.column].type, when(row))), due,
            others.map(({ type, at }) => element("td", {}, valueText(type, row[at]))));
        }));
        status.textContent = rows.size > 200 ? `The next 200 of ${rows.size} jobs` : plural(rows.size, "job");
        tick();
      };
      const add = (list, isThere) => {
        for (const row of list) {
          const made = normalRow(table.columns, row);
          if (isThere) rows.set(rowKey(made), made); else rows.delete(rowKey(made));
        }
      };
      return client.subscribe(schedule.table, `SELECT * FROM ${quotedName(schedule.table)}`, {
        applied: (list) => { rows.clear(); add(list, true); fill(); },
        changed: (inserted, deleted) => { add(deleted, false); add(inserted, true); fill(); },
        failed: (text) => { status.textContent = text; },
      });
    });
    const tick = () => {
      for (const { due, when } of clocks) {
        const left = Number(when[1][0]) - Date.now() * 1000;
        due.textContent = when[0] === 0 ? "again and again" : left > 0 ? `in ${duration(Math.round(left / 1e6) * 1e6)}` : "now";
        if (when[0] !== 0) due.title = time(when[1][0]);
      }
    };
    this.#timers = [setInterval(tick, 1000)];
    if (isOwner) {
      this.#timers.push(setInterval(ask, 5000));
      ask();
    }
  }

  hide() {
    for (const timer of this.#timers) clearInterval(timer);
    for (const end of this.#ends) end();
    this.#ends = [];
  }
}

const title = ({ table, function: name }) => element("h3", {}, name, element("small", {}, ` for the rows of ${table}`));
