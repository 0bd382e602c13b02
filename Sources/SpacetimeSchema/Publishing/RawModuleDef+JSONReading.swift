package import SpacetimeSATS

/// Definitions out of JSON in the host's style, as servers give them to clients.
extension RawModuleDefV10 {
    /// Reads `{"sections":[…]}`. Sections that are not known are passed over: later versions may add some.
    package init(json: JSON) throws(JSONError) { try self.init(json: json, depth: 0) }

    private init(json: JSON, depth: Int) throws(JSONError) {
        guard depth <= Self.nestingLimit else { throw .tooDeep(limit: Self.nestingLimit) }
        sections = []
        for section in try json.list("sections") {
            guard let (name, content) = section.variant else {
                throw .mismatch(path: ".sections", expected: "objects with one member each")
            }
            if let section = try Section(name, content, depth: depth) { sections.append(section) }
        }
    }
}

extension RawModuleDefV10.Section {
    fileprivate init?(_ name: String, _ content: JSON, depth: Int) throws(JSONError) {
        switch name {
        case "Typespace": self = .typespace(try Typespace(json: content))
        case "Types": self = .types(try content.each(RawTypeDef.init(json:)))
        case "Tables": self = .tables(try content.each(RawTableDefV10.init(json:)))
        case "Reducers": self = .reducers(try content.each(RawReducerDefV10.init(json:)))
        case "Procedures": self = .procedures(try content.each(RawProcedureDefV10.init(json:)))
        case "Views": self = .views(try content.each(RawViewDef.init(json:)))
        case "Schedules": self = .schedules(try content.each(RawScheduleDefV10.init(json:)))
        case "LifeCycleReducers": self = .lifecycleReducers(try content.each(RawLifecycleReducerDef.init(json:)))
        case "RowLevelSecurity":
            self = .rowLevelSecurity(
                try content.each { rule throws(JSONError) in RawRowLevelSecurityDef(sql: try rule.text("sql")) })
        case "CaseConversionPolicy":
            self = .caseConversionPolicy(content.variant?.name == "None" ? .none : .snakeCase)
        case "ExplicitNames":
            self = .explicitNames(
                try JSON.array(try content.list("entries")).each(RawExplicitName.init(json:)))
        case "HttpHandlers":
            self = .httpHandlers(
                try content.each { handler throws(JSONError) in
                    RawHttpHandlerDef(sourceName: try handler.text("source_name"))
                })
        case "HttpRoutes": self = .httpRoutes(try content.each(RawHttpRouteDef.init(json:)))
        case "ViewPrimaryKeys":
            self = .viewPrimaryKeys(
                try content.each { key throws(JSONError) in
                    RawViewPrimaryKeyDef(
                        viewSourceName: try key.text("view_source_name"),
                        columns: try JSON.array(try key.list("columns")).each { column throws(JSONError) in
                            try column.plainText()
                        })
                })
        case "Submodules":
            self = .submodules(
                try content.each { module throws(JSONError) in
                    RawSubmodule(
                        namespace: try module.text("namespace"),
                        module: try RawModuleDefV10(json: try module.required("module"), depth: depth + 1))
                })
        default: return nil
        }
    }
}

// MARK: Tables

extension RawTypeDef {
    fileprivate init(json: JSON) throws(JSONError) {
        let name = try json.required("source_name")
        self.init(
            scope: try JSON.array(try name.list("scope")).each { part throws(JSONError) in try part.plainText() },
            sourceName: try name.text("source_name"), ref: try json.number("ty"),
            customOrdering: try json.flag("custom_ordering"))
    }
}

extension RawTableDefV10 {
    fileprivate init(json: JSON) throws(JSONError) {
        self.init(
            sourceName: try json.text("source_name"), productTypeRef: try json.number("product_type_ref"),
            primaryKey: try json.columns("primary_key"),
            indexes: try json.required("indexes").each(RawIndexDef.init(json:)),
            constraints: try json.required("constraints").each(RawConstraintDef.init(json:)),
            sequences: try json.required("sequences").each(RawSequenceDef.init(json:)),
            tableType: try json.required("table_type").variant?.name == "System" ? .system : .user,
            tableAccess: try json.required("table_access").variant?.name == "Private" ? .private : .public,
            defaultValues: try json.required("default_values").each(RawColumnDefaultValue.init(json:)),
            isEvent: try json.flag("is_event"))
    }
}

