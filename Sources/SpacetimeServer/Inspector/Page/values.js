// Making elements, and showing values.

export const $ = (id) => document.getElementById(id);

/** An element with attributes and children. Functions among the attributes are listeners; texts are never markup. */
export function element(kind, attributes = {}, ...children) {
  const made = document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made[name] = value;
    else if (value === true) made.setAttribute(name, "");
    else if (value != null && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return made;
}

export function svg(kind, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries(attributes)) if (value != null) made.setAttribute(name, value);
  made.append(...children.flat(Infinity).filter((child) => child != null));
  return made;
}

const numbers = new Intl.NumberFormat();
export const count = (value) => numbers.format(value);
export const plural = (value, one, many = `${one}s`) => `${count(value)} ${Number(value) === 1 ? one : many}`;

export function duration(micros) {
  const value = Number(micros);
  if (Math.abs(value) < 1000) return `${value} µs`;
  if (Math.abs(value) < 1e6) return `${+(value / 1000).toPrecision(3)} ms`;
  if (Math.abs(value) < 120e6) return `${+(value / 1e6).toPrecision(3)} s`;
  if (Math.abs(value) < 3600e6) return `${+(value / 60e6).toPrecision(3)} min`;
  return `${+(value / 3600e6).toPrecision(3)} h`;
}

export function bytes(value) {
  const units = ["B", "KB", "MB", "GB"];
  let at = 0, rest = Number(value);
  while (rest >= 1000 && at < 3) { rest /= 1000; at++; }
  return `${at ? rest.toPrecision(3) : rest} ${units[at]}`;
}

export function time(micros) {
  const date = new Date(Number(micros) / 1000);
  return Number.isNaN(date.valueOf()) ? `${micros} µs` : date.toISOString().replace("T", " ").replace("000Z", "Z");
}

const short = (text, length = 120) => (text.length > length ? `${text.slice(0, length)}…` : text);

/** A value, in the form that `normal` makes, as text. */
export function valueText(type, value) {
  if (value == null) return "null";
  switch (type?.kind) {
    case "String": return value;
    case "Identity": return identity(value[0]);
    case "ConnectionId": return BigInt(value[0]).toString(16).padStart(32, "0");
    case "Uuid": return BigInt(value[0]).toString(16).padStart(32, "0").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    case "Timestamp": return time(value[0]);
    case "TimeDuration": return duration(value[0]);
    case "ScheduleAt": return value[0] === 0 ? `every ${duration(value[1][0])}` : time(value[1][0]);
    case "bytes": return value ? `0x${value}` : "empty";
    case "option": return value[0] === 0 ? valueText(type.of, value[1]) : "none";
    case "array": return `[${value.map((one) => valueText(type.of, one)).join(", ")}]`;
    case "sum": {
      const { name, type: payload } = type.cases[value[0]];
      return payload.fields?.length === 0 ? name : `${name}(${valueText(payload, value[1])})`;
    }
    case "product":
      return `{${type.fields.map((field, at) => `${field.name}: ${valueText(field.type, value[at])}`).join(", ")}}`;
    default: return typeof value === "object" ? JSON.stringify(value, bigText) : String(value);
  }
}

const identity = (text) => text.replace(/^0x/, "").padStart(64, "0");
const bigText = (_, value) => (typeof value === "bigint" ? value.toString() : value);

/** What makes a row the same row. */
export const rowKey = (row) => JSON.stringify(row, bigText);

const isNumber = (type) => /^[IUF]\d/.test(type?.kind ?? "");
const isPlainText = (type) => type?.kind === "String";

/** A cell of a table. Long values are cut; the whole is in the title. */
export function cell(type, value) {
  const text = valueText(type, value);
  const isNone = type?.kind === "option" && value[0] !== 0;
  const looks = isNone ? "none" : isNumber(type) || isNumber(type?.kind === "option" ? type.of : null) ? "number"
    : ["Identity", "ConnectionId", "Uuid", "bytes"].includes(type?.kind) ? "code" : isPlainText(type) ? null : "other";
  const shown = type?.kind === "Identity" ? `${text.slice(0, 6)}…${text.slice(-6)}` : short(text);
  return element("td", { class: looks, title: shown === text ? null : text }, shown);
}

/** A table of rows in the form that `normal` makes. */
export function rowsTable(columns, rows, caption) {
  return element("div", { class: "grid", tabindex: 0, role: "region", "aria-label": caption },
    element("table", {},
      element("thead", {}, element("tr", {}, columns.map(({ name, type }) =>
        element("th", { scope: "col", class: isNumber(type) && "number" }, name ?? "")))),
      element("tbody", {}, rows.map((row) =>
        element("tr", {}, columns.map(({ type }, at) => cell(type, row[at])))))));
}

/** The heading of a part, with what belongs beside it. */
export const heading = (title, ...beside) => element("header", { class: "top" }, element("h2", {}, title), beside);
export const note = (text, kind = "dim") =>
  element("p", { class: kind, role: kind === "problem" ? "alert" : null }, text);
