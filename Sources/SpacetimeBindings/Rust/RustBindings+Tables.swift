extension RustBindings {
    private struct Entry {
        let table: BindingModel.Table
        let field: String
        let row: String
        let wireName: String
        let marker: String
        /// The column that rows are told apart by, if the SDK can do that.
        var key: String?
    }

    /// What holds all tables, and a handle for each.
    mutating func tables(_ model: BindingModel) {
        let entries = model.tables.map { table -> Entry in
            let fields = model.columns(of: table)
            var entry = Entry(
                table: table, field: RustNames.snake(table.sourceName), row: RustNames.typeName(model.types[table.row]),
                wireName: RustNames.quoted(table.wireName),
                marker: NameStyle.pascal.name(table.sourceName) + "TableAccessor")
            guard !table.isEvent, let first = table.primaryKey.first else { return entry }
            if table.primaryKey.count == 1, RustNames.isKey(fields[first].type, in: model) {
                entry.key = RustNames.snake(fields[first].sourceName)
            } else {
                report.warnings.append(
                    "the primary key of \(table.described) is none that the original's Rust SDK knows: updates come as rows that go "
                        + "and rows that come")
            }
            return entry
        }
        updates(entries)
        for entry in entries { handle(entry, model) }
    }

    private mutating func updates(_ entries: [Entry]) {
        source.line()
        source.line("#[derive(Default, Debug)]")
        source.open("pub struct DbUpdate {")
        for entry in entries { source.line("\(entry.field): sdk::TableUpdate<\(entry.row)>,") }
        source.close()
        source.open("impl DbUpdate {")
        source.open("fn rows(raw: v2::QueryRows, inserts: bool) -> sdk::Result<Self> {")
        source.line("let mut out = Self::default();")
        source.open("for t in raw.tables {")
        source.open("match &t.table[..] {")
        for entry in entries {
            source.line(
                "\(entry.wireName) => out.\(entry.field).append(if inserts { sdk::parse_row_list_as_inserts(t.rows)? } "
                    + "else { sdk::parse_row_list_as_deletes(t.rows)? }),")
        }
        source.line("other => return Err(sdk::InternalError::unknown_name(\"table\", other, \"rows\").into()),")
        source.close()
        source.close()
        source.line("Ok(out)")
        source.close()
        source.close()
        source.open("impl TryFrom<v2::TransactionUpdate> for DbUpdate {")
        source.line("type Error = sdk::Error;")
        source.open("fn try_from(raw: v2::TransactionUpdate) -> ::std::result::Result<Self, sdk::Error> {")
        source.line("let mut out = Self::default();")
        source.open("for u in sdk::transaction_update_iter_table_updates(raw) {")
        source.open("match &u.table_name[..] {")
        for entry in entries {
            source.line(
                "\(entry.wireName) => out.\(entry.field).append(sdk::TableUpdate::parse_table_update(u)?),")
        }
        source.line("other => return Err(sdk::InternalError::unknown_name(\"table\", other, \"update\").into()),")
        source.close()
        source.close()
        source.line("Ok(out)")
        source.close()
        source.close()
        source.open("impl sdk::DbUpdate for DbUpdate {")
        source.open("fn apply_to_client_cache(&self, cache: &mut sdk::ClientCache<RemoteModule>) -> AppliedDiff<'_> {")
        source.open("AppliedDiff {")
        for entry in entries {
            if entry.table.isEvent {
                source.line("\(entry.field): self.\(entry.field).into_event_diff(),")
            } else {
                let key = entry.key.map { ".with_updates_by_pk(|row| &row.\($0))" } ?? ""
                source.line(
                    "\(entry.field): cache.apply_diff_to_table::<\(entry.row)>(\(entry.wireName), &self.\(entry.field))\(key),"
                )
            }
        }
        source.line("_marker: PhantomData,")
        source.close()
        source.close()
        source.line("fn parse_initial_rows(raw: v2::QueryRows) -> sdk::Result<Self> { Self::rows(raw, true) }")
        source.line("fn parse_unsubscribe_rows(raw: v2::QueryRows) -> sdk::Result<Self> { Self::rows(raw, false) }")
        source.close()
        source.line("#[derive(Default)]")
        source.open("pub struct AppliedDiff<'r> {")
        for entry in entries { source.line("\(entry.field): sdk::TableAppliedDiff<'r, \(entry.row)>,") }
        source.line("_marker: PhantomData<&'r ()>,")
        source.close()
        source.open("impl<'r> sdk::AppliedDiff<'r> for AppliedDiff<'r> {")
        source.open(
            "fn invoke_row_callbacks(&self, event: &EventContext, callbacks: &mut sdk::DbCallbacks<RemoteModule>) {")
        for entry in entries {
            source.line(
                "callbacks.invoke_table_row_callbacks::<\(entry.row)>(\(entry.wireName), &self.\(entry.field), event);")
        }
        source.close()
        source.close()
        source.open("impl sdk::SpacetimeModule for RemoteModule {")
        source.add(RustTemplate.associatedTypes)
        source.line(
            "const ALL_TABLE_NAMES: &'static [&'static str] = &["
                + entries.filter(\.table.parameters.isEmpty).map(\.wireName).joined(separator: ", ") + "];")
        source.open("fn register_tables(cache: &mut sdk::ClientCache<Self>) {")
        for entry in entries { source.line("\(entry.marker)::register(cache);") }
        source.close()
        source.close()
    }

    private mutating func handle(_ entry: Entry, _ model: BindingModel) {
        let table = entry.table
        let name = NameStyle.pascal.name(table.sourceName)
        let fields = model.columns(of: table)
        let parts =
            ["TableAccess", "TableHandle", "TableAccessor", "InsertCallbackId"]
            + (table.parameters.isEmpty ? ["QueryTableAccess"] : []) + (table.isEvent ? [] : ["DeleteCallbackId"])
            + (entry.key == nil ? [] : ["UpdateCallbackId"])
        for part in parts { names.claim(name + part, for: "'\(part)' of \(table.described)", &report) }
        source.line()
        let head = parts.prefix(4).map { name + $0 }.joined(separator: ", ")
        source.line("table!(\(entry.row), \(entry.wireName), \(entry.field), \(head));")
        if table.parameters.isEmpty {
            source.line("queried!(\(entry.row), \(entry.wireName), \(entry.field), \(name)QueryTableAccess);")
        } else {
            report.note(called: table, for: "Rust")
        }
        if table.isEvent {
            source.line("event_table!(\(entry.row), \(name)TableHandle, \(name)InsertCallbackId);")
        } else {
            source.line(
                "stored_table!(\(entry.row), \(name)TableHandle, \(name)InsertCallbackId, \(name)DeleteCallbackId);")
        }
        if entry.key != nil { source.line("keyed_table!(\(entry.row), \(name)TableHandle, \(name)UpdateCallbackId);") }
        let unique = table.isEvent ? [] : table.uniqueColumns
        var keys: [String] = []
        for column in unique {
            let field = fields[column]
            guard RustNames.isKey(field.type, in: model) else {
                report.warnings.append(
                    "finding by column '\(field.sourceName)' of \(table.described) is left out: the original's Rust SDK cannot look up "
                        + "such a value")
                continue
            }
            let index = name + NameStyle.pascal.name(field.sourceName) + "Unique"
            names.claim(index, for: "column '\(field.sourceName)' of \(table.described)", &report)
            keys.append("\(index), \(RustNames.snake(field.sourceName)): \(RustNames.text(field.type, in: model))")
        }
        source.line(
            "unique_columns!(\(entry.row), \(entry.wireName), \(name)TableHandle, \(entry.marker); \(keys.joined(separator: "; ")));"
        )
    }
}
