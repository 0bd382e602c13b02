import SpacetimeKit
import SpacetimeTesting

// Five releases of one program. The second renames, the third adds and has no migration, the fourth retypes, splits and
// drops, the fifth splits a table and renames another.

enum V1 {
    @Table(name: "person") struct Person: Equatable {
        @PrimaryKey @AutoIncrement var id: UInt32
        var name: String
        var age: UInt8
    }

    @Table(name: "note") struct Note {
        @PrimaryKey @AutoIncrement var id: UInt32
        var text: String
    }
}

enum V2 {
    @Table(name: "user") struct User: Equatable {
        @PrimaryKey @AutoIncrement var id: UInt32
        @Indexed var fullName: String
        var age: UInt8
    }
}

enum V3 {
    @Table(name: "user") struct User: Equatable {
        @PrimaryKey @AutoIncrement var id: UInt32
        var fullName: String
        var age: UInt8
        @Default("calm") var mood: String
    }

    @Table(name: "tag") struct Tag: Equatable {
        @PrimaryKey @AutoIncrement var id: UInt16
        @Unique var label: String
    }
}

enum V4 {
    @Table(name: "user") struct User: Equatable {
        @PrimaryKey @AutoIncrement var id: UInt64
        var first: String
        var last: String
        var age: UInt32
        var mood: String
    }
}

enum V5 {
    @Table(name: "user") struct User: Equatable {
        @PrimaryKey @AutoIncrement var id: UInt64
        var first: String
        var last: String
        var mood: String
    }

    @Table(name: "profile") struct Profile: Equatable {
        @PrimaryKey var user: UInt64
        var age: UInt32
    }

    @Table(name: "label") struct Label: Equatable {
        @PrimaryKey @AutoIncrement var id: UInt16
        @Unique var text: String
    }
}

/// What a release of the program opens its database with, and does with it.
struct Release: Sendable {
    let version: Int
    let module: Module
    let migrations: [Migration]

    static let last = 5

    /// - Parameter declares: whether migrations say what they begin with and leave, or take it as it is.
    init(_ version: Int, declares: Bool = true) {
        self.version = version
        let all =
            declares
            ? [
                Self.toV2, Migration("split the names", to: Tables(V4.User.self), Self.splitNames),
                Migration("profiles and labels", from: Tables(V4.User.self, V3.Tag.self), Self.divide),
            ]
            : [
                Self.toV2, Migration("split the names", Self.splitNames),
                Migration("profiles and labels") { old, new in
                    // A database that skipped the third release has no tags.
                    if old.contains("tag") { try Self.divide(old, &new) } else { try Self.divideUsers(old, &new) }
                },
            ]
        migrations = Array(all.prefix([0, 0, 1, 1, 2, 3][version]))
        module =
            switch version {
            case 1: Self.module(V1.Person.self, others: V1.Note.self)
            case 2: Self.module(V2.User.self, others: V1.Note.self)
            case 3: Self.module(V3.User.self, others: V1.Note.self, V3.Tag.self)
            case 4: Self.module(V4.User.self, others: V3.Tag.self)
            default: Self.module(V5.User.self, others: V5.Profile.self, V5.Label.self)
            }
    }

    private static func module<User: TableRow, each Other: TableRow>(
        _ user: User.Type, others: repeat (each Other).Type
    ) -> Module {
        var parts = [SpacetimeKit.Table(user)]
        repeat parts.append(SpacetimeKit.Table(each others))
        return Module("app") {
            for table in parts { table }
            Reducer("add") { (context: borrowing ReducerContext, version: UInt8, number: UInt32) in
                try add(context, Int(version), number)
            }
            Reducer("remove") { (context: borrowing ReducerContext, version: UInt8, id: UInt32) in
                try remove(context, Int(version), id)
            }
        }
    }

    // MARK: What it does

