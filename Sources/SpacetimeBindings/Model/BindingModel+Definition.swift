import SpacetimeSATS
package import SpacetimeSchema

extension BindingModel {
    /// What clients can use of a module.
    ///
    /// - Parameters:
    ///   - definition: as a module emits it, or as a server tells it.
    ///   - includesPrivate: whether private tables and functions are wanted, which only the owner can use.
    /// - Throws: what breaks the rules of definitions, and what no client can be written for.
    package init(_ definition: RawModuleDefV10, includesPrivate: Bool = false) throws(BindingFailure) {
        let raw = definition.isPublished ? definition.withSourceNames() : definition
        let schema: ModuleSchema
        do { schema = try ModuleSchema(validating: raw, options: .stored) } catch {
            throw BindingFailure(["the module's definition breaks rules: \(error)"])
        }
        var reader = DefinitionReader(schema: schema, includesPrivate: includesPrivate)
        self = reader.module(raw, schema, prefix: "")
        if !reader.problems.isEmpty { throw BindingFailure(reader.problems) }
    }
}

/// Reads one module, and those inside of it.
private struct DefinitionReader {
    let includesPrivate: Bool
    var problems: [String] = []
    private var typespace: Typespace
    /// By position in the typespace, that among the sorted types.
    private var positions: [UInt32: Int] = [:]

    init(schema: ModuleSchema, includesPrivate: Bool) {
        typespace = schema.typespace
        self.includesPrivate = includesPrivate
    }

    mutating func module(_ raw: RawModuleDefV10, _ schema: ModuleSchema, prefix: String) -> BindingModel {
        typespace = schema.typespace
        let declared = schema.types.sorted {
            ($0.sourceScope + [$0.sourceName]).lexicographicallyPrecedes($1.sourceScope + [$1.sourceName])
        }
        positions = [:]
        for (position, type) in declared.enumerated() { positions[type.ref] = position }

        var model = BindingModel()
        model.types = declared.map { self.declared($0, schema) }
        model.markRecursiveTypes()
        for (raw, table) in zip(raw.tables, schema.tables) where table.kind == .user {
            if table.access == .private, !includesPrivate {
                model.skippedTables.append(prefix + table.name)
            } else if let found = self.table(raw, table, prefix) {
                model.tables.append(found)
            }
        }
        model.tables.sort { $0.sourceName < $1.sourceName }
        model.skippedTables.sort()
        var views: [BindingModel.Table] = []
        for (raw, view) in zip(raw.views, schema.views) {
            if let found = self.view(raw, view, prefix) { views.append(found) }
        }
        model.tables += views.sorted { $0.sourceName < $1.sourceName }
        for (raw, reducer) in zip(raw.reducers, schema.reducers) {
            let isWanted =
                switch reducer.lifecycle {
                case nil: reducer.isClientCallable || includesPrivate
                case .onInit: false
                case .onConnect, .onDisconnect: includesPrivate
                }
            guard isWanted else { continue }
            model.reducers.append(
                BindingModel.Function(
                    sourceName: reducer.sourceName, wireName: prefix + reducer.name,
                    parameters: parameters(raw.parameters, reducer.parameters, "reducer '\(prefix)\(reducer.name)'"),
                    isLifecycle: reducer.lifecycle != nil))
        }
        for (raw, procedure) in zip(raw.procedures, schema.procedures)
        where procedure.isClientCallable || includesPrivate {
            let place = "procedure '\(prefix)\(procedure.name)'"
            model.procedures.append(
                BindingModel.Function(
                    sourceName: procedure.sourceName, wireName: prefix + procedure.name,
                    parameters: parameters(raw.parameters, procedure.parameters, place),
                    result: use(raw.returnType, "the result of \(place)")))
        }
        model.reducers.sort { $0.sourceName < $1.sourceName }
        model.procedures.sort { $0.sourceName < $1.sourceName }
        for (raw, submodule) in zip(raw.submodules, schema.submodules) {
            let inner = module(raw.module, submodule.module, prefix: prefix + submodule.namespace + ".")
            model.skippedTables += inner.skippedTables
            model.warnings += inner.warnings
            model.submodules.append(BindingModel.Submodule(namespace: submodule.namespace, module: inner))
        }
        model.submodules.sort { $0.namespace < $1.namespace }
        return model
    }

    // MARK: Types

