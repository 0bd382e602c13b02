import SpacetimeKit
import Synchronization

/// What the rows are after each commit, as told by the subscriptions of a run without a crash: an account of the history
/// that owes nothing to log or snapshots.
final class Shadow: Sendable {
    private struct State {
        /// By offset, in order: rows that went and rows that came.
        var changes: [UInt64: (deleted: [String], inserted: [String])] = [:]
        var isCreated = false
        /// What each opening found in each table, and after which commit.
        var openings: [(offset: UInt64, table: String, rows: [String])] = []
    }

    private let state = Mutex(State())

    /// Follows a database that was just opened, until it is closed.
    func follow(_ database: Database<DynamicModule>, version: Int) throws {
        let isFirst = state.withLock { state in
            defer { state.isCreated = true }
            return !state.isCreated
        }
        try follow(database, Entry.all, "entry", isFirst)
        switch version {
        case 1: try follow(database, Mark.all, "mark", isFirst)
        case 2: try follow(database, WeighedMark.all, "mark", isFirst)
        default: try follow(database, Record.all, "mark", isFirst)
        }
        try follow(database, Progress.all, "progress", isFirst)
        try follow(database, Timer.all, "timer", isFirst)
        try follow(database, Firing.all, "firing", isFirst)
    }

    private func follow<Row: TableRow>(
        _ database: Database<DynamicModule>, _ query: Query<Row>, _ table: String, _ isFirst: Bool
    ) throws {
        try database.subscribe(query) { [self] change in
            let deleted = (change.deleted + change.updated.map(\.old)).map(Self.text)
            let inserted = (change.inserted + change.updated.map(\.new)).map(Self.text)
            state.withLock { state in
                if change.isInitial && !isFirst {
                    state.openings.append((change.offset.rawValue, table, inserted.sorted()))
                } else {
                    state.changes[change.offset.rawValue, default: ([], [])].deleted += deleted
                    state.changes[change.offset.rawValue, default: ([], [])].inserted += inserted
                }
            }
        }
    }

    /// The same for all versions of a row.
    static func text(_ row: some TableRow) -> String {
        if let mark = row as? Mark { return "\(Ledger.weigh(mark.step, mark.text))" }
        if let record = row as? Record { return "\(Ledger.weigh(record.step, record.words))" }
        return "\(row)"
    }

    /// The sorted rows after each commit.
    ///
    /// - Throws: if a database that was opened again had other rows.
    func history(until last: UInt64) throws -> [[String]] {
        let (changes, openings) = state.withLock { ($0.changes, $0.openings) }
        var history: [[String]] = []
        var rows: [String: Int] = [:]
        for offset in 0...last {
            for row in changes[offset]?.inserted ?? [] { rows[row, default: 0] += 1 }
            for row in changes[offset]?.deleted ?? [] { rows[row, default: 0] -= 1 }
            history.append(rows.filter { $0.value > 0 }.map(\.key).sorted())
        }
        for (offset, table, found) in openings {
            let prefix = ["entry": "Entry(", "mark": "WeighedMark(", "progress": "Progress(", "timer": "Timer("]
            let expected = history[Int(offset)].filter { $0.hasPrefix(prefix[table] ?? "Firing(") }
            guard found == expected else { throw SweepFailure("'\(table)' was other after opening at \(offset)") }
        }
        return history
    }

    static func rows(of database: Database<DynamicModule>, version: Int) throws -> [String] {
        try database.read { db in
            var rows = db.table(Entry.self).rows.map(text) + db.table(Progress.self).rows.map(text)
            rows += db.table(Timer.self).rows.map(text) + db.table(Firing.self).rows.map(text)
            switch version {
            case 1: rows += db.table(Mark.self).rows.map(text)
            case 2: rows += db.table(WeighedMark.self).rows.map(text)
            default: rows += db.table(Record.self).rows.map(text)
            }
            return rows.sorted()
        }
    }
}

struct SweepFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
