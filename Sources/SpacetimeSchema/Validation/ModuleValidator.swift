import SpacetimeSATS

/// What differs between the versions of a definition once both have the shape of version 10.
struct DefinitionDialect {
    /// Whether names given to constraints and indexes stand; otherwise they are always generated.
    var keepsGivenNames: Bool
    var requiresIndexSourceName: Bool
    var refusesRepeatedDefaults: Bool
    /// Whether a function that a schedule calls can no longer be called by clients.
    var makesScheduledFunctionsPrivate: Bool

    static let v10 = DefinitionDialect(
        keepsGivenNames: false, requiresIndexSourceName: true, refusesRepeatedDefaults: false,
        makesScheduledFunctionsPrivate: true)
    static let v9 = DefinitionDialect(
        keepsGivenNames: true, requiresIndexSourceName: false, refusesRepeatedDefaults: true,
        makesScheduledFunctionsPrivate: false)
}

/// Turns one raw module into a ``ModuleSchema`` and collects what is wrong with it on the way.
///
/// Every step goes on after errors, with stand-ins for what could not be made, so that one run reports everything.
struct ModuleValidator {
    let raw: RawModuleDefV10
    let dialect: DefinitionDialect
    let options: ValidationOptions
    /// Empty for the outermost module.
    let root: SchemaPath
    let depth: Int
    let policy: CaseConversionPolicy
    let sourceTypes: [AlgebraicType]
    /// After case conversion.
    let types: [AlgebraicType]
    let declared: Set<UInt32>
    let resolver: TypeResolver
    let explicitNames: [ExplicitNameKey: String]

    var errors = ErrorCollector()
    var schema = ModuleSchema()
    /// Parallel to `schema.tables`.
    var untypedColumns: [Set<ColumnID>] = []
    /// Positions of tables whose columns could not be made.
    var unbuiltTables: Set<Int> = []
    var tableBySourceName: [String: Int] = [:]
    var reducerBySourceName: [String: Int] = [:]
    var procedureBySourceName: [String: Int] = [:]
    /// What query views inherit; made when the first one asks.
    var primaryKeysByRowType: [UInt32: [ColumnID]]?
    /// References of declared types whose parts were looked at.
    var checkedDefinitions: Set<UInt32> = []
    /// Positions of tables whose schedules were given a name.
    var writtenSchedules: Set<Int> = []
    /// How many parts all types in use have so far, when they are written out.
    var typeSize = 0

    struct ExplicitNameKey: Hashable {
        var kind: RawExplicitName.Kind
        var sourceName: String
    }

    init(
        _ raw: RawModuleDefV10, dialect: DefinitionDialect, options: ValidationOptions, root: SchemaPath, depth: Int
    ) throws(SchemaErrors) {
        try Self.checkDepths(of: raw, root: root, options: options)
        self.raw = raw
        self.dialect = dialect
        self.options = options
        self.root = root
        self.depth = depth
        policy = raw.caseConversionPolicy
        sourceTypes = raw.typespace.types
        types = raw.typespace.types.map { [policy] in policy.converted($0) }
        declared = Set(raw.types.map(\.ref))
        resolver = TypeResolver(
            types: types, declared: declared, depthLimit: options.typeDepthLimit, sizeLimit: options.typeSizeLimit)
        explicitNames = Self.collectExplicitNames(raw, root: root, errors: &errors)
    }

    /// The steps in the order in which they need each other.
    mutating func run() -> ModuleSchema {
        schema.typespace = Typespace(types)
        schema.sourceTypespace = raw.typespace
        checkTypes()
        buildTables()
        buildReducers()
        buildProcedures()
        assignLifecycles()
        buildViews()
        assignSchedules()
        settleNames()
        checkTables()
        buildRoutes()
        buildRowLevelSecurity()
        buildSubmodules()
        checkNames()
        return schema
    }

    // MARK: - Before anything else

    /// Types written deeper than the limit would overrun the stack of the walks to come, so nothing else is looked at.
    private static func checkDepths(
        of raw: RawModuleDefV10, root: SchemaPath, options: ValidationOptions
    ) throws(SchemaErrors) {
        var errors = ErrorCollector()
        func check(_ type: AlgebraicType, _ path: @autoclosure () -> SchemaPath) {
            guard type.inlineDepthExceeds(options.typeDepthLimit) else { return }
            errors.report(.tooDeep, at: path(), options: options)
        }
        for (position, type) in raw.typespace.types.enumerated() {
            check(type, root.appending(.type("\(position)")))
        }
        for reducer in raw.reducers {
            check(.product(reducer.parameters), root.appending(.reducer(reducer.sourceName)))
            check(reducer.okReturnType, root.appending(.reducer(reducer.sourceName)))
            check(reducer.errReturnType, root.appending(.reducer(reducer.sourceName)))
        }
        for procedure in raw.procedures {
            check(.product(procedure.parameters), root.appending(.procedure(procedure.sourceName)))
            check(procedure.returnType, root.appending(.procedure(procedure.sourceName)))
        }
        for view in raw.views {
            check(.product(view.parameters), root.appending(.view(view.sourceName)))
            check(view.returnType, root.appending(.view(view.sourceName)))
        }
        try errors.throwIfAny()
    }

