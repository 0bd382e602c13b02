import SpacetimeEngine
import SpacetimeHost
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport

/// Runs the subscriptions of scripts on a database, and its statements: there, or in the ``ReferenceEngine``, whose changes
/// are committed here.
final class SessionEngine: ScriptEngine {
    private let reference: ReferenceEngine
    let database: TableDatabase
    private let catalog: SQLCatalog
    private var sessions: [String: Session] = [:]
    /// The types of the columns of each query.
    private var types: [String: [UInt32: [[AlgebraicType]]]] = [:]
    private var news: [String: [String]] = [:]

    private let runsStatements: Bool

    init(_ script: Script, runsStatements: Bool) throws {
        self.runsStatements = runsStatements
        let tables = script.tables
        let views = try script.views.map { view in
            guard let table = tables.firstIndex(where: { $0.name == view.table }) else {
                throw Script.Malformed(description: "view \(view.name) is of no table")
            }
            return TableModule.View(
                name: view.name, table: table, isAnonymous: view.isAnonymous,
                query: ScriptValues.replacingNames(in: view.query))
        }
        let database = try TableDatabase(tables, rowLevelSecurity: script.rules, views: views)
        self.database = database
        // Of views nothing but the columns is asked here.
        let viewed = views.enumerated().map { position, view in
            SQLCatalog.Table(
                TableID(UInt32(1 << 16 + position)), TableSchema(name: view.name, columns: tables[view.table].columns))
        }
        catalog = SQLCatalog(zip(database.ids, tables).map { SQLCatalog.Table($0, $1) } + viewed)
        reference = ReferenceEngine(tables)
        reference.onCommit = { before, after in
            let deletes = after.indices.flatMap { table in
                before[table].filter { !after[table].contains($0) }
                    .map { ModelDatabase.Change.delete(table: table, $0) }
            }
            let inserts = after.indices.flatMap { table in
                after[table].filter { !before[table].contains($0) }
                    .map { ModelDatabase.Change.insert(table: table, $0) }
            }
            try database.commit(deletes + inserts)
        }
    }

    func offers(_ language: Script.Language) -> Bool { !runsStatements || !language.isOriginal }

    func run(_ text: String, _ language: Script.Language, as speaker: String) throws -> ScriptOutcome {
        if !runsStatements { return try reference.run(text, language, as: speaker) }
        let request = Statements.Request(
            text, as: Caller(identity: ScriptValues.identity(speaker)), isOneOff: language == .oneoff)
        let result = try database.core.statements.run(request)
        return ScriptOutcome(
            rows: try Self.lines(result.rows, result.columns.elements.map(\.algebraicType)),
            inserted: result.changes.inserted, updated: result.changes.updated, deleted: result.changes.deleted)
    }

    // MARK: Subscriptions

    private func session(_ speaker: String) -> Session {
        if let known = sessions[speaker] { return known }
        let made = Session(
            Caller(identity: ScriptValues.identity(speaker)), outlet: nil, queueLimit: 1000)
        sessions[speaker] = made
        return made
    }

    func subscribe(
        _ set: UInt32, to texts: [String], isOriginal: Bool, as speaker: String
    ) throws -> [String] {
        let language: SQLLanguage = isOriginal ? .originalSubscription : .subscription
        let session = session(speaker)
        try pull(speaker)
        let sessions = database.core.sessions
        let list = try sessions.texts.queries(texts, in: language, as: session.caller)
        let columns = try texts.map { text in
            try SQLBinder.select(text, in: catalog, language: language, isOwner: speaker == "owner").columns
                .elements.map(\.algebraicType)
        }
        try sessions.subscribe(session, to: QuerySetID(set), list)
        types[speaker, default: [:]][set] = columns
        guard case .subscribed(let first)? = session.queue.nextAvailable() else {
            throw Script.Malformed(description: "the first rows do not come first")
        }
        return try zip(first.rows, columns).flatMap { try Self.lines($0.inserts, $1) }
    }

    func unsubscribe(_ set: UInt32, as speaker: String) throws {
        try pull(speaker)
        database.core.sessions.unsubscribe(session(speaker), from: QuerySetID(set))
    }

    func told(_ speaker: String) throws -> [String] {
        try pull(speaker)
        defer { news[speaker] = [] }
        return news[speaker] ?? []
    }

    private func pull(_ speaker: String) throws {
        while let event = session(speaker).queue.nextAvailable() {
            guard case .update(let update) = event else { continue }
            var lines: [String] = []
            for change in update.changes {
                let set = change.set.rawValue
                guard let columns = types[speaker]?[set]?[change.query] else { continue }
                lines += try Self.lines(change.delta.deletes, columns).map { "\(set) - \($0)" }
                lines += try Self.lines(change.delta.inserts, columns).map { "\(set) + \($0)" }
            }
            let earlier = news[speaker] ?? []
            news[speaker] = earlier + (earlier.isEmpty ? [] : [";"]) + lines
        }
    }

    static func lines(_ rows: RowBatch, _ types: [AlgebraicType]) throws -> [String] {
        var images: [[UInt8]] = []
        rows.forEach { images.append(Array($0)) }
        return try images.map { image in
            var reader = BSATNReader(image.span.bytes)
            return try ScriptValues.text(try types.map { try AlgebraicValue(from: &reader, type: $0) }, types)
        }
    }
}
