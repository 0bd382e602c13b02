// Reducers and procedures, each with a form made from the types of its parameters.

import { parse } from "./connection.js";
import { field } from "./fields.js";
import { normal, typeText } from "./schema.js";
import { duration, element, heading, note, time, valueText } from "./values.js";

export class Calls {
  title = "Calls";
  #app;
  #chosen = null;

  constructor(app) { this.#app = app; }

  show(content) {
    const { schema, isOwner } = this.#app;
    const functions = [...schema.reducers, ...schema.procedures];
    const right = element("div", { class: "detail" });
    const choose = (name) => {
      this.#chosen = name;
      for (const button of list.querySelectorAll("button")) {
        button.toggleAttribute("aria-current", button.dataset.function === name);
      }
      right.replaceChildren(...this.#form(functions.find((one) => one.name === name)));
    };
    const section = (title, some) => some.length === 0 ? [] : [
      element("h3", {}, title),
      element("ul", {}, some.map((one) => element("li", {},
        element("button", { "data-function": one.name, onclick: () => choose(one.name) },
          element("span", { class: "name" }, one.name), mark(one) && element("small", {}, mark(one)))))),
    ];
    const list = element("div", { class: "list" },
      section("Reducers", schema.reducers), section("Procedures", schema.procedures));
    content.append(heading("Calls"), element("div", { class: "split" }, list, right));
    if (!isOwner) list.append(note("Only the owner can call from here."));
    const first = this.#chosen ?? (functions.find((one) => !mark(one)) ?? functions[0])?.name;
    if (first) choose(first); else right.append(note("The module has no functions."));
  }

  hide() {}

  #form(one) {
    const signature = `${one.name}(${one.parameters.map(({ name, type }) => `${name}: ${typeText(type)}`).join(", ")})`
      + (one.isProcedure ? ` -> ${typeText(one.returns)}` : "");
    const title = element("h3", { class: "signature" }, signature);
    if (one.lifecycle) return [title, note(`The database calls it by itself: ${lifecycles[one.lifecycle]}.`)];
    if (!this.#app.isOwner) return [title];

    const fields = one.parameters.map(({ name, type }) => field(name, type));
    const results = element("ol", { class: "results", "aria-live": "polite" });
    const button = element("button", {}, one.isProcedure ? "Call the procedure" : "Call the reducer");
    const problem = note("", "problem");
    const form = element("form", {
      class: "call", onsubmit: async (event) => {
        event.preventDefault();
        problem.textContent = "";
        let args;
        try { args = `[${fields.map(({ read }) => read()).join(",")}]`; } catch (error) {
          problem.textContent = error.message;
          return;
        }
        button.disabled = true;
        const began = performance.now();
        try {
          const answer = await (one.isProcedure
            ? this.#app.client.callProcedure(one.name, args) : this.#app.client.call(one.name, args));
          const there = duration(Math.round((performance.now() - began) * 1000));
          this.#report(results, "good", one.isProcedure
            ? `returned ${valueText(one.returns, normal(one.returns, parse(answer)))}, ${there} there and back`
            : `committed: ${duration(answer)} in the database, ${there} there and back`, args);
        } catch (error) {
          this.#report(results, "problem", error.message, args);
        }
        button.disabled = false;
      },
    }, fields.map(({ node }) => node),
      fields.length ? null : note("It takes no arguments."), problem, element("div", { class: "tools" }, button));
    return [title, one.isScheduled ? note("A schedule calls it, too.") : null, form, results].filter(Boolean);
  }

  #report(results, kind, text, args) {
    results.prepend(element("li", {},
      element("span", { class: kind }, text),
      element("small", {}, `${time(Date.now() * 1000).slice(11, 19)}  ${args}`)));
    while (results.childElementCount > 20) results.lastElementChild.remove();
  }
}

const lifecycles = {
  Init: "when it is made", OnConnect: "when a client connects", OnDisconnect: "when a client has gone",
};

function mark({ lifecycle, isScheduled, isPrivate }) {
  return lifecycle ? "lifecycle" : isScheduled ? "scheduled" : isPrivate ? "private" : null;
}