extension RawIndexDef {
    fileprivate init(json: JSON) throws(JSONError) {
        let form = try json.required("algorithm")
        let algorithm: RawIndexAlgorithm
        switch form.variant?.name {
        case "BTree": algorithm = .btree(try form.columns("BTree"))
        case "Hash": algorithm = .hash(try form.columns("Hash"))
        case "Direct": algorithm = .direct(ColumnID(try form.number("Direct", as: UInt16.self)))
        default: throw .mismatch(path: ".algorithm", expected: "BTree, Hash or Direct")
        }
        self.init(
            sourceName: try json.optionalText("source_name"), accessorName: try json.optionalText("accessor_name"),
            algorithm: algorithm)
    }
}

extension RawConstraintDef {
    fileprivate init(json: JSON) throws(JSONError) {
        let data = try json.required("data").required("Unique")
        self.init(sourceName: try json.optionalText("source_name"), data: .unique(try data.columns("columns")))
    }
}

extension RawSequenceDef {
    fileprivate init(json: JSON) throws(JSONError) {
        self.init(
            sourceName: try json.optionalText("source_name"),
            column: ColumnID(try json.number("column", as: UInt16.self)),
            start: try json.optionalNumber("start"), minimum: try json.optionalNumber("min_value"),
            maximum: try json.optionalNumber("max_value"), increment: try json.number("increment"))
    }
}

extension RawColumnDefaultValue {
    fileprivate init(json: JSON) throws(JSONError) {
        guard let value = Hexadecimal.bytes(try json.text("value")) else {
            throw .mismatch(path: ".value", expected: "hexadecimal digits")
        }
        self.init(column: ColumnID(try json.number("col_id", as: UInt16.self)), value: value)
    }
}

extension RawScheduleDefV10 {
    fileprivate init(json: JSON) throws(JSONError) {
        self.init(
            sourceName: try json.optionalText("source_name"), tableName: try json.text("table_name"),
            scheduleAtColumn: ColumnID(try json.number("schedule_at_col", as: UInt16.self)),
            functionName: try json.text("function_name"))
    }
}

// MARK: Functions

extension RawReducerDefV10 {
    fileprivate init(json: JSON) throws(JSONError) {
        self.init(
            sourceName: try json.text("source_name"), parameters: try ProductType(json: try json.required("params")),
            visibility: try RawFunctionVisibility(json: try json.required("visibility")),
            okReturnType: try AlgebraicType(json: try json.required("ok_return_type")),
            errReturnType: try AlgebraicType(json: try json.required("err_return_type")))
    }
}

extension RawProcedureDefV10 {
    fileprivate init(json: JSON) throws(JSONError) {
        self.init(
            sourceName: try json.text("source_name"), parameters: try ProductType(json: try json.required("params")),
            returnType: try AlgebraicType(json: try json.required("return_type")),
            visibility: try RawFunctionVisibility(json: try json.required("visibility")))
    }
}

extension RawFunctionVisibility {
    fileprivate init(json: JSON) throws(JSONError) {
        switch json.variant?.name {
        case "Private": self = .private
        case "ClientCallable": self = .clientCallable
        default: throw .mismatch(path: ".visibility", expected: "Private or ClientCallable")
        }
    }
}

extension RawViewDef {
    fileprivate init(json: JSON) throws(JSONError) {
        self.init(
            sourceName: try json.text("source_name"), index: try json.number("index"),
            isPublic: try json.flag("is_public"), isAnonymous: try json.flag("is_anonymous"),
            parameters: try ProductType(json: try json.required("params")),
            returnType: try AlgebraicType(json: try json.required("return_type")))
    }
}

extension RawLifecycleReducerDef {
    fileprivate init(json: JSON) throws(JSONError) {
        let name = try json.required("lifecycle_spec").variant?.name
        guard let lifecycle = Lifecycle.allCases.first(where: { $0.clientName == name }) else {
            throw .mismatch(path: ".lifecycle_spec", expected: "Init, OnConnect or OnDisconnect")
        }
        self.init(lifecycle: lifecycle, functionName: try json.text("function_name"))
    }
}

extension RawExplicitName {
    fileprivate init(json: JSON) throws(JSONError) {
        let kinds: [String: Kind] = ["Table": .table, "Function": .function, "Index": .index]
        guard let (name, names) = json.variant, let kind = kinds[name] else {
            throw .mismatch(path: ".entries", expected: "Table, Function or Index")
        }
        self.init(
            kind, sourceName: try names.text("source_name"), canonicalName: try names.text("canonical_name"))
    }
}

extension RawHttpRouteDef {
    fileprivate init(json: JSON) throws(JSONError) {
        self.init(
            handlerFunction: try json.text("handler_function"),
            method: try RawMethodOrAny(json: try json.required("method")), path: try json.text("path"))
    }
}