    private static func collectExplicitNames(
        _ raw: RawModuleDefV10, root: SchemaPath, errors: inout ErrorCollector
    ) -> [ExplicitNameKey: String] {
        var names: [ExplicitNameKey: String] = [:]
        for entry in raw.explicitNames {
            let key = ExplicitNameKey(kind: entry.kind, sourceName: entry.sourceName)
            if let known = names[key], known != entry.canonicalName {
                errors.report(
                    .duplicateExplicitName, at: root.appending(.explicitName(entry.sourceName)),
                    "it is mapped to \(quoted(known)) and to \(quoted(entry.canonicalName)); keep one")
            } else {
                names[key] = entry.canonicalName
            }
        }
        return names
    }

    // MARK: - Names

    /// What the database calls a table or function.
    func canonicalName(_ kind: RawExplicitName.Kind, _ sourceName: String) -> String {
        explicitNames[ExplicitNameKey(kind: kind, sourceName: sourceName)] ?? policy.converted(sourceName)
    }

    /// What the database calls a function; reported if it is no identifier.
    mutating func functionName(_ sourceName: String, at path: SchemaPath) -> String {
        let name = canonicalName(.function, sourceName)
        errors.checkIdentifier(name, at: path, limit: options.nameByteLimit, source: sourceName)
        return name
    }

    /// Of the module and its submodules at once: names that are generated differ by their namespaces, but those that were given to
    /// indexes and sequences are any texts.
    private mutating func checkNames() {
        guard depth == 0 else { return }
        let schema = schema.flattened()
        var global = NameRegistry(reporting: .duplicateName)
        var functions = NameRegistry(reporting: .duplicateFunctionName)
        var handlers = NameRegistry(reporting: .duplicateHttpHandlerName)
        for table in schema.tables {
            global.claimNames(of: table, at: root.appending(.table(table.sourceName)), errors: &errors)
        }
        for view in schema.views {
            global.claim([view.name], for: root.appending(.view(view.sourceName)), errors: &errors)
        }
        for reducer in schema.reducers {
            functions.claim([reducer.name], for: root.appending(.reducer(reducer.sourceName)), errors: &errors)
        }
        for procedure in schema.procedures {
            functions.claim([procedure.name], for: root.appending(.procedure(procedure.sourceName)), errors: &errors)
        }
        for view in schema.views {
            functions.claim([view.name], for: root.appending(.view(view.sourceName)), errors: &errors)
        }
        for handler in schema.httpHandlers {
            handlers.claim([handler.name], for: root.appending(.handler(handler.sourceName)), errors: &errors)
        }
    }

    // MARK: - Types in use

    /// Takes `size` parts out of the module's allowance. References let a short definition repeat long types without
    /// end; reported once.
    mutating func charge(_ size: Int, at path: SchemaPath) -> Bool {
        let isReported = typeSize > options.totalTypeSizeLimit
        guard !isReported else { return false }
        typeSize += size
        guard typeSize > options.totalTypeSizeLimit else { return true }
        errors.report(
            .typeTooLarge, at: path,
            "up to here the module's columns and parameters have more than \(options.totalTypeSizeLimit) parts when "
                + "written out; split the module")
        return false
    }

    /// The type of a column without references, or nil if there is an error, which is reported by then.
    mutating func storedType(_ type: AlgebraicType, at path: SchemaPath) -> AlgebraicType? {
        if let problem = resolver.useProblem(type) {
            errors.report(problem, at: path)
            return nil
        }
        switch resolver.resolve(type) {
        case .success(let resolved):
            return charge(resolved.size, at: path) ? resolved.type : nil
        case .failure(.invalidRef), .failure(.tooManyVariants):
            // Inside a declared type, which has its own report.
            return nil
        case .failure(let problem):
            errors.report(problem, at: path, options: options)
            return nil
        }
    }

    /// The type of a parameter or result. A recursive type stays as it is written, with references into the typespace:
    /// such values can be passed though not stored.
    mutating func passedType(_ type: AlgebraicType, at path: SchemaPath) -> AlgebraicType {
        if resolver.useProblem(type) == nil, case .failure(.recursive) = resolver.resolve(type) { return type }
        return storedType(type, at: path) ?? type
    }
}
