import SpacetimeKit
import Testing

@Table(.public)
struct Tally {
    @PrimaryKey var name: String
    var count: UInt64
}

@Module enum Tallies {
    static let tables = Tables(Tally.self)

    @Reducer static func open(_ context: borrowing Context) throws { try add(context, name: "open") }
    @Reducer(.public) static func stated(_ context: borrowing Context) throws { try add(context, name: "stated") }
    @Reducer(.private) static func forOwner(_ context: borrowing Context) throws { try add(context, name: "forOwner") }
    @Reducer(.private, name: "other") static func named(_ context: borrowing Context) throws {
        try add(context, name: "named")
    }
    @Reducer private static func hidden(_ context: borrowing Context) throws { try add(context, name: "hidden") }
    @Reducer fileprivate static func inFile(_ context: borrowing Context) throws { try add(context, name: "inFile") }
    /// Reducers are functions, too: who may call this one has these done.
    @Reducer static func all(_ context: borrowing Context) throws {
        try forOwner(context)
        try hidden(context)
    }

    static let secret: Reducer<Tallies> = hidden

    private static func add(_ context: borrowing Context, name: String) throws {
        let count = context.db.tally.name.find(name)?.count ?? 0
        try context.db.tally.upsert(Tally(name: name, count: count + 1))
    }
}

/// Who may call reducers that are not for clients.
@Suite struct PrivateReducerTests {
    private func counts(_ db: Database<Tallies>) throws -> [String: UInt64] {
        try db.read { db in Dictionary(uniqueKeysWithValues: db.tally.rows.map { ($0.name, $0.count) }) }
    }

    @Test func clientsCannotCallThemByValue() throws {
        let db = try Database.open(.inMemory, module: Tallies.self)
        let alice = try db.connect(as: "alice")
        for reducer in [Tallies.forOwner, Tallies.named, Tallies.inFile, Tallies.secret] as [Reducer<Tallies>] {
            let error = #expect(throws: DatabaseError.self) { try alice.call(reducer) }
            #expect(error?.code == .noSuchReducer)
        }
        try alice.call(Tallies.open)
        try alice.call(Tallies.stated)
        try alice.call(Tallies.all)
        #expect(try counts(db) == ["open": 1, "stated": 1, "forOwner": 1, "hidden": 1])
    }

    @Test func clientsCannotCallThemByNameAndAreToldWhatTheyAreToldOfAnUnknownOne() throws {
        let db = try Database.open(.inMemory, module: Tallies.self)
        let alice = try db.connect(as: "alice")
        let unknown = #expect(throws: DatabaseError.self) { try alice.call("noneSuch", arguments: []) }
        for name in ["forOwner", "for_owner", "other", "hidden", "inFile", "in_file"] {
            for arguments in [[], [1, 2, 3]] as [[UInt8]] {
                let error = #expect(throws: DatabaseError.self) { try alice.call(name, arguments: arguments) }
                #expect(error?.code == .noSuchReducer)
                #expect(error?.message == unknown?.message.replacing("noneSuch", with: name))
            }
        }
        #expect(try counts(db) == [:])
    }

    @Test func theOwnerCallsThemHoweverItIsCalled() throws {
        let db = try Database.open(.inMemory, module: Tallies.self)
        try db.call(Tallies.forOwner)
        try db.call("for_owner", arguments: [])
        try db.call(Tallies.named)
        try db.call("other", arguments: [])
        try db.call("hidden", arguments: [])
        try db.call(Tallies.inFile)
        #expect(try counts(db) == ["forOwner": 2, "named": 2, "hidden": 1, "inFile": 1])
    }

    @Test func reducersOfModulesThatAreValuesSayWhoMayCallThem() throws {
        let module = Module("values") {
            Table(Tally.self)
            Reducer("settle", access: .private) { (context: borrowing ReducerContext) in
                try context.table(Tally.self).insert(Tally(name: "settle", count: 1))
            }
            Reducer("open", access: .public) { (context: borrowing ReducerContext) in }
        }
        let db = try Database.open(.inMemory, module: module)
        let alice = try db.connect(as: "alice")
        let error = #expect(throws: DatabaseError.self) { try alice.call("settle", arguments: []) }
        #expect(error?.code == .noSuchReducer)
        try alice.call("open", arguments: [])
        try db.call("settle", arguments: [])
        #expect(try db.read { $0.table(Tally.self).count } == 1)
    }
}
