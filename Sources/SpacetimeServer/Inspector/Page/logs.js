// The module's log, followed.

import { element, heading, note, time } from "./values.js";

const levels = ["Panic", "Error", "Warn", "Info", "Debug", "Trace"];
const kept = 2000;

export class Logs {
  title = "Log";
  isForOwner = true;
  #app;
  #end = null;

  constructor(app) { this.#app = app; }

  show(content) {
    const records = [];
    const list = element("ol", { class: "log", tabindex: 0, role: "log", "aria-label": "Records" });
    const status = element("p", { class: "dim", role: "status" }, "Following …");
    const level = element("select", { id: "level", onchange: () => fill() },
      levels.map((name) => element("option", { value: name, selected: name === "Debug" }, name)));
    const filter = element("input", { id: "log-filter", type: "search", oninput: () => fill() });
    const fits = (record) => levels.indexOf(record.level) <= levels.indexOf(level.value)
      && (record.message ?? "").toLowerCase().includes(filter.value.toLowerCase());
    const item = (record) => element("li", { class: record.level.toLowerCase() },
      element("time", {}, time(record.ts).slice(0, 23)), element("b", {}, record.level),
      element("span", { class: "place" }, record.function ?? record.target ?? ""),
      element("span", { class: "message" }, record.message,
        (record.trace ?? []).map((frame) => element("small", {}, `${frame.module_name ?? ""} ${frame.func_name ?? ""}`))));
    const isAtEnd = () => list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    const fill = () => {
      list.replaceChildren(...records.filter(fits).map(item));
      list.scrollTop = list.scrollHeight;
    };
    const take = (fresh) => {
      const follows = isAtEnd();
      records.push(...fresh);
      if (records.length > kept) records.splice(0, records.length - kept);
      list.append(...fresh.filter(fits).map(item));
      while (list.childElementCount > kept) list.firstElementChild.remove();
      if (follows) list.scrollTop = list.scrollHeight;
    };

    content.append(heading("Log"),
      element("div", { class: "tools" },
        element("div", { class: "field" }, element("label", { for: "level" }, "Down to"), level),
        element("div", { class: "field wide" }, element("label", { for: "log-filter" }, "Filter"), filter),
        element("button", { class: "plain", onclick: () => { records.length = 0; fill(); } }, "Clear")),
      list, status);

    const end = this.#end = new AbortController();
    let lines = 500;
    const follow = async () => {
      while (!end.signal.aborted) {
        try {
          await this.#app.client.follow(lines, end.signal, (fresh) => { status.textContent = "Following"; lines = 0; take(fresh); });
          status.textContent = "The server ended the log; asking again.";
        } catch (error) {
          if (end.signal.aborted) return;
          status.textContent = `${error.message} Asking again.`;
        }
        await new Promise((resolve) => setTimeout(resolve, 2000));
      }
    };
    follow();
  }

  hide() { this.#end?.abort(); }
}
