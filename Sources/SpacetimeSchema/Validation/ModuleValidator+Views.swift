import SpacetimeSATS

extension ModuleValidator {
    mutating func buildViews() {
        let keys = viewPrimaryKeys()
        for definition in raw.views {
            let path = root.appending(.view(definition.sourceName))
            let name = functionName(definition.sourceName, at: path)
            if name.utf8.starts(with: "st_".utf8) {
                errors.report(
                    .tableNameReserved, at: path, "\(quoted(name)) begins with 'st_', as only the host's own tables do")
            }
            let parameters = buildParameters(definition.parameters, at: path)
            guard let (result, ref) = definition.returnType.viewResult else {
                errors.report(
                    .invalidViewReturnType, at: path,
                    "a view returns an Option or an Array of a declared row type, or a query for one")
                continue
            }
            var untyped: Set<ColumnID> = []
            guard let columns = buildColumns(ref, at: path, untyped: &untyped) else { continue }
            checkViewColumns(columns, at: path)
            var view = ViewSchema(
                name: name, sourceName: definition.sourceName, index: definition.index, isPublic: definition.isPublic,
                isAnonymous: definition.isAnonymous, parameters: parameters, result: result, columns: columns)
            if let column = keys[definition.sourceName] {
                view.primaryKey = primaryKey(column, of: view, at: path)
            } else if result == .query {
                view.primaryKey = inheritedPrimaryKey(ref)
            }
            schema.views.append(view)
        }
    }

    private mutating func checkViewColumns(_ columns: [ColumnSchema], at path: SchemaPath) {
        var rules = TableRules(
            table: TableSchema(name: "", columns: columns), path: path, options: options, untyped: [])
        rules.checkColumns()
        errors.append(contentsOf: rules.errors)
    }

    // MARK: - Primary keys

    /// Source names of the stated key columns by source name of the view.
    private mutating func viewPrimaryKeys() -> [String: String] {
        let views = Set(raw.views.map(\.sourceName))
        var seen: Set<String> = []
        var keys: [String: String] = [:]
        for entry in raw.viewPrimaryKeys {
            let path = root.appending(.view(entry.viewSourceName))
            guard views.contains(entry.viewSourceName) else {
                errors.report(
                    .viewPrimaryKeyViewNotFound, at: path, "a primary key is stated, but there is no such view")
                continue
            }
            guard seen.insert(entry.viewSourceName).inserted else {
                errors.report(.repeatedViewPrimaryKey, at: path, "the view has two primary keys; drop one")
                continue
            }
            guard entry.columns.count <= 1 else {
                errors.report(
                    .multipleViewPrimaryKeyColumns, at: path,
                    "the primary key has \(entry.columns.count) columns; use one")
                continue
            }
            keys[entry.viewSourceName] = entry.columns.first
        }
        return keys
    }

    private mutating func primaryKey(_ column: String, of view: ViewSchema, at path: SchemaPath) -> [ColumnID] {
        guard let position = view.columns.firstIndex(where: { $0.sourceName == column }) else {
            errors.report(
                .viewPrimaryKeyColumnNotFound, at: path,
                "the view has no column \(quoted(column)) to be its primary key")
            return []
        }
        return [ColumnID(position)]
    }

    /// The primary key on which all tables of that row type agree.
    private mutating func inheritedPrimaryKey(_ ref: UInt32) -> [ColumnID] {
        if primaryKeysByRowType == nil {
            var keys: [UInt32: [ColumnID]] = [:]
            for table in raw.tables {
                let known = keys[table.productTypeRef]
                keys[table.productTypeRef] = known == nil || known == table.primaryKey ? table.primaryKey : []
            }
            primaryKeysByRowType = keys
        }
        return primaryKeysByRowType?[ref] ?? []
    }
}

extension AlgebraicType {
    /// What a view of this return type gives, and the reference to its rows.
    fileprivate var viewResult: (ViewResult, UInt32)? {
        if case .ref(let ref)? = optionPayload { return (.option, ref) }
        if case .array(.ref(let ref)) = self { return (.array, ref) }
        if case .product(let product) = self, product.elements.count == 1, product.elements[0].name == "__query__",
            case .ref(let ref) = product.elements[0].algebraicType
        {
            return (.query, ref)
        }
        return nil
    }
}
