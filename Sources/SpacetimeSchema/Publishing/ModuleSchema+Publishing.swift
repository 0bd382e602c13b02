import SpacetimeSATS

/// A definition as clients are told it: with the names that count outside of the module, and types by reference, so that
/// generated code can name them.
extension ModuleSchema {
    /// In version 10. Parts keep the names that the module wrote, which explicit names lead to the canonical ones; fields,
    /// columns and parameters have canonical names only.
    ///
    /// - Parameter raw: the definition that this schema was made of.
    package func published(_ raw: RawModuleDefV10) -> RawModuleDefV10 {
        let policy = raw.caseConversionPolicy
        let all: [RawModuleDefV10.Section?] = [
            .typespace(typespace), types.isEmpty ? nil : .types(types.map(\.published)),
            section(zip(raw.tables, tables).map { $1.published($0) }) { .tables($0) },
            section(zip(raw.reducers, reducers).map { $1.published($0, policy) }) { .reducers($0) },
            section(zip(raw.procedures, procedures).map { $1.published($0, policy) }) { .procedures($0) },
            section(raw.httpHandlers) { .httpHandlers($0) }, section(raw.httpRoutes) { .httpRoutes($0) },
            section(zip(raw.views, views).map { $1.published($0, policy, name: $1.sourceName) }) { .views($0) },
            section(views.compactMap(\.publishedPrimaryKey)) { .viewPrimaryKeys($0) },
            section(tables.compactMap(\.publishedSchedule)) { .schedules($0) },
            section(publishedLifecycleReducers) { .lifecycleReducers($0) },
            section(rowLevelSecurity.map { RawRowLevelSecurityDef(sql: $0.sql) }) { .rowLevelSecurity($0) },
            .explicitNames(publishedNames),
            section(
                zip(raw.submodules, submodules).map {
                    RawSubmodule(namespace: $1.namespace, module: $1.module.published($0.module))
                }
            ) { .submodules($0) },
        ]
        return RawModuleDefV10(sections: all.compactMap(\.self))
    }

    /// In version 9, which has canonical names only, and no place for event tables, private functions, handlers and
    /// submodules.
    package func publishedV9(_ raw: RawModuleDefV10) -> RawModuleDefV9 {
        let policy = raw.caseConversionPolicy
        var module = RawModuleDefV9()
        module.typespace = typespace
        module.tables = zip(raw.tables, tables).map { $1.publishedV9($0) }
        module.reducers = zip(raw.reducers, reducers).map { raw, reducer in
            RawReducerDefV9(
                name: reducer.name, parameters: raw.parameters.published(reducer.parameters, policy),
                lifecycle: reducer.lifecycle)
        }
        module.types = types.map(\.published)
        for table in tables {
            for value in table.defaults {
                module.miscExports.append(
                    .columnDefaultValue(
                        table: table.name, RawColumnDefaultValue(column: value.column, value: value.bytes)))
            }
        }
        for (raw, procedure) in zip(raw.procedures, procedures) {
            module.miscExports.append(
                .procedure(
                    name: procedure.name, parameters: raw.parameters.published(procedure.parameters, policy),
                    returnType: policy.converted(raw.returnType)))
        }
        for (raw, view) in zip(raw.views, views) {
            module.miscExports.append(.view(view.published(raw, policy, name: view.name)))
        }
        module.rowLevelSecurity = rowLevelSecurity.map { RawRowLevelSecurityDef(sql: $0.sql) }
        return module
    }

    /// Sections without anything in them are left out.
    private func section<Element>(
        _ elements: [Element], _ make: ([Element]) -> RawModuleDefV10.Section
    ) -> RawModuleDefV10.Section? {
        elements.isEmpty ? nil : make(elements)
    }

    private var publishedLifecycleReducers: [RawLifecycleReducerDef] {
        reducers.compactMap { reducer in
            reducer.lifecycle.map { RawLifecycleReducerDef(lifecycle: $0, functionName: reducer.name) }
        }
    }

    private var publishedNames: [RawExplicitName] {
        var names = tables.map { RawExplicitName(.table, sourceName: $0.sourceName, canonicalName: $0.name) }
        names += reducers.map { RawExplicitName(.function, sourceName: $0.sourceName, canonicalName: $0.name) }
        names += procedures.map { RawExplicitName(.function, sourceName: $0.sourceName, canonicalName: $0.name) }
        names += views.map { RawExplicitName(.function, sourceName: $0.sourceName, canonicalName: $0.name) }
        names += httpHandlers.map { RawExplicitName(.function, sourceName: $0.sourceName, canonicalName: $0.name) }
        for index in tables.flatMap(\.indexes) where index.sourceName != index.name {
            names.append(RawExplicitName(.index, sourceName: index.sourceName, canonicalName: index.name))
        }
        return names
    }
}

