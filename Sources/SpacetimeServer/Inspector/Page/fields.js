// Form fields made from types. Each is `{node, read}`; `read` gives the value as JSON text, or throws what is wrong.

import { typeText } from "./schema.js";
import { element } from "./values.js";

let nextID = 0;

/** The limits of the integer types. */
function range(kind) {
  const bits = BigInt(kind.slice(1));
  return kind[0] === "U" ? [0n, (1n << bits) - 1n] : [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n];
}

function wrong(input, text) {
  input.setAttribute("aria-invalid", "true");
  input.focus();
  throw new Error(text);
}

/** A field of one line; `convert(text)` gives JSON text, or null if the text is none. */
function line(label, hint, attributes, convert, problem) {
  const id = `field-${nextID++}`;
  const input = element(attributes.rows ? "textarea" : "input", {
    id, autocomplete: "off", spellcheck: "false", ...attributes, oninput: () => input.removeAttribute("aria-invalid"),
  });
  return {
    node: element("div", { class: "field" }, element("label", { for: id }, label, element("small", {}, ` ${hint}`)), input),
    read: () => convert(input.value) ?? wrong(input, `${label}: ${problem}`),
  };
}

function group(label, hint, ...children) {
  return element("fieldset", {}, element("legend", {}, label, element("small", {}, ` ${hint}`)), children);
}

function integer(label, type, wrap = (text) => text) {
  const [lowest, highest] = range(type.kind);
  const isWide = type.kind.endsWith("256");
  return line(label, type.kind, { inputmode: "numeric", value: "0" }, (text) => {
    let value;
    try { value = BigInt(text.trim() || "x"); } catch { return null; }
    if (value < lowest || value > highest) return null;
    // Integers of 256 bits are written as hexadecimal texts.
    const size = value < 0n ? -value : value;
    return wrap(isWide ? `"${value < 0n ? "-" : ""}0x${size.toString(16)}"` : value.toString());
  }, `a whole number from ${lowest} to ${highest}`);
}

const hex = (digits) => (text) => {
  const plain = text.trim().replace(/^0x/i, "").replaceAll("-", "").toLowerCase();
  return /^[0-9a-f]+$/.test(plain) && plain.length <= digits ? plain : null;
};

const map = (convert, make) => (text) => { const value = convert(text); return value == null ? null : make(value); };

const secondsOf = (text) => (text.trim() !== "" && Number.isFinite(Number(text)) ? String(Math.round(Number(text) * 1e6)) : null);

function instant(label, wrap) {
  const now = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
  return line(label, "local time", { type: "datetime-local", step: 1, value: now }, (text) => {
    const value = new Date(text).valueOf();
    return Number.isNaN(value) ? null : wrap(String(value * 1000));
  }, "a date and a time");
}

function choice(label, hint, names, make) {
  const id = `field-${nextID++}`;
  const select = element("select", { id, onchange: () => change() }, names.map((name, at) => element("option", { value: at }, name)));
  const place = element("div");
  let inner;
  const change = () => { inner = make(Number(select.value)); place.replaceChildren(...(inner.node ? [inner.node] : [])); };
  change();
  return {
    node: group(label, hint, element("label", { class: "hidden", for: id }, `Case of ${label}`), select, place),
    read: () => inner.read(),
  };
}

/** A field for a value of a type. */
export function field(label, type, depth = 0) {
  if (depth > 12) return { node: null, read: () => { throw new Error(`${label} is nested too deeply for a form`); } };
  const inner = (name, of) => field(name, of, depth + 1);
  const one = (text) => `[${text}]`;
  switch (type.kind) {
    case "Bool": {
      const id = `field-${nextID++}`;
      const input = element("input", { id, type: "checkbox" });
      return {
        node: element("div", { class: "field check" }, input, element("label", { for: id }, label)),
        read: () => String(input.checked),
      };
    }
    case "String":
      return line(label, "text", { rows: 1 }, (text) => JSON.stringify(text), "");
    case "F32": case "F64":
      return line(label, type.kind, { inputmode: "decimal", value: "0" },
        (text) => (text.trim() !== "" && Number.isFinite(Number(text)) ? String(Number(text)) : null), "a number");
    case "bytes":
      return line(label, "bytes, hexadecimal", {}, (text) =>
        (/^([0-9a-f]{2})*$/i.test(text.trim()) ? JSON.stringify(text.trim().toLowerCase()) : null), "pairs of hexadecimal digits");
    case "Identity":
      return line(label, "identity", { placeholder: "64 hexadecimal digits" }, map(hex(64), (text) => `["0x${text}"]`),
        "up to 64 hexadecimal digits");
    case "ConnectionId": case "Uuid":
      return line(label, type.kind, { placeholder: "32 hexadecimal digits" },
        map(hex(32), (text) => one(BigInt(`0x${text}`).toString())), "up to 32 hexadecimal digits");
    case "Timestamp": return instant(label, one);
    case "TimeDuration":
      return line(label, "seconds", { inputmode: "decimal", value: "0" }, map(secondsOf, one), "a number of seconds");
    case "ScheduleAt":
      return choice(label, "when", ["at a time", "over and over"], (at) => (at === 0
        ? instant("Time", (text) => `[1,[${text}]]`)
        : line("Interval", "seconds", { inputmode: "decimal", value: "60" }, map(secondsOf, (text) => `[0,[${text}]]`),
          "a number of seconds")));
    case "option":
      return choice(label, typeText(type), ["none", "some"], (at) => {
        if (at === 0) return { read: () => "[1,[]]" };
        const { node, read } = inner("Value", type.of);
        return { node, read: () => `[0,${read()}]` };
      });
    case "sum":
      return choice(label, typeText(type), type.cases.map(({ name }) => name), (at) => {
        const payload = type.cases[at].type;
        if (payload.fields?.length === 0) return { read: () => `[${at},[]]` };
        const { node, read } = inner(type.cases[at].name, payload);
        return { node, read: () => `[${at},${read()}]` };
      });
    case "product": {
      const fields = type.fields.map(({ name, type }) => inner(name, type));
      return {
        node: group(label, typeText(type), fields.map(({ node }) => node)),
        read: () => one(fields.map(({ read }) => read()).join(",")),
      };
    }
    case "array": return array(label, type, inner);
    default:
      if (/^[IU]\d+$/.test(type.kind)) return integer(label, type);
      return line(label, "JSON", { rows: 1 }, (text) => { try { JSON.parse(text); return text; } catch { return null; } }, "JSON");
  }
}

function array(label, type, inner) {
  const items = [];
  const list = element("ol");
  const add = () => {
    const made = inner("Item", type.of);
    const item = element("li", {}, made.node, element("button", { type: "button", class: "plain", onclick: () => {
      items.splice(items.indexOf(made), 1);
      item.remove();
    } }, "Remove"));
    items.push(made);
    list.append(item);
  };
  return {
    node: group(label, typeText(type), list, element("button", { type: "button", class: "second", onclick: add }, "Add")),
    read: () => `[${items.map(({ read }) => read()).join(",")}]`,
  };
}
