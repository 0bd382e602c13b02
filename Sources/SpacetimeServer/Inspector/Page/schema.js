// The module's schema, from the JSON of version 10, and what its types say about values.

const option = (value) => value?.some;
const list = (value) => (Array.isArray(value) ? value : value.elements ?? value.variants ?? []);

/**
 * A type of the page: `{kind, …}` with `kind` one of the scalar names ("U32", "String", …), "bytes", "array", "option",
 * "product", "sum", or one of the types that are known by their structure ("Identity", "Timestamp", …).
 */
export function typeOf(json, typespace, depth = 0) {
  const [name, content] = Object.entries(json)[0];
  if (depth > 24) return { kind: "unknown", name: "…" };
  const inner = (one) => typeOf(one, typespace, depth + 1);
  switch (name) {
    case "Ref": return { ...typeOf(typespace.types[content], typespace, depth + 1), name: typespace.names?.[content] };
    case "Array": return "U8" in content ? { kind: "bytes" } : { kind: "array", of: inner(content) };
    case "Product": {
      const fields = list(content).map((one) => ({ name: option(one.name), type: inner(one.algebraic_type) }));
      return { kind: special[fields.length === 1 ? fields[0].name : ""] ?? "product", fields };
    }
    case "Sum": {
      const cases = list(content).map((one) => ({ name: option(one.name), type: inner(one.algebraic_type) }));
      const names = cases.map((one) => one.name).join();
      if (names === "some,none") return { kind: "option", of: cases[0].type, cases };
      return { kind: names === "Interval,Time" ? "ScheduleAt" : "sum", cases };
    }
    default: return { kind: name };
  }
}

const special = {
  __identity__: "Identity", __connection_id__: "ConnectionId", __timestamp_micros_since_unix_epoch__: "Timestamp",
  __time_duration_micros__: "TimeDuration", __uuid__: "Uuid",
};

/** A type as people write it. */
export function typeText(type) {
  switch (type.kind) {
    case "array": return `[${typeText(type.of)}]`;
    case "option": return `${typeText(type.of)}?`;
    case "product": case "sum":
      return type.name ?? (type.kind === "product"
        ? `(${type.fields.map(({ type }) => typeText(type)).join(", ")})` : type.cases.map(({ name }) => name).join(" | "));
    case "bytes": return "bytes";
    default: return type.kind;
  }
}

const sortable = new Set([
  "Bool", "String", "I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64", "I128", "U128", "I256", "U256", "F32", "F64",
  "Identity", "ConnectionId", "Timestamp", "TimeDuration", "Uuid", "bytes",
]);
export const isSortable = (type) => sortable.has(type.kind);

/** A name as SQL writes it. */
export const quotedName = (name) => `"${name.replaceAll('"', '""')}"`;

/**
 * A value in one form, however it came: products as arrays in the order of their fields, cases as [tag, value].
 * The text protocol writes rows as objects or as arrays, depending on the message.
 */
export function normal(type, value) {
  switch (type.kind) {
    case "array": return value.map((one) => normal(type.of, one));
    case "option": case "sum": case "ScheduleAt": {
      const [tag, payload] = Array.isArray(value) ? value : Object.entries(value ?? { none: [] })[0];
      const at = typeof tag === "number" ? tag : type.cases.findIndex(({ name }) => name === tag);
      return [at, normal(type.cases[at].type, payload)];
    }
    default:
      if (!type.fields) return value;
      return type.fields.map((field, at) => normal(field.type, Array.isArray(value) ? value[at] : value[field.name]));
  }
}

export const normalRow = (columns, row) =>
  columns.map((column, at) => normal(column.type, Array.isArray(row) ? row[at] : row[column.name]));

export class Schema {
  constructor(json) {
    const sections = Object.assign({}, ...json.sections);
    const canonical = { Table: {}, Function: {} };
    for (const entry of list(sections.ExplicitNames?.entries ?? [])) {
      const [kind, names] = Object.entries(entry)[0];
      if (canonical[kind]) canonical[kind][names.source_name] = names.canonical_name;
    }
    const tableName = (name) => canonical.Table[name] ?? name;
    const functionName = (name) => canonical.Function[name] ?? name;
    const typespace = { types: sections.Typespace?.types ?? [], names: {} };
    for (const { source_name, ty } of sections.Types ?? []) typespace.names[ty] = source_name.source_name;
    const columns = (type) => typeOf(type, typespace).fields ?? [];
    const lifecycle = Object.fromEntries((sections.LifeCycleReducers ?? []).map(
      ({ function_name, lifecycle_spec }) => [function_name, Object.keys(lifecycle_spec)[0]]));

    this.schedules = (sections.Schedules ?? []).map(({ table_name, function_name, schedule_at_col }) => ({
      table: table_name, function: functionName(function_name), column: schedule_at_col,
    }));
    this.tables = (sections.Tables ?? []).map((table) => ({
      name: tableName(table.source_name),
      columns: columns({ Ref: table.product_type_ref }),
      primaryKey: table.primary_key[0],
      unique: new Set(table.constraints.flatMap(({ data }) =>
        data.Unique?.columns.length === 1 ? data.Unique.columns : [])),
      indexed: new Set(table.indexes.flatMap(({ algorithm }) => Object.values(algorithm).flat())),
      isPublic: "Public" in table.table_access,
      isEvent: table.is_event,
      isView: false,
    }));
    for (const view of sections.Views ?? []) {
      const type = typeOf(view.return_type, typespace);
      this.tables.push({
        name: tableName(canonical.Function[view.source_name] ?? view.source_name),
        columns: type.of?.fields ?? type.fields ?? [], unique: new Set(), indexed: new Set(),
        isPublic: view.is_public, isEvent: false, isView: true,
      });
    }
    this.tables.sort((one, other) => one.name.localeCompare(other.name));
    const parameters = (params) => list(params).map((one, at) => ({
      name: option(one.name) ?? `argument ${at + 1}`, type: typeOf(one.algebraic_type, typespace),
    }));
    const scheduled = new Set(this.schedules.map((one) => one.function));
    this.reducers = (sections.Reducers ?? []).map((reducer) => {
      const name = functionName(reducer.source_name);
      return {
        name, parameters: parameters(reducer.params), lifecycle: lifecycle[name] ?? null,
        isScheduled: scheduled.has(name), isPrivate: "Private" in reducer.visibility, isProcedure: false,
      };
    });
    this.procedures = (sections.Procedures ?? []).map((procedure) => ({
      name: functionName(procedure.source_name), parameters: parameters(procedure.params), lifecycle: null,
      returns: typeOf(procedure.return_type, typespace), isScheduled: false,
      isPrivate: "Private" in procedure.visibility, isProcedure: true,
    }));
  }

  table(name) { return this.tables.find((table) => table.name === name); }
}