    private mutating func declared(_ type: DeclaredTypeSchema, _ schema: ModuleSchema) -> BindingModel.DeclaredType {
        let path = type.sourceScope + [type.sourceName]
        let place = "type '\(path.joined(separator: "."))'"
        let source = schema.sourceTypespace[type.ref]
        switch schema.typespace[type.ref] {
        case .product(let product)?:
            let names = source?.productType?.elements.map(\.name)
            let fields = product.elements.enumerated().map { position, element in
                field(names?[position], element.name, element.algebraicType, place)
            }
            return BindingModel.DeclaredType(path: path, shape: .product(fields))
        case .sum(let sum)?:
            let names = source?.sumType?.variants.map(\.name)
            let variants = sum.variants.enumerated().map { position, variant in
                field(names?[position], variant.name, variant.algebraicType, place)
            }
            return BindingModel.DeclaredType(path: path, shape: .sum(variants))
        default:
            problems.append("\(place) is neither a product nor a sum")
            return BindingModel.DeclaredType(path: path, shape: .product([]))
        }
    }

    private mutating func field(
        _ sourceName: String?, _ wireName: String?, _ type: AlgebraicType, _ place: String
    ) -> BindingModel.Field {
        let wireName = wireName ?? ""
        return BindingModel.Field(
            sourceName: sourceName ?? wireName, wireName: wireName, type: use(type, "'\(wireName)' of \(place)"))
    }

    private mutating func parameters(
        _ raw: ProductType, _ checked: [ParameterSchema], _ place: String
    ) -> [BindingModel.Field] {
        zip(raw.elements, checked).map { element, parameter in
            BindingModel.Field(
                sourceName: parameter.name, wireName: parameter.clientName,
                type: use(element.algebraicType, "parameter '\(parameter.name)' of \(place)"))
        }
    }

    private mutating func use(_ type: AlgebraicType, _ place: String) -> TypeUse {
        if let found = TypeUse(primitive: type) ?? TypeUse(special: type) { return found }
        if case .ref(let ref) = type {
            if let position = positions[ref] { return .declared(position) }
            // What is not declared stands for something that has a name everywhere.
            guard let target = typespace.following(type) else {
                problems.append("\(place) refers to a type that there is not")
                return .unit
            }
            return use(target, place)
        }
        if let payload = type.optionPayload { return .option(use(payload, place)) }
        if let (ok, error) = type.resultPayloads { return .result(use(ok, place), use(error, place)) }
        if case .array(let element) = type {
            let element = use(element, place)
            return element == .number(.u8) ? .bytes : .array(element)
        }
        problems.append("\(place) is of a type without a name; declare it in the module")
        return .unit
    }

    // MARK: Tables

    private mutating func row(_ ref: UInt32, _ place: String) -> Int? {
        if let position = positions[ref] { return position }
        problems.append("the rows of \(place) are of a type without a name; declare it in the module")
        return nil
    }

    private mutating func table(
        _ raw: RawTableDefV10, _ table: TableSchema, _ prefix: String
    ) -> BindingModel.Table? {
        guard let row = row(raw.productTypeRef, "table '\(prefix)\(table.name)'") else { return nil }
        return BindingModel.Table(
            sourceName: table.sourceName, wireName: prefix + table.name, row: row,
            primaryKey: table.primaryKey.map(\.index),
            unique: table.uniqueConstraints.map { $0.columns.map(\.index) },
            indexes: table.indexes.map { index in
                BindingModel.Index(
                    name: prefix + index.name, accessor: index.accessorName, columns: index.columns.map(\.index),
                    isUnique: index.isUnique, isOrdered: index.algorithm == .btree)
            }, isEvent: table.isEvent)
    }

    private mutating func view(_ raw: RawViewDef, _ view: ViewSchema, _ prefix: String) -> BindingModel.Table? {
        let place = "view '\(prefix)\(view.name)'"
        let rowType: AlgebraicType? =
            switch raw.returnType {
            case .array(let row): row
            case .product(let query): query.elements.first?.algebraicType
            default: raw.returnType.optionPayload
            }
        guard case .ref(let ref)? = rowType else {
            problems.append("the rows of \(place) are of a type without a name; declare it in the module")
            return nil
        }
        guard let row = row(ref, place) else { return nil }
        let key = view.primaryKey.map(\.index)
        // Rows of several lists of arguments are in one place, and may have one key.
        let isUnique = !key.isEmpty && view.parameters.isEmpty
        return BindingModel.Table(
            sourceName: view.sourceName, wireName: prefix + view.name, row: row, primaryKey: key,
            unique: isUnique ? [key] : [], isView: true,
            parameters: parameters(raw.parameters, view.parameters, place))
    }
}

extension BindingModel {
    /// Finds the types whose values can hold one another.
    fileprivate mutating func markRecursiveTypes() {
        let uses = types.map { type in Set(type.fields.flatMap(\.type.declaredTypes)) }
        for position in types.indices {
            var reached: Set<Int> = []
            var open = Array(uses[position])
            while let next = open.popLast() {
                if reached.insert(next).inserted { open += uses[next] }
            }
            types[position].isRecursive = reached.contains(position)
        }
    }
}
