import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

extension ModuleContent {
    /// The definition in the form that every module hands over, native or guest.
    ///
    /// - Parameter isWhole: false for some tables of a module, whose reducers stand elsewhere.
    func rawDefinition(isWhole: Bool = true) throws(DatabaseError) -> RawModuleDefV10 {
        var types = TypespaceBuilder()
        var indexNames = IndexNames(self.tables)
        var tables: [RawTableDefV10] = []
        for table in self.tables { tables.append(try rawTable(table, types: &types, indexNames: &indexNames)) }
        var reducers: [RawReducerDefV10] = []
        var lifecycles: [RawLifecycleReducerDef] = []
        var schedules: [RawScheduleDefV10] = []
        for reducer in self.reducers {
            let named = zip(reducer.parameterNames, reducer.parameterTypes(&types)).map { ($0, $1) }
            reducers.append(
                RawReducerDefV10(
                    sourceName: reducer.name, parameters: ProductType(named),
                    visibility: reducer.lifecycle == nil && reducer.access == .public ? .clientCallable : .private))
            switch reducer.lifecycle {
            case nil: break
            case .scheduled:
                schedules.append(try schedule(reducer.name, taking: named.map(\.1), tables, types.typespace))
            case .sliced: try requireTable(of: reducer)
            case .initialize: lifecycles.append(.init(lifecycle: .onInit, functionName: reducer.name))
            case .clientConnected: lifecycles.append(.init(lifecycle: .onConnect, functionName: reducer.name))
            case .clientDisconnected: lifecycles.append(.init(lifecycle: .onDisconnect, functionName: reducer.name))
            }
        }
        var procedures: [RawProcedureDefV10] = []
        for procedure in self.procedures {
            let named = zip(procedure.parameterNames, procedure.parameterTypes(&types)).map { ($0, $1) }
            procedures.append(
                RawProcedureDefV10(
                    sourceName: procedure.name, parameters: ProductType(named),
                    returnType: procedure.resultType(&types),
                    visibility: procedure.options.isDisjoint(with: [.private, .scheduled])
                        ? .clientCallable : .private))
            guard procedure.options.contains(.scheduled) else { continue }
            schedules.append(try schedule(procedure.name, taking: named.map(\.1), tables, types.typespace))
        }
        let viewTypes = views.map { view in
            (
                view.rowType(&types),
                ProductType(zip(view.parameterNames, view.parameterTypes(&types)).map { ($0, $1) })
            )
        }
        if isWhole { try requireReducers(for: tables, scheduled: Set(schedules.map(\.tableName)), types.typespace) }
        let declared = Self.typeNames(types).map {
            RawTypeDef(scope: [], sourceName: $0.name, ref: $0.ref, customOrdering: true)
        }
        var sections: [RawModuleDefV10.Section] = [
            .typespace(types.typespace), .types(declared), .tables(tables), .reducers(reducers),
            .lifecycleReducers(lifecycles),
        ]
        if !procedures.isEmpty { sections.append(.procedures(procedures)) }
        if !views.isEmpty {
            sections.append(
                .views(
                    views.enumerated().map { position, view in
                        let (row, parameters) = viewTypes[position]
                        return RawViewDef(
                            sourceName: view.name,
                            index: UInt32(views[..<position].count { $0.isAnonymous == view.isAnonymous }),
                            isAnonymous: view.isAnonymous, parameters: parameters,
                            returnType: view.isQuery ? .product([("__query__", row)]) : .array(row))
                    }))
            sections.append(
                .viewPrimaryKeys(
                    views.compactMap { view in
                        view.primaryKey.map { RawViewPrimaryKeyDef(viewSourceName: view.name, columns: [$0]) }
                    }))
        }
        var texts: [RawRowLevelSecurityDef] = []
        for rule in rules { texts.append(RawRowLevelSecurityDef(sql: try rule.text())) }
        if !texts.isEmpty { sections.append(.rowLevelSecurity(texts)) }
        if !handlers.isEmpty {
            sections.append(.httpHandlers(handlers.map { RawHttpHandlerDef(sourceName: $0.name) }))
            sections.append(
                .httpRoutes(
                    handlers.map {
                        RawHttpRouteDef(handlerFunction: $0.name, method: RawMethodOrAny($0.method), path: $0.path)
                    }))
        }
        if !schedules.isEmpty { sections.append(.schedules(schedules)) }
        if !indexNames.explicit.isEmpty { sections.append(.explicitNames(indexNames.explicit)) }
        return RawModuleDefV10(sections: sections)
    }

    private func requireTable(of reducer: ReducerDescription) throws(DatabaseError) {
        guard reducer.parameterNames.count == 1, slicedTable(of: reducer) != nil else {
            throw DatabaseError(
                .invalidModule,
                "the sliced reducer '\(reducer.name)' must take one row of a table of this module, beside the context")
        }
    }

    /// The position of the table that a sliced reducer goes through: the own one of the rows that it takes.
    func slicedTable(of reducer: ReducerDescription) -> Int? {
        let positions = tables.indices.filter { tables[$0].rowType == reducer.firstParameter }
        return positions.count == 1 ? positions[0] : positions.first { !tables[$0].isNamed }
    }