extension RawMethodOrAny {
    fileprivate init(json: JSON) throws(JSONError) {
        switch json.variant {
        case ("Any", _)?: self = .any
        case ("Method", let method)?:
            guard let (name, payload) = method.variant else {
                throw .mismatch(path: ".method", expected: #"a method such as {"Get":[]}"#)
            }
            if name == "Extension" {
                self = .method(.other(try payload.plainText()))
            } else if let known = RawHttpMethod.named(name.uppercased()) {
                self = .method(known)
            } else {
                throw .mismatch(path: ".method", expected: "a method, and '\(name)' is none that is known")
            }
        default: throw .mismatch(path: ".method", expected: "Any or Method")
        }
    }
}

// MARK: Canonical names

extension RawModuleDefV10 {
    /// A definition that a server has published, with canonical names instead of those in the module's source. Unlike the
    /// published one, which names schedules and lifecycle reducers canonically and the rest not, it can be validated.
    package func withCanonicalNames() -> RawModuleDefV10 {
        var names = CanonicalNames()
        for name in explicitNames { names.map[name.kind, default: [:]][name.sourceName] = name.canonicalName }
        var sections = sections.compactMap { $0.renamed(names) }
        sections.append(.caseConversionPolicy(.none))
        return RawModuleDefV10(sections: sections)
    }
}

private struct CanonicalNames {
    var map: [RawExplicitName.Kind: [String: String]] = [:]

    func of(_ kind: RawExplicitName.Kind, _ sourceName: String) -> String { map[kind]?[sourceName] ?? sourceName }
}

extension RawModuleDefV10.Section {
    fileprivate func renamed(_ names: CanonicalNames) -> Self? {
        switch self {
        case .tables(var tables):
            for table in tables.indices {
                tables[table].sourceName = names.of(.table, tables[table].sourceName)
                for index in tables[table].indexes.indices {
                    let old = tables[table].indexes[index].sourceName
                    tables[table].indexes[index].sourceName = old.map { names.of(.index, $0) }
                }
            }
            return .tables(tables)
        case .reducers(var reducers):
            for index in reducers.indices {
                reducers[index].sourceName = names.of(.function, reducers[index].sourceName)
            }
            return .reducers(reducers)
        case .procedures(var procedures):
            for index in procedures.indices {
                procedures[index].sourceName = names.of(.function, procedures[index].sourceName)
            }
            return .procedures(procedures)
        case .views(var views):
            for index in views.indices { views[index].sourceName = names.of(.function, views[index].sourceName) }
            return .views(views)
        case .httpHandlers(let handlers):
            return .httpHandlers(handlers.map { RawHttpHandlerDef(sourceName: names.of(.function, $0.sourceName)) })
        case .httpRoutes(var routes):
            for index in routes.indices {
                routes[index].handlerFunction = names.of(.function, routes[index].handlerFunction)
            }
            return .httpRoutes(routes)
        case .viewPrimaryKeys(var keys):
            for index in keys.indices { keys[index].viewSourceName = names.of(.function, keys[index].viewSourceName) }
            return .viewPrimaryKeys(keys)
        case .submodules(let modules):
            return .submodules(
                modules.map { RawSubmodule(namespace: $0.namespace, module: $0.module.withCanonicalNames()) })
        case .explicitNames, .caseConversionPolicy: return nil
        case .typespace, .types, .schedules, .lifecycleReducers, .rowLevelSecurity: return self
        }
    }
}

// MARK: Parts

extension RawHttpMethod {
    fileprivate static func named(_ name: String) -> RawHttpMethod? {
        [.get, .head, .post, .put, .delete, .connect, .options, .trace, .patch].first { $0.name == name }
    }
}

extension JSON {
    fileprivate func each<Part>(_ read: (JSON) throws(JSONError) -> Part) throws(JSONError) -> [Part] {
        guard let elements = arrayValue else { throw .mismatch(path: "", expected: "an array") }
        return try elements.map(read)
    }

    fileprivate func plainText() throws(JSONError) -> String {
        guard let text = stringValue else { throw .mismatch(path: "", expected: "a string") }
        return text
    }

    fileprivate func columns(_ key: String) throws(JSONError) -> [ColumnID] {
        try list(key).map { number throws(JSONError) in
            guard let column = number.integerValue(as: UInt16.self) else {
                throw .mismatch(path: ".\(key)", expected: "positions of columns")
            }
            return ColumnID(column)
        }
    }

    fileprivate func optionalNumber(_ key: String) throws(JSONError) -> Int128? {
        guard let value = try option(key) else { return nil }
        guard let number = value.integerValue(as: Int128.self) else {
            throw .mismatch(path: ".\(key)", expected: "an integer")
        }
        return number
    }
}
