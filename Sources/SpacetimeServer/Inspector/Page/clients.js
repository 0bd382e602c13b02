// Who is connected.

import { identityText } from "./client.js";
import { element, heading, note, plural, rowKey } from "./values.js";

export class Clients {
  title = "Clients";
  #app;
  #timer;

  constructor(app) { this.#app = app; }

  show(content) {
    const body = element("tbody"), status = element("p", { class: "dim", role: "status" });
    content.append(heading("Clients"),
      element("div", { class: "grid", tabindex: 0, role: "region", "aria-label": "Clients" },
        element("table", {}, element("thead", {}, element("tr", {},
          ["Identity", "Connection"].map((name) => element("th", { scope: "col" }, name)))), body)), status);
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
    this.#timer = setInterval(ask, 2000);
    ask();
  }

  hide() { clearInterval(this.#timer); }
}
