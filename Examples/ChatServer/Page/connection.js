// A connection to a database over `v1.json.spacetimedb`: text frames, each one JSON message.
//
// It comes back by itself after the server or the network was away, subscribes again, and leaves it to the page to keep
// showing what it has meanwhile.

const firstDelay = 500, longestDelay = 15_000;

/** An identity as 64 hexadecimal digits, from any of the forms that it has in messages. */
export function identityText(value) {
  const text = typeof value === "string" ? value : (value.__identity__ ?? value[0]);
  return text.replace(/^0x/, "").padStart(64, "0");
}

/** A time in milliseconds since 1970. */
export function milliseconds(value) {
  return (value.__timestamp_micros_since_unix_epoch__ ?? value[0]) / 1000;
}

/** A text as SQL writes it. */
export const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

export class Connection {
  #database;
  #columns;
  #handlers;
  #socket = null;
  #subscriptions = new Map();   // by name: {queries, apply, id}
  #pending = new Map();         // by request: {resolve, reject}
  #nextID = 1;
  #attempt = 0;
  #timer = null;

  /** The caller's identity; null before the first answer of the server. */
  identity = null;
  isOnline = false;

  /**
   * @param database the name under which the server has it
   * @param columns by table, the names of its columns in order: rows come as objects or as arrays
   * @param handlers `state({online, retryIn})`, `change(table, inserted, deleted)`
   */
  constructor(database, columns, handlers) {
    this.#database = database;
    this.#columns = columns;
    this.#handlers = handlers;
    addEventListener("online", () => this.retryNow());
    addEventListener("offline", () => this.#socket?.close());
    // A page that somebody has left may be kept alive for the way back: nobody is there meanwhile.
    addEventListener("pagehide", () => this.#leave());
    addEventListener("pageshow", (event) => { if (event.persisted) this.retryNow(); });
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.retryNow(); });
  }

  /** Connects, also when an attempt was put off. */
  retryNow() {
    if (this.#socket) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  /**
   * Keeps the rows of queries up to date under a name, which replaces what had the name before.
   * `apply(rows)` gets the rows by table, now and again after each time that the connection was lost.
   */
  subscribe(name, queries, apply) {
    this.unsubscribe(name);
    const subscription = { queries, apply, id: null };
    this.#subscriptions.set(name, subscription);
    if (this.isOnline) this.#send(subscription);
  }

  unsubscribe(name) {
    const subscription = this.#subscriptions.get(name);
    this.#subscriptions.delete(name);
    if (this.isOnline && subscription?.id != null) {
      this.#post({ UnsubscribeMulti: { request_id: this.#nextID++, query_id: { id: subscription.id } } });
    }
  }

  /** Calls a reducer; what it throws is the error's message. */
  call(reducer, ...args) {
    return this.#request((id) => ({ CallReducer: { reducer, args: JSON.stringify(args), request_id: id, flags: 0 } }));
  }

  /** The rows that a query finds now. */
  query(text) {
    return this.#request((id) => ({ OneOffQuery: { message_id: id.toString(16).padStart(8, "0"), query_string: text } }));
  }

  // MARK: Opening and closing

  async #connect() {
    const attempt = this.#socket = {close() { this.given = true; }};
    try {
      const query = await this.#credentials();
      if (attempt.given || this.#socket !== attempt) return this.#lost(attempt);
      const address = new URL(`/v1/database/${this.#database}/subscribe${query}`, location);
      address.protocol = address.protocol.replace("http", "ws");
      const socket = this.#socket = new WebSocket(address, "v1.json.spacetimedb");
      socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
      socket.onclose = () => this.#lost(socket);
    } catch {
      this.#lost(attempt);
    }
  }

  /** The user's token cannot go into a header here, and should not go into an address: it is exchanged for a brief one. */
  async #credentials() {
    const token = localStorage.getItem("chat.token");
    if (!token) return "";
    const answer = await fetch("/v1/identity/websocket-token", {
      method: "POST", headers: { authorization: `Bearer ${token}` },
    });
    if (answer.status === 401) {
      // The server's keys are new; nobody can be who they were.
      localStorage.removeItem("chat.token");
      return "";
    }
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    return `?token=${encodeURIComponent((await answer.json()).token)}`;
  }

  #leave() {
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#lost(this.#socket, { isOver: true });
  }