    /// The table whose rows a scheduled function takes, and the column that says when.
    private func schedule(
        _ function: String, taking parameters: [AlgebraicType], _ tables: [RawTableDefV10],
        _ typespace: Typespace
    ) throws(DatabaseError) -> RawScheduleDefV10 {
        func refuse(_ reason: String) -> DatabaseError {
            DatabaseError(.invalidModule, "the scheduled function '\(function)' \(reason)")
        }
        guard parameters.count == 1, case .ref(let row) = parameters[0] else {
            throw refuse("must take one row of a table of this module, beside the context")
        }
        let positions = tables.indices.filter { tables[$0].productTypeRef == row }
        let own = positions.count == 1 ? positions[0] : positions.first { !self.tables[$0].isNamed }
        guard let own else {
            throw refuse(
                positions.isEmpty
                    ? "must take one row of a table of this module, beside the context"
                    : "takes rows of several tables; give the one that is the schedule no name of its own")
        }
        let table = tables[own]
        guard case .product(let columns)? = typespace[row] else { throw refuse("takes a row of an unknown type") }
        let times = columns.elements.indices.filter { columns.elements[$0].algebraicType.isScheduleAt }
        guard times.count == 1 else {
            throw refuse(
                "takes rows of '\(table.sourceName)', which need one column of type ScheduleAt, not \(times.count)")
        }
        return RawScheduleDefV10(
            sourceName: nil, tableName: table.sourceName, scheduleAtColumn: ColumnID(times[0]),
            functionName: function)
    }

    /// Refuses tables that look scheduled, but whose rows nothing would ever be called for. Further tables of rows that are
    /// scheduled elsewhere keep what was, or is to be.
    private func requireReducers(
        for tables: [RawTableDefV10], scheduled: Set<String>, _ typespace: Typespace
    ) throws(DatabaseError) {
        let scheduledRows = Set(tables.filter { scheduled.contains($0.sourceName) }.map(\.productTypeRef))
        for (table, description) in zip(tables, self.tables)
        where !scheduled.contains(table.sourceName) && !description.definition.isUnscheduled {
            if description.isNamed, scheduledRows.contains(table.productTypeRef) { continue }
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
        _ table: TableDescription, types: inout TypespaceBuilder, indexNames: inout IndexNames
    ) throws(DatabaseError) -> RawTableDefV10 {
        let definition = table.definition
        guard case .ref(let ref) = table.declare(&types) else {
            throw DatabaseError(
                .invalidModule, "the row type \(table.typeName) does not declare itself; use @Table on the struct")
        }
        func columnIDs(_ positions: [Int]) -> [ColumnID] { positions.map { ColumnID($0) } }
        let indexes = definition.indexes.map { index in
            let columns = columnIDs(index.columns)
            let algorithm: RawIndexAlgorithm =
                switch index.algorithm {
                case .btree: .btree(columns)
                case .hash: .hash(columns)
                case .direct: .direct(columns[0])
                }
            return RawIndexDef(
                sourceName: indexNames.sourceName(of: index, in: definition), accessorName: index.accessor,
                algorithm: algorithm)
        }
        let defaults = definition.columns.enumerated().compactMap { position, column in
            column.defaultValue.map { RawColumnDefaultValue(column: ColumnID(position), value: $0) }
        }
        // An index of its own for each way to look rows up, but one constraint.
        var constrained: Set<[Int]> = []
        let constraints = definition.uniqueConstraints.filter { constrained.insert($0).inserted }
        return RawTableDefV10(
            sourceName: definition.name, productTypeRef: ref, primaryKey: columnIDs(definition.primaryKey),
            indexes: indexes,
            constraints: constraints.map { RawConstraintDef(data: .unique(columnIDs($0))) },
            sequences: definition.autoIncrement.map { RawSequenceDef(column: ColumnID($0)) },
            tableAccess: definition.access == .public ? .public : .private, defaultValues: defaults,
            isEvent: definition.isEvent)
    }
}

extension ModuleContent {
    /// The declared types. Those that nobody named get the first free name: a case `square` with two values of an enum
    /// `Shape` is declared as `Shape_Square`, which somebody may have called a type of his own.
    private static func typeNames(_ types: TypespaceBuilder) -> [(name: String, ref: UInt32)] {
        let written = types.names.filter { !types.generatedNames.contains($0.ref) }
        var taken = Set(written.map { CaseConversion.pascal($0.name) })
        return types.names.map { name, ref in
            guard types.generatedNames.contains(ref) else { return (name, ref) }
            var free = name
            var number = 2
            while !taken.insert(CaseConversion.pascal(free)).inserted {
                free = "\(name)_\(number)"
                number += 1
            }
            return (free, ref)
        }
    }
}

extension RawMethodOrAny {
    fileprivate init(_ method: HandlerMethod) {
        self =
            switch method {
            case .any: .any
            case .get: .method(.get)
            case .head: .method(.head)
            case .options: .method(.options)
            case .put: .method(.put)
            case .delete: .method(.delete)
            case .post: .method(.post)
            case .patch: .method(.patch)
            }
    }
}

extension SpacetimeSchema.IndexAlgorithm {
    init(_ algorithm: IndexAlgorithm) {
        switch algorithm {
        case .btree: self = .btree
        case .hash: self = .hash
        case .direct: self = .direct
        }
    }
}
