import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema
import Synchronization

/// Runs SQL statements: on behalf of the owner, of clients, and over pictures of the database.
///
/// A query that will look at few rows is run under the database's lock. A longer one is run over a picture, off the lock, and
/// stops nobody. A statement that changes rows is one transaction; when it commits, subscribers hear of it as of any other.
package final class Statements: Sendable {
    let runner: TransactionRunner
    /// For each language, of others and of the owner.
    private let caches: [Cache]

    private final class Cache: Sendable {
        let statements = Mutex(StatementCache())
    }

    init(_ runner: TransactionRunner) {
        self.runner = runner
        caches = (0..<4).map { _ in Cache() }
    }

    /// Who asks, and how.
    package struct Request: Sendable {
        package var text: String
        package var values: [String: SQLValue]
        package var caller: Caller
        /// Only queries for whole rows of one table, as clients send them.
        package var isOneOff: Bool
        package var limits: QueryLimits
        /// Becomes true when nobody waits for the result any more.
        package var isCancelled: (@Sendable () -> Bool)?

        package init(
            _ text: String, _ values: [String: SQLValue] = [:], as caller: Caller, isOneOff: Bool = false,
            limits: QueryLimits = QueryLimits(), isCancelled: (@Sendable () -> Bool)? = nil
        ) {
            self.text = text
            self.values = values
            self.caller = caller
            self.isOneOff = isOneOff
            self.limits = limits
            self.isCancelled = isCancelled
        }

        var language: SQLLanguage { isOneOff ? .oneOff : .adHoc }
    }

    /// A request whose statement is bound.
    struct Prepared: Sendable {
        let request: Request
        let isOwner: Bool
        let started: Timestamp
        let entry: StatementCache.Entry

        func values(_ parameters: [QueryParameter], _ literals: [[UInt8]?]) throws(DatabaseError) -> [[UInt8]] {
            try StatementParameters(parameters, request).values(literals)
        }
    }

    // MARK: Running

    /// Runs a statement, blocking the thread while others have the lock.
    ///
    /// - Throws: ``DatabaseError``: `invalidQuery`, `noSuchTable`, `badArguments` if a parameter has no value of its type,
    ///   `notPermitted`, `limitReached`, `stopped`, what writes throw, `closed`.
    package func run(_ request: Request) throws(DatabaseError) -> StatementResult {
        let prepared = try prepare(request)
        if prepared.changes {
            try runner.acquireForWrite()
            return try changeAndRelease(prepared)
        }
        try runner.acquire()
        switch try readAndRelease(prepared) {
        case .done(let result): return result
        case .long(let query): return try query.run()
        }
    }

    /// Runs a statement. Suspends while others have the lock; what takes long is done on a thread of its own.
    package func run(_ request: Request) async throws(DatabaseError) -> StatementResult {
        let prepared = try prepare(request)
        if prepared.changes {
            return try await runner.takingLock(toWrite: true) {
                Result { () throws(DatabaseError) in try changeAndRelease(prepared) }
            }.get()
        }
        let outcome = try await runner.takingLock {
            Result { () throws(DatabaseError) in try readAndRelease(prepared) }
        }.get()
        switch outcome {
        case .done(let result): return result
        case .long(let query): return try await query.runAside()
        }
    }

    // MARK: Preparing

    /// Finds the statement of a text, binds it if it is new, and checks the caller's rights.
    func prepare(_ request: Request) throws(DatabaseError) -> Prepared {
        let isOwner = request.caller.identity == runner.catalog.owner.identity
        let prepared = Prepared(
            request: request, isOwner: isOwner, started: runner.clock.now(), entry: try entry(request, isOwner))
        if prepared.changes, !isOwner {
            throw DatabaseError(
                .notPermitted,
                "only the owner of the database may change it by SQL, and not \(request.caller.identity); call a reducer"
            )
        }
        return prepared
    }

    private func entry(_ request: Request, _ isOwner: Bool) throws(DatabaseError) -> StatementCache.Entry {
        let cache = caches[(request.isOneOff ? 2 : 0) + (isOwner ? 1 : 0)]
        if let known = cache.statements.withLock({ $0.entry(for: request.text) }) { return known }
        do throws(SQLError) {
            let template = try SQLTemplate(request.text)
            if !template.literals.isEmpty,
                let known = cache.statements.withLock({ $0.select(for: template, of: request.text) }),
                let values = known.bound.literalValues(of: template)
            {
                return .select(known, values)
            }
            return try newEntry(request, isOwner, template, cache)
        } catch {
            throw DatabaseError(error)
        }
    }

    private func newEntry(
        _ request: Request, _ isOwner: Bool, _ template: SQLTemplate, _ cache: Cache
    ) throws(SQLError) -> StatementCache.Entry {
        let statement = try SQLBinder.statement(
            request.text, in: runner.catalog.tables, language: request.language, isOwner: isOwner, template: template)
        guard case .select(let bound) = statement else {
            let entry = StatementCache.Entry.other(statement)
            cache.statements.withLock { $0.enter(entry, for: request.text) }
            return entry
        }
        let prepared = PreparedSelect(bound)
        let entry = StatementCache.Entry.select(prepared, bound.literalValues(of: template) ?? [])
        cache.statements.withLock { statements in
            if bound.isTemplate, !template.literals.isEmpty {
                statements.enter(prepared, for: template, of: request.text)
            } else {
                statements.enter(entry, for: request.text)
            }
        }
        return entry
    }
}

