import SpacetimeSATS

extension ModuleValidator {
    mutating func buildTables() {
        for definition in raw.tables {
            let path = root.appending(.table(definition.sourceName))
            tableBySourceName[definition.sourceName] = tableBySourceName[definition.sourceName] ?? schema.tables.count
            var untyped: Set<ColumnID> = []
            let built = buildColumns(definition.productTypeRef, at: path, untyped: &untyped)
            if built == nil { unbuiltTables.insert(schema.tables.count) }
            let columns = built ?? []
            var table = TableSchema(
                name: canonicalName(.table, definition.sourceName), sourceName: definition.sourceName,
                columns: columns, primaryKey: definition.primaryKey,
                access: definition.tableAccess == .public ? .public : .private,
                kind: definition.tableType == .system ? .system : .user, isEvent: definition.isEvent)
            // Of a table without columns or with too many parts, only that is reported.
            if built != nil && isWithinLimits(definition) {
                table.uniqueConstraints = buildConstraints(definition, of: table)
                table.indexes = buildIndexes(definition, of: table, at: path)
                table.sequences = buildSequences(definition, of: table)
                table.defaults = buildDefaults(definition, of: table, at: path)
            }
            schema.tables.append(table)
            untypedColumns.append(untyped)
        }
    }

    /// The rules that look at a table as a whole; last, since schedules belong to tables.
    mutating func checkTables() {
        for (position, table) in schema.tables.enumerated() {
            let definition = raw.tables[position]
            let path = root.appending(.table(table.sourceName))
            guard isWithinLimits(definition) else {
                errors.report(
                    .tooManyIndexes, at: path,
                    "the table has \(definition.indexes.count) indexes and \(definition.constraints.count) unique "
                        + "constraints; use at most \(options.indexLimit) of each")
                continue
            }
            // A table without columns because they could not be made was reported where that came out.
            guard !unbuiltTables.contains(position) else { continue }
            var rules = TableRules(table: table, path: path, options: options, untyped: untypedColumns[position])
            rules.check()
            errors.append(contentsOf: rules.errors)
        }
    }

    private func isWithinLimits(_ definition: RawTableDefV10) -> Bool {
        max(definition.indexes.count, definition.constraints.count) <= options.indexLimit
    }

    // MARK: - Columns

    /// The columns of the rows of a table or view, or nil if there is nothing to make them of.
    mutating func buildColumns(
        _ ref: UInt32, at path: SchemaPath, untyped: inout Set<ColumnID>
    ) -> [ColumnSchema]? {
        guard Int(ref) < types.count, case .product(let source) = sourceTypes[Int(ref)],
            case .product(let converted) = types[Int(ref)]
        else {
            errors.report(
                .invalidProductTypeRef, at: path, "type reference \(ref) does not lead to a product to make rows of")
            return nil
        }
        let count = converted.elements.count
        guard count <= options.columnLimit else {
            errors.report(
                .tooManyColumns, at: path, "the row type has \(count) columns; use at most \(options.columnLimit)")
            return nil
        }
        guard charge(count, at: path) else { return nil }
        var columns: [ColumnSchema] = []
        columns.reserveCapacity(count)
        for (position, element) in converted.elements.enumerated() {
            let id = ColumnID(position)
            let sourceName = source.elements[position].name ?? GeneratedName.namelessColumn(id)
            let columnPath = path.appending(.column(sourceName))
            if element.name == nil {
                errors.report(.unnamedColumn, at: columnPath, "column \(position) has no name; give it one")
            }
            let type = storedType(element.algebraicType, at: columnPath)
            if type == nil { untyped.insert(id) }
            columns.append(
                ColumnSchema(
                    name: element.name ?? GeneratedName.namelessColumn(id), sourceName: sourceName,
                    type: type ?? element.algebraicType))
        }
        return columns
    }

    // MARK: - Constraints, indexes, sequences, defaults

