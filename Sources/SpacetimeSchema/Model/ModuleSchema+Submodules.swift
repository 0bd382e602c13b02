import SpacetimeSATS

/// Modules inside a module, as one.
extension ModuleSchema {
    /// The same module in one piece: all that its submodules define is among its own parts, under the names by which it is
    /// stored and seen, which have the namespaces and dots before them: `lib.users`, `a.b.users`. Positions in the lists are the
    /// ids by which functions are called: those of the module come first, then those of each submodule, in the order of the
    /// definition, each followed by its own submodules.
    ///
    /// This is the form that a database runs. Names without dots never meet those with dots, since identifiers have none.
    package func flattened() -> ModuleSchema {
        var flat = self
        flat.submodules = []
        for submodule in submodules { flat.mount(submodule) }
        return flat
    }

    private mutating func mount(_ submodule: SubmoduleSchema) {
        let module = submodule.module.flattened()
        let prefix = "\(submodule.namespace)."
        let firstType = UInt32(typespace.types.count)
        typespace.types += module.typespace.types.map { $0.shiftingRefs(by: firstType) }
        sourceTypespace.types += module.sourceTypespace.types.map { $0.shiftingRefs(by: firstType) }
        types += module.types.map { $0.mounted(in: submodule.namespace, firstType) }
        tables += module.tables.map { $0.mounted(prefix) }
        reducers += module.reducers.map { reducer in
            var reducer = reducer
            reducer.name = prefix + reducer.name
            reducer.sourceName = prefix + reducer.sourceName
            reducer.parameters.shiftRefs(by: firstType)
            return reducer
        }
        procedures += module.procedures.map { procedure in
            var procedure = procedure
            procedure.name = prefix + procedure.name
            procedure.sourceName = prefix + procedure.sourceName
            procedure.parameters.shiftRefs(by: firstType)
            procedure.returnType = procedure.returnType.shiftingRefs(by: firstType)
            return procedure
        }
        mountViews(of: module, prefix, firstType)
        // Routes of submodules are ignored; their handlers have positions all the same.
        httpHandlers += module.httpHandlers.map {
            HttpHandlerSchema(name: prefix + $0.name, sourceName: prefix + $0.sourceName)
        }
        rowLevelSecurity += module.rowLevelSecurity.map { rule in
            RowRuleSchema(
                rule.sql, in: rule.namespace.isEmpty ? submodule.namespace : "\(prefix)\(rule.namespace)")
        }
    }

    /// Views of callers and anonymous ones are counted apart.
    private mutating func mountViews(of module: ModuleSchema, _ prefix: String, _ firstType: UInt32) {
        let anonymousCount = UInt32(views.count { $0.isAnonymous })
        let otherCount = UInt32(views.count) - anonymousCount
        views += module.views.map { view in
            var view = view
            view.name = prefix + view.name
            view.sourceName = prefix + view.sourceName
            // From outside, and checked by nobody so far: it only chooses what the module runs.
            view.index &+= view.isAnonymous ? anonymousCount : otherCount
            view.parameters.shiftRefs(by: firstType)
            return view
        }
    }
}

extension String {
    /// What stands before the last dot of a full name: the namespaces of the submodule that it belongs to. Empty for what is
    /// the outermost module's.
    package var namespace: String {
        guard let dot = utf8.lastIndex(of: UInt8(ascii: ".")) else { return "" }
        return String(self[..<dot])
    }
}

extension DeclaredTypeSchema {
    fileprivate func mounted(in namespace: String, _ firstType: UInt32) -> DeclaredTypeSchema {
        var type = self
        type.scope.insert(namespace, at: 0)
        type.sourceScope.insert(namespace, at: 0)
        type.ref &+= firstType
        return type
    }
}

extension TableSchema {
    fileprivate func mounted(_ prefix: String) -> TableSchema {
        var table = self
        table.name = prefix + name
        table.sourceName = prefix + sourceName
        for position in indexes.indices {
            table.indexes[position].name = prefix + indexes[position].name
            table.indexes[position].sourceName = prefix + indexes[position].sourceName
        }
        for position in uniqueConstraints.indices {
            table.uniqueConstraints[position].name = prefix + uniqueConstraints[position].name
        }
        for position in sequences.indices { table.sequences[position].name = prefix + sequences[position].name }
        table.schedule = schedule.map {
            ScheduleSchema(name: prefix + $0.name, column: $0.column, functionName: prefix + $0.functionName)
        }
        return table
    }
}

extension [ParameterSchema] {
    fileprivate mutating func shiftRefs(by count: UInt32) {
        for position in indices { self[position].type = self[position].type.shiftingRefs(by: count) }
    }
}

extension AlgebraicType {
    /// The type in a typespace that has other types before those of its own.
    fileprivate func shiftingRefs(by count: UInt32) -> AlgebraicType {
        switch self {
        // A definition that is about to be refused may have any number here.
        case .ref(let ref): return .ref(ref &+ count)
        case .array(let element): return .array(element.shiftingRefs(by: count))
        case .product(var product):
            for position in product.elements.indices {
                product.elements[position].algebraicType = product.elements[position].algebraicType
                    .shiftingRefs(by: count)
            }
            return .product(product)
        case .sum(var sum):
            for position in sum.variants.indices {
                sum.variants[position].algebraicType = sum.variants[position].algebraicType.shiftingRefs(by: count)
            }
            return .sum(sum)
        default: return self
        }
    }
}
