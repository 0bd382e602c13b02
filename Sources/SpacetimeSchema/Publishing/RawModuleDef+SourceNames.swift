extension RawModuleDefV10 {
    /// Whether this is a definition as servers tell it: one that names every part twice, and does not say how names are made.
    ///
    /// Modules that write every name themselves look the same, and mean the same.
    package var isPublished: Bool {
        if sections.contains(where: { if case .caseConversionPolicy = $0 { true } else { false } }) { return false }
        let names = explicitNames
        guard !names.isEmpty else { return false }
        let tables = Set(names.filter { $0.kind == .table }.map(\.sourceName))
        let functions = Set(names.filter { $0.kind == .function }.map(\.sourceName))
        return self.tables.allSatisfy { tables.contains($0.sourceName) }
            && reducers.allSatisfy { functions.contains($0.sourceName) }
            && procedures.allSatisfy { functions.contains($0.sourceName) }
            && views.allSatisfy { functions.contains($0.sourceName) }
    }

    /// A definition that a server has published, in a form that can be validated and keeps the names that the module wrote.
    ///
    /// Schedules and lifecycle reducers, which are published with canonical names, get those of the source; the names of columns,
    /// which are canonical already, stay as they are.
    package func withSourceNames() -> RawModuleDefV10 {
        var tables: [String: String] = [:]
        var functions: [String: String] = [:]
        for name in explicitNames {
            switch name.kind {
            case .table: tables[name.canonicalName] = name.sourceName
            case .function: functions[name.canonicalName] = name.sourceName
            case .index: break
            }
        }
        var sections = sections.map { section -> Section in
            switch section {
            case .schedules(var schedules):
                for index in schedules.indices {
                    let schedule = schedules[index]
                    schedules[index].tableName = tables[schedule.tableName] ?? schedule.tableName
                    schedules[index].functionName = functions[schedule.functionName] ?? schedule.functionName
                }
                return .schedules(schedules)
            case .lifecycleReducers(var reducers):
                for index in reducers.indices {
                    reducers[index].functionName =
                        functions[reducers[index].functionName] ?? reducers[index].functionName
                }
                return .lifecycleReducers(reducers)
            case .submodules(let modules):
                return .submodules(
                    modules.map { RawSubmodule(namespace: $0.namespace, module: $0.module.withSourceNames()) })
            default: return section
            }
        }
        sections.append(.caseConversionPolicy(.none))
        return RawModuleDefV10(sections: sections)
    }
}
