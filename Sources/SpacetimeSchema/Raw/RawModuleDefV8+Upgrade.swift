import SpacetimeSATS

extension RawModuleDefV8 {
    /// The same definition as version 9. Names that version 8 left open are made up the way they always were, since
    /// databases know the parts by them.
    func upgraded(options: ValidationOptions, errors: inout ErrorCollector) -> RawModuleDefV9 {
        var module = RawModuleDefV9()
        module.typespace = typespace
        checkColumns(options: options, errors: &errors)
        module.tables = tables.map { $0.upgraded(nameByteLimit: options.nameByteLimit, errors: &errors) }
        module.reducers = reducers.map { reducer in
            let lifecycle: Lifecycle? =
                switch reducer.name {
                case "__init__": .onInit
                case "__identity_connected__": .onConnect
                case "__identity_disconnected__": .onDisconnect
                default: nil
                }
            return RawReducerDefV9(name: reducer.name, parameters: reducer.arguments, lifecycle: lifecycle)
        }
        module.types = typeAliases.map { alias in
            var scope = alias.parts
            let name = scope.popLast() ?? ""
            return RawTypeDef(scope: scope, sourceName: name, ref: alias.ref, customOrdering: true)
        }
        return module
    }

    /// Version 8 states columns twice: here they must agree, then the row type counts.
    private func checkColumns(options: ValidationOptions, errors: inout ErrorCollector) {
        guard !typespace.types.contains(where: { $0.inlineDepthExceeds(options.typeDepthLimit) }) else { return }
        let resolver = TypeResolver(
            types: typespace.types, declared: [], depthLimit: options.typeDepthLimit, sizeLimit: options.typeSizeLimit)
        var comparedSize = 0
        for table in tables {
            guard case .product(let row)? = typespace[table.data] else { continue }
            let path = SchemaPath(.table(table.name))
            guard row.elements.count == table.columns.count else {
                errors.report(
                    .columnDefMalformed, at: path,
                    "the table states \(table.columns.count) columns, its row type has \(row.elements.count)")
                continue
            }
            for (column, element) in zip(table.columns, row.elements) {
                let agrees =
                    column.name == element.name
                    && (column.type == element.algebraicType
                        || resolver.agree(column.type, element.algebraicType, &comparedSize, options: options))
                if !agrees {
                    errors.report(
                        .columnDefMalformed, at: path.appending(.column(column.name)),
                        "the column differs from the row type in name or type")
                }
            }
        }
    }
}

extension TypeResolver {
    /// Whether two types are the same once written out. `comparedSize` adds up over a module, so that short definitions
    /// cannot ask for endless comparisons.
    fileprivate func agree(
        _ left: AlgebraicType, _ right: AlgebraicType, _ comparedSize: inout Int, options: ValidationOptions
    ) -> Bool {
        guard !left.inlineDepthExceeds(options.typeDepthLimit), case .success(let left) = resolve(left),
            case .success(let right) = resolve(right), left.size == right.size
        else { return false }
        comparedSize += left.size
        return comparedSize <= options.totalTypeSizeLimit && left.type == right.type
    }
}

extension RawTypeAliasV8 {
    /// The name, cut at `::` and at `.`.
    fileprivate var parts: [String] {
        var parts = [""]
        let scalars = Array(name.unicodeScalars)
        var position = 0
        while position < scalars.count {
            if scalars[position] == ":" && position + 1 < scalars.count && scalars[position + 1] == ":" {
                parts.append("")
                position += 2
            } else if scalars[position] == "." {
                parts.append("")
                position += 1
            } else {
                parts[parts.count - 1].unicodeScalars.append(scalars[position])
                position += 1
            }
        }
        return parts
    }
}