    private func buildConstraints(
        _ definition: RawTableDefV10, of table: TableSchema
    ) -> [UniqueConstraintSchema] {
        definition.constraints.map { constraint in
            switch constraint.data {
            case .unique(let columns):
                let generated = generatedName(of: columns, in: table) {
                    GeneratedName.uniqueConstraint(table: table.name, columns: $0)
                }
                let given = dialect.keepsGivenNames ? constraint.sourceName : nil
                return UniqueConstraintSchema(name: given ?? generated, columns: columns)
            }
        }
    }

    private mutating func buildIndexes(
        _ definition: RawTableDefV10, of table: TableSchema, at path: SchemaPath
    ) -> [IndexSchema] {
        let constrained = Set(table.uniqueConstraints.map { ColumnSet($0.columns) })
        var indexes: [IndexSchema] = []
        for (position, index) in definition.indexes.enumerated() {
            let columns = index.algorithm.columns
            let algorithm = index.algorithm.algorithm
            let generated = generatedName(of: columns, in: table) {
                GeneratedName.index(table: table.name, columns: $0, algorithm: algorithm)
            }
            var name = generated
            if let given = index.sourceName {
                if dialect.keepsGivenNames { name = given }
                if let explicit = explicitNames[ExplicitNameKey(kind: .index, sourceName: given)] {
                    name = explicit
                    errors.checkIdentifier(name, at: path.appending(.index(given)), limit: options.nameByteLimit)
                }
            } else if dialect.requiresIndexSourceName {
                errors.report(
                    .missingIndexSourceName, at: path.appending(.index("\(position)")),
                    "the index has no source name; module code finds its indexes by it")
            }
            indexes.append(
                IndexSchema(
                    name: name, sourceName: index.sourceName ?? name, accessorName: index.accessorName,
                    algorithm: algorithm, columns: columns, isUnique: constrained.contains(ColumnSet(columns))))
        }
        return indexes
    }

    private func buildSequences(_ definition: RawTableDefV10, of table: TableSchema) -> [SequenceSchema] {
        definition.sequences.map { sequence in
            let generated = generatedName(of: [sequence.column], in: table) {
                GeneratedName.sequence(table: table.name, column: $0[0])
            }
            return SequenceSchema(
                name: sequence.sourceName ?? generated, column: sequence.column, start: sequence.start ?? 1,
                minimum: sequence.minimum ?? 1, maximum: sequence.maximum ?? .max, increment: sequence.increment)
        }
    }

    /// The name that `make` gives for the columns' names, or nothing if some column does not exist or the name would be
    /// too long, both of which are reported elsewhere.
    private func generatedName(
        of columns: [ColumnID], in table: TableSchema, _ make: ([String]) -> String
    ) -> String {
        guard columns.count <= table.columns.count else { return "" }
        var names: [String] = []
        var byteCount = table.name.utf8.count
        for column in columns {
            guard let name = table.column(column)?.name else { return "" }
            byteCount += name.utf8.count + 1
            guard byteCount <= options.nameByteLimit else { return "" }
            names.append(name)
        }
        return make(names)
    }

    private mutating func buildDefaults(
        _ definition: RawTableDefV10, of table: TableSchema, at path: SchemaPath
    ) -> [DefaultValueSchema] {
        var byColumn: [ColumnID: [UInt8]] = [:]
        for value in definition.defaultValues {
            if dialect.refusesRepeatedDefaults && byColumn[value.column] != nil {
                let name = table.column(value.column)?.sourceName ?? GeneratedName.namelessColumn(value.column)
                errors.report(
                    .multipleColumnDefaultValues, at: path.appending(.column(name)),
                    "the column has two default values; drop one")
            }
            byColumn[value.column] = value.value
        }
        return byColumn.keys.sorted().map { column in
            var bytes = byColumn[column] ?? []
            // Bytes behind the value mean nothing. A value that does not decode is reported by the rules for tables.
            if let type = table.column(column)?.type, let length = try? type.prefixLength(of: bytes) {
                bytes.removeSubrange(length...)
            }
            return DefaultValueSchema(column: column, bytes: bytes)
        }
    }
}
