import SpacetimeSATS

/// The rules for a table by itself: everything that needs neither the module's types nor its other parts.
struct TableRules {
    let table: TableSchema
    let path: SchemaPath
    let options: ValidationOptions
    /// Columns whose type is already reported; rules about types pass them over.
    let untyped: Set<ColumnID>
    var errors = ErrorCollector()

    mutating func check() {
        guard checkCounts() else { return }
        checkTableName()
        checkColumns()
        checkPrimaryKey()
        checkUniqueConstraints()
        checkIndexes()
        checkSequences()
        checkDefaults()
        checkSchedule()
    }

    private mutating func checkCounts() -> Bool {
        if table.columns.count > options.columnLimit {
            errors.report(
                .tooManyColumns, at: path,
                "the table has \(table.columns.count) columns; use at most \(options.columnLimit)")
            return false
        }
        if max(table.indexes.count, table.uniqueConstraints.count) > options.indexLimit {
            errors.report(
                .tooManyIndexes, at: path,
                "the table has \(table.indexes.count) indexes and \(table.uniqueConstraints.count) unique constraints; "
                    + "use at most \(options.indexLimit) of each")
            return false
        }
        return true
    }

    private mutating func checkTableName() {
        let name = table.name
        errors.checkIdentifier(name, at: path, limit: options.nameByteLimit, source: table.sourceName)
        if table.kind == .user && name.utf8.starts(with: "st_".utf8) {
            errors.report(
                .tableNameReserved, at: path, "\(quoted(name)) begins with 'st_', as only the host's own tables do")
        }
    }

    mutating func checkColumns() {
        var owners: [String: Int] = [:]
        for (position, column) in table.columns.enumerated() {
            let columnPath = path.appending(.column(column.sourceName))
            let limit = options.nameByteLimit
            // One report is enough if the two names share their flaw.
            if errors.checkIdentifier(column.sourceName, at: columnPath, limit: limit),
                column.name != column.sourceName
            {
                errors.checkIdentifier(column.name, at: columnPath, limit: limit, source: column.sourceName)
            }
            if let owner = owners[column.name] {
                errors.report(
                    .duplicateColumnName, at: columnPath,
                    "columns \(owner) and \(position) are both named \(quoted(column.name)); rename one of them")
            } else {
                owners[column.name] = position
            }
        }
    }

    private mutating func checkPrimaryKey() {
        guard !table.primaryKey.isEmpty else { return }
        if table.primaryKey.count > 1 && !options.allowsCompositePrimaryKey {
            errors.report(
                .repeatedPrimaryKey, at: path,
                "the primary key has \(table.primaryKey.count) columns; use one, and a unique constraint for the rest")
            return
        }
        guard checkColumnList(table.primaryKey, at: path, what: "primary key") else { return }
        let key = ColumnSet(table.primaryKey)
        if !table.uniqueConstraints.contains(where: { ColumnSet($0.columns) == key }) {
            errors.report(
                .missingPrimaryKeyUniqueConstraint, at: path,
                "the primary key (\(names(table.primaryKey))) has no unique constraint on exactly these columns; add one"
            )
        }
    }

    private mutating func checkUniqueConstraints() {
        if !options.allowsFloatKeys { checkExactness() }
        let indexed = Set(table.indexes.map { ColumnSet($0.columns) })
        for constraint in table.uniqueConstraints {
            let constraintPath = path.appending(.constraint(constraint.name))
            guard checkColumnList(constraint.columns, at: constraintPath, what: "constraint") else { continue }
            checkPartName(constraint.name, at: constraintPath)
            if !indexed.contains(ColumnSet(constraint.columns)) {
                errors.report(
                    .uniqueConstraintWithoutIndex, at: constraintPath,
                    "no index covers exactly the columns (\(names(constraint.columns))); add one")
            }
        }
    }

    /// Primary keys have a unique constraint, so this is about them, too. Each column is looked at once.
    private mutating func checkExactness() {
        for id in Set(table.uniqueConstraints.flatMap(\.columns)).sorted() where !untyped.contains(id) {
            guard let column = table.column(id), column.type.containsFloat else { continue }
            errors.report(
                .floatInKey, at: path.appending(.column(column.sourceName)),
                "the column is unique and holds floating-point numbers, of which 0 and -0 are equal and NaN is equal to "
                    + "none, so that clients know no such keys; make it an integer, a number of thousandths for example"
            )
        }
    }

