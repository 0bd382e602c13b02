import SpacetimeSATS

extension ModuleValidator {
    mutating func buildReducers() {
        for definition in raw.reducers {
            let path = root.appending(.reducer(definition.sourceName))
            let position = schema.reducers.count
            reducerBySourceName[definition.sourceName] = reducerBySourceName[definition.sourceName] ?? position
            let name = functionName(definition.sourceName, at: path)
            let parameters = buildParameters(definition.parameters, at: path)
            if !definition.okReturnType.isUnit || definition.errReturnType != .string {
                errors.report(
                    .invalidReducerReturnType, at: path,
                    "a reducer returns unit, or String when it fails; use a procedure to return something else")
            }
            schema.reducers.append(
                ReducerSchema(
                    name: name, sourceName: definition.sourceName, parameters: parameters,
                    isClientCallable: definition.visibility == .clientCallable))
        }
    }

    mutating func buildProcedures() {
        for definition in raw.procedures {
            let path = root.appending(.procedure(definition.sourceName))
            let position = schema.procedures.count
            procedureBySourceName[definition.sourceName] = procedureBySourceName[definition.sourceName] ?? position
            let name = functionName(definition.sourceName, at: path)
            schema.procedures.append(
                ProcedureSchema(
                    name: name, sourceName: definition.sourceName,
                    parameters: buildParameters(definition.parameters, at: path),
                    returnType: passedType(definition.returnType, at: path),
                    isClientCallable: definition.visibility == .clientCallable))
        }
    }

    mutating func buildParameters(_ product: ProductType, at path: SchemaPath) -> [ParameterSchema] {
        var parameters: [ParameterSchema] = []
        var names: Set<String> = []
        for (position, element) in product.elements.enumerated() {
            let parameterPath = path.appending(.parameter(element.name ?? "\(position)"))
            let name = element.name ?? GeneratedName.namelessColumn(ColumnID(exactly: position) ?? 0)
            let clientName = policy.converted(name)
            if element.name == nil {
                errors.report(.namelessParameter, at: parameterPath, "parameter \(position) has no name; give it one")
            } else {
                errors.checkIdentifier(clientName, at: parameterPath, limit: options.nameByteLimit, source: name)
                if !names.insert(name).inserted {
                    errors.report(
                        .duplicateParameterName, at: parameterPath, "two parameters have this name; rename one of them")
                }
            }
            let type = passedType(element.algebraicType, at: parameterPath)
            parameters.append(ParameterSchema(name: name, clientName: clientName, type: type))
        }
        return parameters
    }

    // MARK: - Lifecycle

    mutating func assignLifecycles() {
        var assigned: [Lifecycle: String] = [:]
        for entry in raw.lifecycleReducers {
            let path = root.appending(.lifecycle("\(entry.lifecycle)"))
            if depth > 0 {
                errors.report(
                    .lifecycleInSubmodule, at: path, "only the outermost module can have lifecycle reducers")
                continue
            }
            guard let position = reducerBySourceName[entry.functionName] else {
                errors.report(
                    .lifecycleWithoutReducer, at: path, "there is no reducer \(quoted(entry.functionName)) to call")
                continue
            }
            if let other = assigned[entry.lifecycle] {
                errors.report(
                    .duplicateLifecycle, at: path,
                    "both \(quoted(other)) and \(quoted(entry.functionName)) are to be called; keep one")
                continue
            }
            if let other = schema.reducers[position].lifecycle {
                errors.report(
                    .duplicateLifecycle, at: path,
                    "reducer \(quoted(entry.functionName)) is also called for \(quoted("\(other)")); use two reducers")
                continue
            }
            if !schema.reducers[position].parameters.isEmpty {
                errors.report(
                    .lifecycleReducerHasParameters, at: path,
                    "the host calls \(quoted(entry.functionName)) without arguments, so it can have no parameters")
            }
            assigned[entry.lifecycle] = entry.functionName
            schema.reducers[position].lifecycle = entry.lifecycle
            schema.reducers[position].isClientCallable = false
        }
    }

    // MARK: - Schedules

    mutating func assignSchedules() {
        for entry in raw.schedules {
            let path = root.appending(.table(entry.tableName))
            guard let position = tableBySourceName[entry.tableName] else {
                errors.report(
                    .tableNotFound, at: root.appending(.schedule(entry.tableName)),
                    "there is no table \(quoted(entry.tableName)) to schedule")
                continue
            }
            if schema.tables[position].schedule != nil {
                errors.report(.duplicateSchedule, at: path, "the table has two schedules; drop one")
                continue
            }
            let rowType = AlgebraicType.ref(raw.tables[position].productTypeRef)
            guard let function = scheduledFunction(entry.functionName, rowType: rowType, at: path) else { continue }
            let table = schema.tables[position]
            let given = dialect.keepsGivenNames ? entry.sourceName : nil
            if given != nil { writtenSchedules.insert(position) }
            schema.tables[position].schedule = ScheduleSchema(
                name: given ?? GeneratedName.schedule(table: table.name), column: entry.scheduleAtColumn,
                functionName: function)
        }
    }

    /// The canonical name of the function that a schedule calls.
    private mutating func scheduledFunction(
        _ sourceName: String, rowType: AlgebraicType, at path: SchemaPath
    ) -> String? {
        let name: String
        let parameters: ProductType
        if let position = reducerBySourceName[sourceName] {
            name = schema.reducers[position].name
            parameters = raw.reducers[position].parameters
            if dialect.makesScheduledFunctionsPrivate { schema.reducers[position].isClientCallable = false }
        } else if let position = procedureBySourceName[sourceName] {
            name = schema.procedures[position].name
            parameters = raw.procedures[position].parameters
            if dialect.makesScheduledFunctionsPrivate { schema.procedures[position].isClientCallable = false }
        } else {
            errors.report(
                .missingScheduledFunction, at: path,
                "there is no reducer or procedure \(quoted(sourceName)) for the schedule to call")
            return nil
        }
        if parameters.elements.map(\.algebraicType) != [rowType] {
            errors.report(
                .incorrectScheduledFunctionParams, at: path,
                "\(quoted(sourceName)) must take one parameter, a row of the scheduled table")
        }
        return name
    }
}
