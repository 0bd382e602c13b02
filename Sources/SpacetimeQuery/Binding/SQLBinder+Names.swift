import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// The tables of a statement under the names that it gives them.
struct Scope {
    struct Source {
        /// The alias, or the table's name as it was written.
        let name: String
        let table: SQLCatalog.Table
        /// True if there may be no row of it.
        var isOuter = false
    }

    var sources: [Source] = []

    func slot(named name: String) -> Int? { sources.firstIndex { $0.name == name } }
}

extension SQLBinder {
    // MARK: Tables

    func table(_ name: SQLTableName) throws(SQLError) -> SQLCatalog.Table {
        if let table = catalog.table(named: name.text, isOwner: isOwner) {
            if table.schema.isEvent, !language.hasEventTables {
                throw error(
                    .unsupported,
                    "'\(name.text)' is an event table; clients of this version of the protocol cannot follow it",
                    name.range)
            }
            return table
        }
        var reason = "there is no table '\(name.text)'; if it exists, it is private"
        if let other = NearestName.of(name.text, among: catalog.names(isOwner: isOwner)) {
            reason = "there is no table '\(name.text)', or it is private; did you mean '\(other)'?"
        }
        throw error(.noSuchTable, reason, name.range)
    }

    func slot(_ name: SQLTableName) throws(SQLError) -> Int {
        if let slot = scope.slot(named: name.text) { return slot }
        throw unknownTable(name.text, name.range)
    }

    private func unknownTable(_ name: String, _ range: SourceRange) -> SQLError {
        if let source = scope.sources.first(where: {
            $0.table.schema.name == name || $0.table.schema.sourceName == name
        }) {
            return error(
                .name, "'\(name)' is not in scope: here that table is called '\(source.name)'; use this name", range)
        }
        let known = scope.sources.map(\.name)
        if let other = NearestName.of(name, among: known) {
            return error(.name, "'\(name)' is not in scope; did you mean '\(other)'?", range)
        }
        return error(.name, "'\(name)' is not in scope; there is \(Self.list(known))", range)
    }

    /// Names for a message: the first of them.
    static func list(_ names: [String]) -> String {
        if names.isEmpty { return "nothing" }
        return names.prefix(8).map { "'\($0)'" }.joined(separator: ", ") + (names.count > 8 ? ", …" : "")
    }

    // MARK: Columns

    /// What a name with dots stands for. The longest beginning that names a table is one; then comes a column, then fields.
    func field(_ parts: [SQLName]) throws(SQLError) -> QueryField {
        for length in stride(from: parts.count - 1, to: 0, by: -1) {
            guard let slot = scope.slot(named: parts[..<length].map(\.text).joined(separator: ".")) else { continue }
            return try field(slot, parts[length...])
        }
        let range = parts[0].range.through(parts[parts.count - 1].range)
        if scope.sources.isEmpty {
            throw error(.name, "\(quoted(range)) is not in scope: there is no table to take it from", range)
        }
        let slots = scope.sources.indices.filter {
            scope.sources[$0].table.schema.column(spelled: parts[0].text) != nil
        }
        if parts.count > 1, !language.has(.conditions) || slots.isEmpty {
            let table = parts.dropLast().map(\.text).joined(separator: ".")
            throw unknownTable(table, parts[0].range.through(parts[parts.count - 2].range))
        }
        if scope.sources.count > 1, !language.has(.joins) {
            throw error(
                .name,
                "'\(parts[0].text)' needs its table before it, as in \(scope.sources[0].name).\(parts[0].text): names"
                    + " must be qualified when tables are joined", range)
        }
        guard let slot = slots.first else { throw unknownColumn(parts[0], in: scope.sources) }
        if slots.count > 1 {
            let meant = slots.map { "\(scope.sources[$0].name).\(parts[0].text)" }
            throw error(
                .name, "'\(parts[0].text)' is a column of several tables; write one of \(Self.list(meant))", range)
        }
        return try field(slot, parts[...])
    }

    private func field(_ slot: Int, _ parts: ArraySlice<SQLName>) throws(SQLError) -> QueryField {
        let source = scope.sources[slot]
        guard let name = parts.first, let column = source.table.schema.column(spelled: name.text) else {
            throw unknownColumn(parts[parts.startIndex], in: [source])
        }
        var field = QueryField(
            slot: slot, path: FieldPath(column), type: source.table.schema.columns[column.index].type,
            isNullable: source.isOuter)
        for part in parts.dropFirst() { try descend(into: part, &field) }
        return field
    }

    private func unknownColumn(_ name: SQLName, in sources: [Scope.Source]) -> SQLError {
        let columns = sources.flatMap { $0.table.schema.columns.dropFirst($0.table.hiddenCount).map(\.name) }
        let place = sources.count == 1 ? "'\(sources[0].name)' has" : "the tables have"
        let hint =
            if let other = NearestName.of(name.text, among: columns) { "did you mean '\(other)'?" } else {
                "there is \(Self.list(columns))"
            }
        return error(.name, "'\(name.text)' is not in scope: \(place) no such column; \(hint)", name.range)
    }

    /// One step into a struct, or into a case of an enum; an option is gone through to its value.
    private func descend(into part: SQLName, _ field: inout QueryField) throws(SQLError) {
        try require(.conditions, "fields of columns ('.\(part.text)')", part.range)
        unwrap(&field)
        switch field.type {
        case .product(let product) where !field.type.isSpecialProduct:
            // As columns, fields may be called by their names in the code.
            let names = [part.text, CaseConversion.snake(part.text)]
            let position = names.lazy.compactMap { name in product.elements.firstIndex { $0.name == name } }.first
            if let position {
                field.path.steps.append(.field(position))
                field.type = product.elements[position].algebraicType
                return
            }
            throw unknownField(part, product.elements.compactMap(\.name), "field")
        case .sum(let sum):
            // The cases of a `ScheduleAt` are `interval` and `time` in Swift.
            let isSchedule = field.type.isScheduleAt
            let names = isSchedule ? [CaseConversion.pascal(part.text)] : [part.text, CaseConversion.camel(part.text)]
            let variants = sum.variants.prefix(SumType.variantLimit)
            let tag = names.lazy.compactMap { name in variants.firstIndex { $0.name == name } }.first
            if let tag {
                field.path.steps.append(.payload(UInt8(truncatingIfNeeded: tag)))
                field.type = sum.variants[tag].algebraicType
                field.isNullable = true
                return
            }
            throw unknownField(part, isSchedule ? ["interval", "time"] : sum.variants.compactMap(\.name), "case")
        default:
            throw error(
                .name,
                "'.\(part.text)' has no meaning here: what stands before it is of type \(field.type.swiftText),"
                    + " which has no fields", part.range)
        }
    }

    private func unknownField(_ name: SQLName, _ known: [String], _ kind: String) -> SQLError {
        let hint =
            if let other = NearestName.of(name.text, among: known) { "did you mean '\(other)'?" } else {
                "there is \(Self.list(known))"
            }
        return error(.name, "there is no \(kind) '\(name.text)'; \(hint)", name.range)
    }

    /// The value of an option in place of the option: in conditions that is what is meant.
    func unwrap(_ field: inout QueryField) {
        guard language.has(.conditions), let payload = field.type.optionPayload else { return }
        field.path.steps.append(.payload(0))
        field.type = payload
        field.isNullable = true
    }
}