    private static func add(_ context: borrowing ReducerContext, _ version: Int, _ n: UInt32) throws {
        let (first, last, age) = ("First\(n)", "Last\(n)", UInt8(n % 100))
        let name = first + " " + last
        switch version {
        case 1: try context.table(V1.Person.self).insert(V1.Person(id: 0, name: name, age: age))
        case 2: try context.table(V2.User.self).insert(V2.User(id: 0, fullName: name, age: age))
        case 3:
            try context.table(V3.User.self).insert(V3.User(id: 0, fullName: name, age: age, mood: "mood \(n)"))
            try context.table(V3.Tag.self).insert(V3.Tag(id: 0, label: "tag \(n)"))
        case 4:
            try context.table(V4.User.self).insert(
                V4.User(id: 0, first: first, last: last, age: UInt32(age), mood: "mood \(n)"))
            try context.table(V3.Tag.self).insert(V3.Tag(id: 0, label: "tag \(n)"))
        default:
            let user = try context.table(V5.User.self).insert(
                V5.User(id: 0, first: first, last: last, mood: "mood \(n)"))
            try context.table(V5.Profile.self).insert(V5.Profile(user: user.id, age: UInt32(age)))
            try context.table(V5.Label.self).insert(V5.Label(id: 0, text: "tag \(n)"))
        }
        if version < 4 { try context.table(V1.Note.self).insert(V1.Note(id: 0, text: "note \(n)")) }
    }

    private static func remove(_ context: borrowing ReducerContext, _ version: Int, _ id: UInt32) throws {
        switch version {
        case 1: try context.table(V1.Person.self).id.delete(id)
        case 2: try context.table(V2.User.self).id.delete(id)
        case 3: try context.table(V3.User.self).id.delete(id)
        case 4: try context.table(V4.User.self).id.delete(UInt64(id))
        default:
            try context.table(V5.User.self).id.delete(UInt64(id))
            try context.table(V5.Profile.self).user.delete(UInt64(id))
        }
    }

    // MARK: Its migrations

    static let toV2 = Migration("people are users") { _, new in
        try new.rename("person", to: "user")
        try new.renameColumn("name", to: "fullName", of: "user")
    }

    static let splitNames: @Sendable (OldTables, inout NewTables) throws -> Void = { old, new in
        for user in try old.rows(of: V3.User.self) {
            let parts = user.fullName.split(separator: " ").map(String.init)
            try new.insert(
                V4.User(id: UInt64(user.id), first: parts[0], last: parts[1], age: UInt32(user.age), mood: user.mood))
        }
        try new.drop("note")
    }

    static let divide: @Sendable (OldTables, inout NewTables) throws -> Void = { old, new in
        try divideUsers(old, &new)
        try new.rename("tag", to: "label")
        try new.renameColumn("label", to: "text", of: "label")
    }

    private static let divideUsers: @Sendable (OldTables, inout NewTables) throws -> Void = { old, new in
        for user in try old.rows(of: V4.User.self) {
            try new.insert(V5.User(id: user.id, first: user.first, last: user.last, mood: user.mood))
            try new.insert(V5.Profile(user: user.id, age: user.age))
        }
    }

    // MARK: Opening

    func open(_ disk: SimulatedDisk) throws -> Database<DynamicModule> {
        try Database.open(.directory("app", .simulated(disk)), module: module, options: options)
    }

    var options: DatabaseOptions {
        var options = DatabaseOptions()
        options.seed = 1
        options.clock = VirtualClock()
        options.migrations = migrations
        return options
    }
}

/// What a database must hold in the last release.
struct Population: Equatable {
    struct User: Equatable {
        var id: UInt64
        var first: String
        var last: String
        var mood: String
        var age: UInt32
    }

    var users: [User] = []
    var tags: [String] = []
    private var nextNumber: UInt32 = 1

    /// Adds two users and removes the second, in the database and here.
    mutating func grow(_ database: Database<DynamicModule>, _ version: Int) throws {
        for _ in 0..<2 {
            let n = nextNumber
            try database.call("add", arguments: UInt8(version).bsatn() + n.bsatn())
            users.append(
                User(
                    id: UInt64(n), first: "First\(n)", last: "Last\(n)", mood: version < 3 ? "calm" : "mood \(n)",
                    age: n % 100))
            if version >= 3 { tags.append("tag \(n)") }
            nextNumber += 1
        }
        let last = users.removeLast()
        try database.call("remove", arguments: UInt8(version).bsatn() + UInt32(last.id).bsatn())
    }

    /// What a database of the last release holds.
    static func read(_ database: Database<DynamicModule>) throws -> (users: [User], tags: [String]) {
        let snapshot = try database.snapshot()
        let ages = Dictionary(uniqueKeysWithValues: try snapshot.rows(V5.Profile.all).map { ($0.user, $0.age) })
        let users = try snapshot.rows(V5.User.all).sorted { $0.id < $1.id }.map {
            User(id: $0.id, first: $0.first, last: $0.last, mood: $0.mood, age: ages[$0.id] ?? .max)
        }
        return (users, try snapshot.rows(V5.Label.all).sorted { $0.id < $1.id }.map(\.text))
    }
}