    private mutating func checkIndexes() {
        let constrained = Set(table.uniqueConstraints.map { ColumnSet($0.columns) })
        for index in table.indexes {
            let indexPath = path.appending(.index(index.sourceName))
            if let accessor = index.accessorName {
                errors.checkIdentifier(accessor, at: indexPath, limit: options.nameByteLimit)
            }
            guard checkColumnList(index.columns, at: indexPath, what: "index") else { continue }
            checkPartName(index.name, at: indexPath)
            if index.algorithm == .direct { checkDirect(index, at: indexPath) }
            if index.isUnique != constrained.contains(ColumnSet(index.columns)) {
                errors.report(
                    .indexUniquenessMismatch, at: indexPath,
                    "the index must be unique exactly if a unique constraint has the same columns")
            }
        }
    }

    /// A generated name that would be too long is left empty.
    private mutating func checkPartName(_ name: String, at partPath: SchemaPath) {
        let limit = options.nameByteLimit
        if name.isEmpty || name.utf8.count > limit {
            errors.report(
                .nameTooLong, at: partPath,
                "the name, which lists the table and the columns, is longer than \(limit) bytes; name it explicitly "
                    + "or shorten the names")
        }
    }

    private mutating func checkDirect(_ index: IndexSchema, at indexPath: SchemaPath) {
        let fits =
            index.columns.count == 1
            && index.columns.allSatisfy {
                untyped.contains($0) || Self.isDirectKey(table.columns[$0.index].type)
            }
        if !fits {
            errors.report(
                .directIndexOnBadType, at: indexPath,
                "a direct index needs one column of type U8, U16, U32, U64 or an enum without payloads; use a B-tree")
        }
    }

    private static func isDirectKey(_ type: AlgebraicType) -> Bool {
        switch type {
        case .u8, .u16, .u32, .u64: true
        default: type.isSimpleEnum
        }
    }

    private mutating func checkDefaults() {
        for value in table.defaults {
            guard let column = table.column(value.column) else {
                reportMissing(value.column, at: path, what: "default value")
                continue
            }
            guard !untyped.contains(value.column) else { continue }
            do throws(BSATNError) {
                _ = try column.type.prefixLength(of: value.bytes)
            } catch {
                errors.report(
                    .columnDefaultValueMalformed, at: path.appending(.column(column.sourceName)),
                    "the default value does not decode at the column's type: \(error)")
            }
        }
    }

    private mutating func checkSchedule() {
        guard let schedule = table.schedule else { return }
        let schedulePath = path.appending(.schedule(schedule.name))
        guard let column = table.column(schedule.column) else {
            reportMissing(schedule.column, at: schedulePath, what: "schedule")
            return
        }
        let keyFits = table.primaryKey.count == 1 && table.primaryKey.allSatisfy { table.column($0)?.type == .u64 }
        if !column.type.isScheduleAt || !keyFits {
            errors.report(
                .scheduledIncorrectColumns, at: schedulePath,
                "a scheduled table needs a ScheduleAt column, here \(quoted(column.sourceName)), and a primary key of "
                    + "one U64 column")
        }
    }

    // MARK: - Lists of columns

    /// Whether the columns exist and differ and there is at least one.
    mutating func checkColumnList(_ columns: [ColumnID], at listPath: SchemaPath, what: String) -> Bool {
        if columns.isEmpty {
            errors.report(.emptyColumnList, at: listPath, "the \(what) has no columns; give it at least one")
            return false
        }
        var seen: Set<ColumnID> = []
        for column in columns {
            guard column.index < table.columns.count else {
                reportMissing(column, at: listPath, what: what)
                return false
            }
            guard seen.insert(column).inserted else {
                errors.report(
                    .duplicateColumns, at: listPath,
                    "the \(what) lists column \(quoted(table.columns[column.index].sourceName)) twice; drop one")
                return false
            }
        }
        return true
    }

    mutating func reportMissing(_ column: ColumnID, at listPath: SchemaPath, what: String) {
        errors.report(
            .columnNotFound, at: listPath,
            "the \(what) refers to column \(column), but the table has \(table.columns.count) columns")
    }

    private func names(_ columns: [ColumnID]) -> String {
        columns.prefix(8).map { quoted(table.columns[$0.index].sourceName) }.joined(separator: ", ")
    }
}

extension AlgebraicType {
    /// How many bytes the value takes that `bytes` begin with. The type must be free of references.
    func prefixLength(of bytes: [UInt8]) throws(BSATNError) -> Int {
        var reader = BSATNReader(bytes.span.bytes)
        _ = try AlgebraicValue(from: &reader, type: self)
        return reader.offset
    }
}
