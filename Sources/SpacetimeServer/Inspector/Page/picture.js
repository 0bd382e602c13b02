// The schema as a picture: tables with their columns, and what leads from one to another.

import { typeText } from "./schema.js";
import { bytes, element, heading, note, plural, svg } from "./values.js";

const width = 230, line = 20, head = 30, gap = 70, rowGap = 36;

/**
 * What seems to refer to what. There are no foreign keys to ask: a column refers to the key of a table if it is of the same
 * type and is named after the table, or is an identity and the table is the one that has a row for each.
 */
function references(tables) {
  const targets = tables.filter((table) => table.primaryKey != null);
  return tables.flatMap((table) => table.columns.flatMap((column, at) => {
    if (at === table.primaryKey && table.columns.length > 1) return [];
    const type = column.type.kind === "option" ? column.type.of : column.type;
    return targets.filter((target) => target !== table).filter((target) => {
      const key = target.columns[target.primaryKey];
      if (typeText(key.type) !== typeText(type)) return false;
      if (type.kind === "Identity") return true;
      return [target.name, `${target.name}_${key.name}`, `${target.name}id`].includes(column.name.toLowerCase());
    }).map((target) => ({ from: table, column: at, to: target }));
  }));
}

export class Picture {
  title = "Schema";
  #app;

  constructor(app) { this.#app = app; }

  show(content) {
    const { schema } = this.#app;
    const place = element("div", { class: "picture", tabindex: 0, role: "region", "aria-label": "Picture of the schema" });
    content.append(heading("Schema"), place, note(
      "Lines are guesses: from a column to the table that is named like it, or that has a row for each identity."));
    let sizes = new Map();
    const draw = () => place.replaceChildren(drawing(schema, place.clientWidth - 24, sizes));
    if (this.#app.isOwner) {
      this.#app.client.report().then((report) => {
        sizes = new Map(report.tables.map((one) => [one.name, `${plural(one.rows, "row")}, ${bytes(one.bytes)}`]));
        draw();
      }).catch(() => {});
    }
    this.hide();
    this.watcher = new ResizeObserver(draw);
    this.watcher.observe(place);
  }

  hide() { this.watcher?.disconnect(); }
}

function drawing(schema, space, sizes) {
  const perRow = Math.max(1, Math.floor((space + gap) / (width + gap)));
  const links = references(schema.tables);
  const sorted = arranged(schema.tables, links);
  const boxes = new Map();
  const heights = Array(perRow).fill(0);
  for (const table of sorted) {
    const column = heights.indexOf(Math.min(...heights));
    const calls = schema.schedules.filter((one) => one.table === table.name);
    const box = { x: column * (width + gap), y: heights[column], height: head + (table.columns.length + calls.length) * line + 8, calls };
    heights[column] += box.height + rowGap;
    boxes.set(table, box);
  }
  const total = { width: Math.min(perRow, sorted.length) * (width + gap) - gap, height: Math.max(...heights) - rowGap };
  const margin = 26;
  const view = [-margin, -4, total.width + 2 * margin, total.height + 8];
  return svg("svg", { viewBox: view.join(" "), width: view[2], height: view[3], role: "img", "aria-label": description(schema, links) },
    svg("defs", {}, svg("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" },
      svg("path", { d: "M0 0L8 4L0 8Z", class: "tip" }))),
    links.map((link) => path(link, boxes)), sorted.map((table) => box(table, boxes.get(table), sizes.get(table.name))));
}

/** The tables in an order in which those that are linked are near each other. */
function arranged(tables, links) {
  const weight = (table) => links.filter(({ from, to }) => from === table || to === table).length;
  const sorted = [...tables].sort((one, other) => weight(other) - weight(one) || one.name.localeCompare(other.name));
  // Each goes where the links to those that have a place get shortest, which is too much work for hundreds.
  if (tables.length > 80) return sorted;
  const order = [];
  const length = () => links.reduce((sum, { from, to }) => {
    const [start, end] = [order.indexOf(from), order.indexOf(to)];
    return start < 0 || end < 0 ? sum : sum + Math.abs(start - end) ** 2;
  }, 0);
  for (const table of sorted) {
    let best = { at: 0, length: Infinity };
    for (let at = order.length; at >= 0; at--) {
      order.splice(at, 0, table);
      if (length() < best.length) best = { at, length: length() };
      order.splice(at, 1);
    }
    order.splice(best.at, 0, table);
  }
  return order;
}

function box(table, { x, y, height, calls }, size) {
  const columns = table.columns.map(({ name, type }, at) => {
    const top = y + head + at * line + 15;
    const mark = at === table.primaryKey ? "●" : table.unique.has(at) ? "○" : table.indexed.has(at) ? "·" : "";
    const kind = typeText(type);
    return [
      svg("text", { x: x + 10, y: top, class: "mark" }, mark), svg("text", { x: x + 24, y: top }, name),
      svg("text", { x: x + width - 10, y: top, class: "type", "text-anchor": "end" }, kind.length > 16 ? `${kind.slice(0, 15)}…` : kind),
    ];
  });
  const marks = calls.map((one, at) => svg("text", {
    x: x + 24, y: y + head + (table.columns.length + at) * line + 15, class: "type",
  }, `↻ ${one.function}`));
  const kind = table.isView ? "view" : table.isEvent ? "events" : table.isPublic ? "" : "private";
  const beside = [kind, size].filter(Boolean).join(" · ");
  return svg("g", { class: `box ${kind}` },
    svg("rect", { x, y, width, height, rx: 8 }), svg("path", { class: "rule", d: `M${x} ${y + head - 4}H${x + width}` }),
    svg("text", { x: x + 10, y: y + 18, class: "title" }, table.name),
    svg("text", { x: x + width - 10, y: y + 18, class: "type", "text-anchor": "end" }, beside), columns, marks);
}

function path({ from, column, to }, boxes) {
  const start = boxes.get(from), end = boxes.get(to);
  const y1 = start.y + head + column * line + 10, y2 = end.y + head + to.primaryKey * line + 10;
  let x1, x2, bend1, bend2;
  if (start.x === end.x) {
    // One above the other: round the left side.
    [x1, x2] = [start.x, end.x];
    [bend1, bend2] = [x1 - 24, x2 - 24];
  } else {
    const isRight = end.x > start.x;
    x1 = isRight ? start.x + width : start.x;
    x2 = isRight ? end.x : end.x + width;
    const reach = Math.min(60, Math.abs(x2 - x1) / 2 + 10) * (isRight ? 1 : -1);
    [bend1, bend2] = [x1 + reach, x2 - reach];
  }
  return svg("path", { class: "link", d: `M${x1} ${y1}C${bend1} ${y1} ${bend2} ${y2} ${x2} ${y2}`, "marker-end": "url(#tip)" });
}

/** The picture in words. */
function description(schema, links) {
  const tables = schema.tables.map((table) => `${table.name} with ${table.columns.map(({ name }) => name).join(", ")}`);
  const lines = links.map(({ from, column, to }) => `${from.name}.${from.columns[column].name} leads to ${to.name}`);
  return [...tables, ...lines].join("; ");
}
