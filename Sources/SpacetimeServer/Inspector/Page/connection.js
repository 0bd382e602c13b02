// What the page has to do with the server: one WebSocket with `v1.json.spacetimedb`, and the HTTP routes.

const firstDelay = 500, longestDelay = 15_000;

/** Reads JSON; integers that a number of JavaScript cannot hold become BigInts. */
export function parse(text) {
  return JSON.parse(text, (_, value, context) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
      ? BigInt(context.source) : value);
}

export const identityText = (value) =>
  (typeof value === "string" ? value : value.__identity__ ?? value[0]).replace(/^0x/, "").padStart(64, "0");

export class Client {
  #token;
  #socket = null;
  #given = false;
  #subscriptions = new Map();   // by id: {query, table, observer, applied}
  #pending = new Map();         // by id: {resolve, reject}
  #nextID = 1;
  #attempt = 0;
  #timer = null;
  #state;

  identity = null;
  isOnline = false;

  /** @param state is told of each change of the connection: `{online, retryIn}` */
  constructor(database, token, state) {
    this.database = database;
    this.#token = token;
    this.#state = state;
    addEventListener("online", () => this.retryNow());
    // A page that somebody has left may be kept alive for the way back: nobody is there meanwhile.
    addEventListener("pagehide", () => this.#leave());
    addEventListener("pageshow", (event) => { if (event.persisted) this.retryNow(); });
  }

  // MARK: HTTP

  get #headers() { return this.#token ? { authorization: `Bearer ${this.#token}` } : {}; }

  /** The answer to a request; one that is not a success is thrown with the server's own words. */
  async fetch(path, options = {}) {
    const answer = await fetch(path, { ...options, headers: { ...this.#headers, ...options.headers } });
    if (!answer.ok) throw new Error((await answer.text()) || `The server answered ${answer.status}.`);
    return answer;
  }

  path(rest = "") { return `/v1/database/${encodeURIComponent(this.database)}${rest}`; }

  async json(path, options) { return parse(await (await this.fetch(path, options)).text()); }

  /** One statement of any kind: `{schema, rows, stats, total_duration_micros}`. */
  async sql(text) { return (await this.json(this.path("/sql"), { method: "POST", body: text }))[0]; }

  /** What only the owner is told: what tables take, how schedules are doing, what the queries cost that clients watch. */
  report() { return this.json(`/inspect/report/${encodeURIComponent(this.database)}`); }

  /** The log's records, and those to come, until the signal says no more. */
  async follow(lines, signal, take) {
    const answer = await this.fetch(this.path(`/logs?num_lines=${lines}&follow=true`), { signal });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = (rest + value).split("\n");
      rest = parts.pop();
      take(parts.filter(Boolean).map(parse));
    }
  }

  // MARK: The socket

  retryNow() {
    if (this.#socket || this.#given) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  close() {
    this.#given = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  async #connect() {
    const attempt = this.#socket = { close() {} };
    try {
      let query = "";
      if (this.#token) {
        // A header cannot be set here, and the token itself should not stand in an address: a brief one does.
        const { token } = await this.json("/v1/identity/websocket-token", { method: "POST" });
        query = `?token=${encodeURIComponent(token)}`;
      }
      if (this.#given) return;
      const address = new URL(this.path("/subscribe") + query, location);
      address.protocol = address.protocol.replace("http", "ws");
      const socket = this.#socket = new WebSocket(address, "v1.json.spacetimedb");
      socket.onmessage = (event) => this.#receive(parse(event.data));
      socket.onclose = () => this.#lost(socket);
    } catch {
      this.#lost(attempt);
    }
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
    for (const { reject } of this.#pending.values()) reject(new Error("The connection was lost before the answer came."));
    this.#pending.clear();
    if (this.#given || isOver) return;
    const delay = Math.min(longestDelay, firstDelay * 2 ** this.#attempt++) * (0.5 + Math.random() / 2);
    this.#state({ online: false, retryIn: delay });
    this.#timer = setTimeout(() => this.#connect(), delay);
  }

  #post(message) { this.#socket.send(JSON.stringify(message)); }

  #request(make) {
    if (!this.isOnline) return Promise.reject(new Error("There is no connection just now."));
    const id = this.#nextID++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#post(make(id));
    });
  }

  #settle(id, error, value) {
    const waiting = this.#pending.get(id);
    this.#pending.delete(id);
    if (error != null) waiting?.reject(new Error(error)); else waiting?.resolve(value);
  }

  // MARK: Asking

  /** Calls a reducer with arguments as JSON text; resolves to the time that it took, in microseconds. */
  call(reducer, args) {
    return this.#request((id) => ({ CallReducer: { reducer, args, request_id: id, flags: 0 } }));
  }

  /** Calls a procedure; resolves to what it returned, as JSON text. */
  callProcedure(procedure, args) {
    return this.#request((id) => ({ CallProcedure: { procedure, args, request_id: id, flags: 0 } }));
  }

  /** The rows that a query finds now. */
  query(text) {
    return this.#request((id) => ({ OneOffQuery: { message_id: id.toString(16).padStart(8, "0"), query_string: text } }));
  }

  /**
   * Follows a query of one table. The observer's `applied(rows)` gets the rows, again after each time that the connection
   * was lost; `changed(inserted, deleted)` what a transaction changed; `failed(text)` why there is nothing to see.
   * Returns a function that ends it. Two queries of one table at a time would be told of each other's changes.
   */
  subscribe(table, query, observer) {
    const id = this.#nextID++;
    const subscription = { table, query, observer, applied: false };
    this.#subscriptions.set(id, subscription);
    if (this.isOnline) this.#send(id, subscription);
    return () => {
      this.#subscriptions.delete(id);
      if (this.isOnline) this.#post({ UnsubscribeMulti: { request_id: id, query_id: { id } } });
    };
  }

  #send(id, subscription) {
    subscription.applied = false;
    this.#post({ SubscribeMulti: { query_strings: [subscription.query], request_id: id, query_id: { id } } });
  }

  #receive(message) {
    const [kind, body] = Object.entries(message)[0];
    switch (kind) {
      case "IdentityToken": {
        this.identity = identityText(body.identity);
        this.isOnline = true;
        this.#attempt = 0;
        for (const [id, subscription] of this.#subscriptions) this.#send(id, subscription);
        return this.#state({ online: true });
      }
      case "SubscribeMultiApplied": {
        const subscription = this.#subscriptions.get(body.query_id.id);
        if (!subscription) return;
        subscription.applied = true;
        return subscription.observer.applied(body.update.tables.flatMap((table) => rowsOf(table, "inserts")));
      }
      case "SubscriptionError":
        return this.#subscriptions.get(body.query_id.some)?.observer.failed(body.error);
      case "TransactionUpdateLight": return this.#changed(body.update);
      case "TransactionUpdate": {
        if (body.status.Committed) this.#changed(body.status.Committed);
        if (identityText(body.caller_identity) !== this.identity) return;
        const error = body.status.Failed ?? (body.status.OutOfEnergy ? "It took too long." : null);
        return this.#settle(
          body.reducer_call.request_id, error, body.total_host_execution_duration.__time_duration_micros__);
      }
      case "ProcedureResult":
        return this.#settle(
          body.request_id, body.status.InternalError ?? (body.status.OutOfEnergy ? "It took too long." : null),
          body.status.Returned);
      case "OneOffQueryResponse":
        return this.#settle(
          parseInt(body.message_id, 16), body.error.some, body.tables.flatMap((table) => table.rows.map(parse)));
    }
  }

  #changed(update) {
    for (const table of update.tables) {
      for (const subscription of this.#subscriptions.values()) {
        if (!subscription.applied || subscription.table !== table.table_name) continue;
        subscription.observer.changed(rowsOf(table, "inserts"), rowsOf(table, "deletes"));
      }
    }
  }
}

const rowsOf = (table, list) => table.updates.flatMap((part) => part[list].map(parse));