extension RawTableDescV8 {
    fileprivate func upgraded(nameByteLimit: Int, errors: inout ErrorCollector) -> RawTableDefV9 {
        var table = RawTableDefV9(name: name, productTypeRef: data)
        table.tableType = tableType
        table.tableAccess = tableAccess
        table.indexes = indexes.map { index in
            let algorithm: RawIndexAlgorithm = index.type == .btree ? .btree(index.columns) : .hash(index.columns)
            return RawIndexDef(sourceName: index.name, accessorName: index.name, algorithm: algorithm)
        }
        table.sequences = sequences.map {
            RawSequenceDef(
                sourceName: $0.name, column: $0.column, start: $0.start, minimum: $0.minimum, maximum: $0.maximum,
                increment: $0.increment)
        }
        // A table whose name is too long is refused for that, and must not have its name copied into every part first.
        if name.utf8.count <= nameByteLimit {
            upgradeConstraints(into: &table, errors: &errors)
            constrainUniqueIndexes(in: &table, nameByteLimit: nameByteLimit)
        }
        if let scheduled, let column = columns.firstIndex(where: { $0.name == "scheduled_at" }) {
            // A table of more than 65,536 columns is refused for that.
            table.schedule = RawScheduleDefV9(
                reducerName: scheduled, scheduledAtColumn: ColumnID(exactly: column) ?? ColumnID(UInt16.max))
        }
        return table
    }

    private func upgradeConstraints(into table: inout RawTableDefV9, errors: inout ErrorCollector) {
        var indexNames = Set(indexes.map(\.name))
        var filled = Set(sequences.map(\.column))
        for constraint in constraints {
            let isUnique = constraint.kind.isSuperset(of: .unique)
            if isUnique {
                table.constraints.append(
                    RawConstraintDef(sourceName: constraint.name, data: .unique(constraint.columns)))
            }
            if constraint.kind.isSuperset(of: .primaryKey) {
                if !table.primaryKey.isEmpty || constraint.columns.count != 1 {
                    errors.report(
                        .repeatedPrimaryKey, at: SchemaPath(.table(name), .constraint(constraint.name)),
                        "a table has at most one primary key, of one column")
                } else {
                    table.primaryKey = constraint.columns
                }
            }
            let stem = stem(of: constraint.name)
            if constraint.kind.contains(.indexed) {
                let suffix = isUnique ? "unique" : "non_unique"
                let indexName =
                    "idx_\(name)_\(stem)"
                    + (stem.utf8.reversed().starts(with: suffix.utf8.reversed()) ? "" : "_\(suffix)")
                if indexNames.insert(indexName).inserted {
                    table.indexes.append(
                        RawIndexDef(
                            sourceName: indexName, accessorName: indexName, algorithm: .btree(constraint.columns)))
                }
            }
            if constraint.kind.contains(.autoInc), let column = constraint.columns.first,
                filled.insert(column).inserted
            {
                table.sequences.append(RawSequenceDef(sourceName: "seq_\(name)_\(stem)", column: column))
            }
        }
    }

    /// An index that is unique by itself gets the constraint that makes it so.
    private func constrainUniqueIndexes(in table: inout RawTableDefV9, nameByteLimit: Int) {
        var constrained = Set(constraints.map { ColumnSet($0.columns) })
        for index in indexes where constrained.insert(ColumnSet(index.columns)).inserted && index.isUnique {
            var constraintName: String? = "ct_\(name)"
            for column in index.columns where constraintName != nil {
                constraintName? += "_"
                constraintName? += self.name(of: column)
                if let made = constraintName, made.utf8.count > nameByteLimit { constraintName = nil }
            }
            table.constraints.append(
                RawConstraintDef(sourceName: constraintName.map { $0 + "_unique" }, data: .unique(index.columns)))
        }
    }

    private func name(of column: ColumnID) -> String {
        column.index < columns.count ? columns[column.index].name : GeneratedName.namelessColumn(column)
    }

    private func stem(of constraintName: String) -> String {
        let prefix = "ct_\(name)_"
        // The names may begin with marks that join the letter before, so no characters are compared but bytes.
        guard constraintName.utf8.starts(with: prefix.utf8) else { return constraintName }
        return String(Substring(constraintName.utf8.dropFirst(prefix.utf8.count)))
    }
}