extension DeclaredTypeSchema {
    fileprivate var published: RawTypeDef {
        RawTypeDef(scope: scope, sourceName: name, ref: ref, customOrdering: hasCustomOrdering)
    }
}

extension TableSchema {
    fileprivate func published(_ raw: RawTableDefV10) -> RawTableDefV10 {
        RawTableDefV10(
            sourceName: sourceName, productTypeRef: raw.productTypeRef, primaryKey: primaryKey,
            indexes: indexes.map { $0.published(name: $0.sourceName) },
            constraints: uniqueConstraints.map { RawConstraintDef(sourceName: $0.name, data: .unique($0.columns)) },
            sequences: publishedSequences(raw), tableType: kind == .system ? .system : .user,
            tableAccess: access == .public ? .public : .private,
            defaultValues: defaults.map { RawColumnDefaultValue(column: $0.column, value: $0.bytes) },
            isEvent: isEvent)
    }

    fileprivate func publishedV9(_ raw: RawTableDefV10) -> RawTableDefV9 {
        var table = RawTableDefV9(name: name, productTypeRef: raw.productTypeRef)
        table.primaryKey = primaryKey
        table.indexes = indexes.map { $0.published(name: $0.name) }
        table.constraints = uniqueConstraints.map {
            RawConstraintDef(sourceName: $0.name, data: .unique($0.columns))
        }
        table.sequences = publishedSequences(raw)
        table.schedule = schedule.map {
            RawScheduleDefV9(name: $0.name, reducerName: $0.functionName, scheduledAtColumn: $0.column)
        }
        table.tableType = kind == .system ? .system : .user
        table.tableAccess = access == .public ? .public : .private
        return table
    }

    /// With the numbers that the module stated, so that what it left open stays so.
    private func publishedSequences(_ raw: RawTableDefV10) -> [RawSequenceDef] {
        zip(raw.sequences, sequences).map { raw, sequence in
            var published = raw
            published.sourceName = sequence.name
            return published
        }
    }

    fileprivate var publishedSchedule: RawScheduleDefV10? {
        schedule.map {
            RawScheduleDefV10(
                sourceName: $0.name, tableName: name, scheduleAtColumn: $0.column, functionName: $0.functionName)
        }
    }
}

extension IndexSchema {
    fileprivate func published(name: String) -> RawIndexDef {
        let raw: RawIndexAlgorithm =
            switch algorithm {
            case .btree: .btree(columns)
            case .hash: .hash(columns)
            case .direct: .direct(columns[0])
            }
        return RawIndexDef(sourceName: name, accessorName: accessorName, algorithm: raw)
    }
}

extension ReducerSchema {
    fileprivate func published(_ raw: RawReducerDefV10, _ policy: CaseConversionPolicy) -> RawReducerDefV10 {
        RawReducerDefV10(
            sourceName: sourceName, parameters: raw.parameters.published(parameters, policy),
            visibility: isClientCallable ? .clientCallable : .private,
            okReturnType: policy.converted(raw.okReturnType), errReturnType: policy.converted(raw.errReturnType))
    }
}

extension ProcedureSchema {
    fileprivate func published(_ raw: RawProcedureDefV10, _ policy: CaseConversionPolicy) -> RawProcedureDefV10 {
        RawProcedureDefV10(
            sourceName: sourceName, parameters: raw.parameters.published(parameters, policy),
            returnType: policy.converted(raw.returnType),
            visibility: isClientCallable ? .clientCallable : .private)
    }
}

extension ViewSchema {
    fileprivate func published(_ raw: RawViewDef, _ policy: CaseConversionPolicy, name: String) -> RawViewDef {
        RawViewDef(
            sourceName: name, index: index, isPublic: isPublic, isAnonymous: isAnonymous,
            parameters: raw.parameters.published(parameters, policy),
            // A reference, in something that is known by its name: `__query__` is none that may be converted.
            returnType: raw.returnType)
    }

    fileprivate var publishedPrimaryKey: RawViewPrimaryKeyDef? {
        if primaryKey.isEmpty { return nil }
        return RawViewPrimaryKeyDef(viewSourceName: sourceName, columns: primaryKey.map { columns[$0.index].name })
    }
}

extension ProductType {
    /// Parameters with the names that clients see, and types that are still references.
    fileprivate func published(_ parameters: [ParameterSchema], _ policy: CaseConversionPolicy) -> ProductType {
        ProductType(
            zip(elements, parameters).map {
                Element(name: $1.clientName, algebraicType: policy.converted($0.algebraicType))
            })
    }
}