  #lost(socket, { isOver = false } = {}) {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.isOnline = false;
    for (const subscription of this.#subscriptions.values()) subscription.id = null;
    for (const { reject } of this.#pending.values()) reject(new Error("The connection was lost before the answer came."));
    this.#pending.clear();
    if (isOver) return;
    // Half of it at random, so that all who were thrown out do not come back at once.
    const delay = Math.min(longestDelay, firstDelay * 2 ** this.#attempt++) * (0.5 + Math.random() / 2);
    this.#handlers.state({ online: false, retryIn: delay });
    this.#timer = setTimeout(() => this.#connect(), delay);
  }

  // MARK: Messages

  #post(message) { this.#socket.send(JSON.stringify(message)); }

  #request(message) {
    if (!this.isOnline) return Promise.reject(new Error("There is no connection just now."));
    const id = this.#nextID++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#post(message(id));
    });
  }

  #settle(id, error, value) {
    const waiting = this.#pending.get(id);
    this.#pending.delete(id);
    if (error) waiting?.reject(new Error(error)); else waiting?.resolve(value);
  }

  #send(subscription) {
    subscription.id = this.#nextID++;
    this.#post({
      SubscribeMulti: {
        query_strings: subscription.queries, request_id: subscription.id, query_id: { id: subscription.id },
      },
    });
  }

  #receive(message) {
    const [kind, body] = Object.entries(message)[0];
    switch (kind) {
      case "IdentityToken": return this.#welcome(body);
      case "SubscribeMultiApplied": return this.#applied(body);
      case "TransactionUpdateLight": return this.#changed(body.update);
      case "TransactionUpdate": return this.#committed(body);
      case "OneOffQueryResponse":
        return this.#settle(
          parseInt(body.message_id, 16), body.error.some,
          body.tables.flatMap((table) => this.#rows(table.table_name, table.rows)));
      case "SubscriptionError": return console.error("A subscription failed:", body.error);
    }
  }

  #welcome({ identity, token }) {
    this.identity = identityText(identity);
    // A user who showed a token gets back the brief one; the own one stays.
    if (!localStorage.getItem("chat.token")) localStorage.setItem("chat.token", token);
    this.isOnline = true;
    this.#attempt = 0;
    for (const subscription of this.#subscriptions.values()) this.#send(subscription);
    this.#handlers.state({ online: true });
  }

  #applied({ query_id, update }) {
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.id !== query_id.id) continue;
      const rows = {};
      for (const table of update.tables) {
        const inserted = table.updates.flatMap((part) => this.#rows(table.table_name, part.inserts));
        rows[table.table_name] = [...(rows[table.table_name] ?? []), ...inserted];
      }
      subscription.apply(rows);
    }
  }

  #committed({ status, caller_identity, reducer_call }) {
    if (status.Committed) this.#changed(status.Committed);
    if (identityText(caller_identity) !== this.identity) return;
    const error = status.Failed ?? (status.OutOfEnergy ? "The call took too long." : null);
    this.#settle(reducer_call.request_id, error);
  }

  #changed(update) {
    for (const table of update.tables) {
      const rows = (list) => table.updates.flatMap((part) => this.#rows(table.table_name, part[list]));
      this.#handlers.change(table.table_name, rows("inserts"), rows("deletes"));
    }
  }

  #rows(table, texts) {
    return texts.map((text) => {
      const row = JSON.parse(text);
      return Array.isArray(row) ? Object.fromEntries(this.#columns[table].map((name, at) => [name, row[at]])) : row;
    });
  }
}
