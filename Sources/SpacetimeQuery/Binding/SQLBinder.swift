import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// Looks up the names of a statement and checks its types.
///
/// Types are found in both directions and nothing is converted: a literal or a parameter takes the type of what it stands
/// beside. `NOT` is pushed down to comparisons, which are false where a value is missing, so that nothing has three values.
/// What a condition asks of one table alone becomes a `RowPredicate`.
package struct SQLBinder {
    let text: SQLText
    let catalog: SQLCatalog
    let language: SQLLanguage
    let isOwner: Bool
    /// Where the literals stand that are to become parameters, with their positions in the template.
    private var liftable: [SourceRange: Int] = [:]

    /// The tables whose columns may be named.
    var scope = Scope()
    /// What is selected under a name of its own, which `ORDER BY` and `GROUP BY` may use.
    var outputNames: [(name: String, expression: SQLExpression)] = []
    /// Behind the grouping, while its keys and results may be used and nothing else.
    var grouping: Grouping?
    /// True if texts stand for texts only, as in values that are written.
    var isStrict = false
    private var parameters: [QueryParameter] = []
    private var literals: [Int?] = []

    private init(_ text: SQLText, _ catalog: SQLCatalog, _ language: SQLLanguage, isOwner: Bool) {
        self.text = text
        self.catalog = catalog
        self.language = language
        self.isOwner = isOwner
    }

    /// Binds a statement.
    ///
    /// - Parameters:
    ///   - isOwner: whether private tables may be read.
    ///   - template: of the same text, if its literals are to become parameters.
    /// - Throws: ``SQLError`` with the place of what is wrong. Never traps; takes time in proportion to the text and to the
    ///   number of tables that it joins.
    package static func statement(
        _ text: String, in catalog: SQLCatalog, language: SQLLanguage, isOwner: Bool, template: SQLTemplate? = nil
    ) throws(SQLError) -> BoundStatement {
        let source: SQLText
        if let template { source = template.text } else { source = try SQLText(text) }
        let statement = try SQLParser.statement(source)
        var binder = SQLBinder(source, catalog, language, isOwner: isOwner)
        for (position, range) in (template?.ranges ?? []).enumerated() { binder.liftable[range] = position }
        return try binder.statement(statement, template)
    }

    /// Binds a query; other statements are refused.
    package static func select(
        _ text: String, in catalog: SQLCatalog, language: SQLLanguage, isOwner: Bool, template: SQLTemplate? = nil
    ) throws(SQLError) -> BoundSelect {
        let bound = try statement(text, in: catalog, language: language, isOwner: isOwner, template: template)
        if case .select(let select) = bound { return select }
        let source = try SQLText(text)
        throw SQLError(
            .unsupported, "not supported \(language.place): anything but SELECT",
            SourceRange(0, source.bytes.count), in: source)
    }

    private mutating func statement(
        _ statement: SQLStatement, _ template: SQLTemplate?
    ) throws(SQLError) -> BoundStatement {
        let whole = SourceRange(0, text.bytes.count)
        switch statement {
        case .select(let select): return .select(try query(select, template))
        case .explain(let inner, let runs):
            try require(.explain, "EXPLAIN", whole)
            guard case .select(let select) = inner else { throw unsupported("EXPLAIN of anything but a SELECT", whole) }
            return .explain(try query(select, template), runs: runs)
        case .insert(let insert):
            try require(.changes, "INSERT; only SELECT is", whole)
            return .insert(try self.insert(insert))
        case .update(let update):
            try require(.changes, "UPDATE; only SELECT is", whole)
            return .update(try self.update(update))
        case .delete(let delete):
            try require(.changes, "DELETE; only SELECT is", whole)
            return .delete(try self.delete(delete))
        case .set(let name, let value):
            try require(.variables, "SET; only SELECT is", whole)
            return .set(try variable(name), try variableValue(value))
        case .show(let name):
            try require(.variables, "SHOW; only SELECT is", whole)
            return .show(try variable(name))
        }
    }

    private mutating func query(_ select: SQLSelect, _ template: SQLTemplate?) throws(SQLError) -> BoundSelect {
        let (query, columns) = try self.select(select)
        try requireIndexes(query, select)
        return BoundSelect(
            query: query, columns: columns, literals: literals,
            isTemplate: Set(literals.compactMap(\.self)).count == template?.literals.count)
    }

    // MARK: Variables

    private func variable(_ name: SQLName) throws(SQLError) -> SystemVariable {
        if let variable = SystemVariable(rawValue: name.text) { return variable }
        let known = SystemVariable.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        throw error(.name, "'\(name.text)' is no variable of the database; there is \(known)", name.range)
    }

    private func variableValue(_ value: SQLExpression) throws(SQLError) -> UInt64 {
        guard case .literal(let literal) = value.kind, case .number = literal,
            case .u64(let number)? = literal.value(as: .u64)
        else { throw error(.type, "a number of rows was expected: an integer from 0 to \(UInt64.max)", value.range) }
        return number
    }

    // MARK: Parameters

    /// The parameter for a name, or for a literal of the template; each is there once for a type.
    mutating func parameter(_ name: String?, literal: Int? = nil, _ type: AlgebraicType) -> Expression {
        let parameter = QueryParameter(name: name, type: type)
        let known = parameters.indices.first { parameters[$0] == parameter && literals[$0] == literal }
        if let known { return .parameter(known, type) }
        parameters.append(parameter)
        literals.append(literal)
        return .parameter(parameters.count - 1, type)
    }

    var boundParameters: [QueryParameter] { parameters }

    /// The position of a literal that is to become a parameter.
    func liftedPosition(_ range: SourceRange) -> Int? { liftable[range] }

    // MARK: Errors

    func error(_ code: SQLError.Code, _ reason: String, _ range: SourceRange) -> SQLError {
        SQLError(code, reason, range, in: text)
    }

    /// A part of the text for a message: in quotes, and the beginning of it if it is long.
    func quoted(_ range: SourceRange) -> String {
        let part = text[range]
        if part.hasPrefix("'"), part.utf8.count <= 80 { return part }
        let beginning = String(part.prefix(60))
        return "'\(beginning)\(beginning.utf8.count < part.utf8.count ? "…" : "")'"
    }

    func unsupported(_ what: String, _ range: SourceRange) -> SQLError {
        error(.unsupported, "not supported \(language.place): \(what)", range)
    }

    func require(_ feature: SQLLanguage.Features, _ what: String, _ range: SourceRange) throws(SQLError) {
        if !language.has(feature) { throw unsupported(what, range) }
    }
}