extension Statements.Prepared {
    /// Whether it needs the right to write.
    var changes: Bool {
        guard case .other(let statement) = entry else { return false }
        return switch statement {
        case .insert, .update, .delete, .set: true
        case .select, .explain, .show: false
        }
    }
}

/// The values of a statement's parameters.
struct StatementParameters {
    private let parameters: [QueryParameter]
    private let request: Statements.Request

    init(_ parameters: [QueryParameter], _ request: Statements.Request) {
        self.parameters = parameters
        self.request = request
    }

    /// One for each parameter, in BSATN.
    ///
    /// - Parameter literals: those that were lifted out of the text.
    /// - Throws: `badArguments`.
    func values(_ literals: [[UInt8]?]) throws(DatabaseError) -> [[UInt8]] {
        if !request.values.isEmpty { try requireKnown() }
        var values: [[UInt8]] = []
        values.reserveCapacity(parameters.count)
        for (position, parameter) in parameters.enumerated() {
            if position < literals.count, let literal = literals[position] {
                values.append(literal)
            } else if parameter.name == "sender" {
                values.append(QueryTexts.sender(request.caller.identity, as: parameter.type))
            } else {
                values.append(try value(parameter.name ?? "", parameter.type))
            }
        }
        return values
    }

    private func requireKnown() throws(DatabaseError) {
        let known = Set(parameters.compactMap(\.name))
        for name in request.values.keys.sorted() where !known.contains(name) || name == "sender" {
            let reason =
                name == "sender"
                ? "':sender' is the caller, and is not given"
                : "the statement has no parameter ':\(name)'; leave it out"
            throw DatabaseError(.badArguments, reason)
        }
    }

    private func value(_ name: String, _ type: AlgebraicType) throws(DatabaseError) -> [UInt8] {
        guard let value = request.values[name] else {
            throw DatabaseError(
                .badArguments, "the parameter ':\(name)' has no value; give it one beside the text: [\"\(name)\": …]")
        }
        guard let bytes = value.bytes(as: type) else {
            let hint = value.isNil ? "; nothing equals nil, so ask for what is missing by IS NULL" : ""
            throw DatabaseError(
                .badArguments,
                "the value of the parameter ':\(name)' is \(value.typeText), and \(type.swiftText) is needed\(hint)")
        }
        return bytes
    }
}
