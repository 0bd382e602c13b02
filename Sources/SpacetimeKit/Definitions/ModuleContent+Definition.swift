import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

extension ModuleContent {
    /// The definition in the form that every module hands over, native or guest.
    ///
    /// - Parameter isWhole: false for some tables of a module, whose reducers stand elsewhere.
    func rawDefinition(isWhole: Bool = true) throws(DatabaseError) -> RawModuleDefV10 {
        var types = TypespaceBuilder()
        var tables: [RawTableDefV10] = []
        for table in self.tables { tables.append(try rawTable(table, types: &types)) }
        var reducers: [RawReducerDefV10] = []
        var lifecycles: [RawLifecycleReducerDef] = []
        var schedules: [RawScheduleDefV10] = []
        for reducer in self.reducers {
            let named = zip(reducer.parameterNames, reducer.parameterTypes(&types)).map { ($0, $1) }
            reducers.append(
                RawReducerDefV10(
                    sourceName: reducer.name, parameters: ProductType(named),
                    visibility: reducer.lifecycle == nil ? .clientCallable : .private))
            guard let moment = reducer.lifecycle else { continue }
            if let lifecycle = Lifecycle(moment) {
                lifecycles.append(RawLifecycleReducerDef(lifecycle: lifecycle, functionName: reducer.name))
            } else {
                schedules.append(try schedule(reducer, taking: named.map(\.1), tables, types.typespace))
            }
        }
        if isWhole { try requireReducers(for: tables, scheduled: Set(schedules.map(\.tableName)), types.typespace) }
        let declared = types.names.map { RawTypeDef(scope: [], sourceName: $0.name, ref: $0.ref, customOrdering: true) }
        var sections: [RawModuleDefV10.Section] = [
            .typespace(types.typespace), .types(declared), .tables(tables), .reducers(reducers),
            .lifecycleReducers(lifecycles),
        ]
        if !schedules.isEmpty { sections.append(.schedules(schedules)) }
        return RawModuleDefV10(sections: sections)
    }

    /// The table whose rows a scheduled reducer takes, and the column that says when.
    private func schedule(
        _ reducer: ReducerDescription, taking parameters: [AlgebraicType], _ tables: [RawTableDefV10],
        _ typespace: Typespace
    ) throws(DatabaseError) -> RawScheduleDefV10 {
        func refuse(_ reason: String) -> DatabaseError {
            DatabaseError(.invalidModule, "the scheduled reducer '\(reducer.name)' \(reason)")
        }
        guard parameters.count == 1, case .ref(let row) = parameters[0],
            let table = tables.first(where: { $0.productTypeRef == row })
        else { throw refuse("must take one row of a table of this module, beside the context") }
        guard case .product(let columns)? = typespace[row] else { throw refuse("takes a row of an unknown type") }
        let positions = columns.elements.indices.filter { columns.elements[$0].algebraicType.isScheduleAt }
        guard positions.count == 1 else {
            throw refuse(
                "takes rows of '\(table.sourceName)', which need one column of type ScheduleAt, not \(positions.count)")
        }
        return RawScheduleDefV10(
            sourceName: nil, tableName: table.sourceName, scheduleAtColumn: ColumnID(positions[0]),
            functionName: reducer.name)
    }

    /// Refuses tables that look scheduled, but whose rows nothing would ever be called for.
    private func requireReducers(
        for tables: [RawTableDefV10], scheduled: Set<String>, _ typespace: Typespace
    ) throws(DatabaseError) {
        for (table, description) in zip(tables, self.tables)
        where !scheduled.contains(table.sourceName) && !description.definition.isUnscheduled {
            guard case .product(let columns)? = typespace[table.productTypeRef],
                let time = columns.elements.first(where: { $0.algebraicType.isScheduleAt })
            else { continue }
            throw DatabaseError(
                .invalidModule,
                """
                nothing is called when a row of '\(table.sourceName)' is due, which its column \
                '\(time.name ?? "")' of type ScheduleAt says; add '@Reducer(.scheduled) static func due(_ context: \
                borrowing Context, row: \(description.typeName))' to the module, or write @Table(.unscheduled) if the \
                column is a value like any other
                """)
        }
    }

    private func rawTable(
        _ table: TableDescription, types: inout TypespaceBuilder
    ) throws(DatabaseError) -> RawTableDefV10 {
        let definition = table.definition
        guard case .ref(let ref) = table.declare(&types) else {
            throw DatabaseError(
                .invalidModule, "the row type \(table.typeName) does not declare itself; use @Table on the struct")
        }
        func columnIDs(_ positions: [Int]) -> [ColumnID] { positions.map { ColumnID($0) } }
        let indexes = definition.indexes.map { index in
            let names = index.columns.map { definition.columns[$0].name }
            let columns = columnIDs(index.columns)
            let algorithm: RawIndexAlgorithm =
                switch index.algorithm {
                case .btree: .btree(columns)
                case .hash: .hash(columns)
                case .direct: .direct(columns[0])
                }
            let name = GeneratedName.index(table: definition.name, columns: names, algorithm: .init(index.algorithm))
            return RawIndexDef(sourceName: name, accessorName: index.accessor, algorithm: algorithm)
        }
        let defaults = definition.columns.enumerated().compactMap { position, column in
            column.defaultValue.map { RawColumnDefaultValue(column: ColumnID(position), value: $0) }
        }
        return RawTableDefV10(
            sourceName: definition.name, productTypeRef: ref, primaryKey: columnIDs(definition.primaryKey),
            indexes: indexes,
            constraints: definition.uniqueConstraints.map { RawConstraintDef(data: .unique(columnIDs($0))) },
            sequences: definition.autoIncrement.map { RawSequenceDef(column: ColumnID($0)) },
            tableAccess: definition.access == .public ? .public : .private, defaultValues: defaults,
            isEvent: definition.isEvent)
    }
}

extension Lifecycle {
    /// Nil for what is no event of the database but of a row.
    fileprivate init?(_ lifecycle: ReducerLifecycle) {
        switch lifecycle {
        case .scheduled: return nil
        case .initialize: self = .onInit
        case .clientConnected: self = .onConnect
        case .clientDisconnected: self = .onDisconnect
        }
    }
}

extension SpacetimeSchema.IndexAlgorithm {
    fileprivate init(_ algorithm: IndexAlgorithm) {
        switch algorithm {
        case .btree: self = .btree
        case .hash: self = .hash
        case .direct: self = .direct
        }
    }
}
