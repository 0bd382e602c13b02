import SpacetimeClientKit
import SpacetimeClientNIO
import SpacetimeServer
import SpacetimeServerTestSupport
import Synchronization
import Testing

/// Somebody who owns things.
@Table(.public)
struct Owner: Hashable {
    @PrimaryKey var id: UInt32
    @Unique var fullName: String
    var isAway: Bool
}

/// Where a thing lies: found by the place, and by owner and kind.
@Table(.public, .primaryKey(\.shelf, \.place), .index("byOwnerAndKind", \.owner, \.kind))
struct Thing: Hashable {
    var shelf: String
    var place: UInt16
    var owner: UInt32
    var kind: String
    var weight: Double?
}

/// Something that happens and is not kept.
@Table(.public, .event)
struct Noise: Hashable {
    var volume: UInt8
}

/// What clients do not see.
@Table
struct Secret {
    @PrimaryKey var id: UInt32
}

@Module
enum Attic {
    static let tables = Tables(Owner.self, Thing.self, Noise.self, Secret.self)

    @Reducer static func welcome(_ context: borrowing Context, id: UInt32, name: String) throws {
        guard !name.isEmpty else { throw SenderError("an owner needs a name") }
        try context.db.owner.upsert(Owner(id: id, fullName: name, isAway: false))
    }

    @Reducer static func setAway(_ context: borrowing Context, id: UInt32, isAway: Bool) throws {
        guard var owner = context.db.owner.id.find(id) else { throw SenderError("there is no owner \(id)") }
        owner.isAway = isAway
        try context.db.owner.update(owner)
    }

    @Reducer static func put(_ context: borrowing Context, thing: Thing) throws {
        try context.db.thing.upsert(thing)
        try context.db.noise.insert(Noise(volume: UInt8(truncatingIfNeeded: thing.place)))
    }

    @Reducer static func take(_ context: borrowing Context, shelf: String, place: UInt16) throws {
        guard let thing = context.db.thing.primaryKey.find(shelf, place) else {
            throw SenderError("there is nothing at \(shelf) \(place)")
        }
        try context.db.thing.delete(thing)
    }

    @Procedure static func countThings(_ context: ProcedureContext, ownedBy owner: UInt32) async throws -> UInt64 {
        try await context.withTransaction { context in
            UInt64(context.db.thing.where { $0.owner == owner }.count)
        }
    }

    @View static func heavyThings(_ context: borrowing AnonymousViewContext) -> Query<Thing> {
        Thing.where { $0.weight > 100 }
    }
}

/// What carries a client's messages.
enum Carrier: String, CaseIterable, CustomTestStringConvertible {
    case inProcess, socket

    var testDescription: String { rawValue }
}

/// A database, and a way to connect to it.
struct Place: Sendable {
    let database: Database<Attic>
    let connect: @Sendable (_ name: String, _ options: ClientOptions) async throws -> DatabaseClient

    func client(_ name: String = "ada", _ options: ClientOptions = ClientOptions()) async throws -> DatabaseClient {
        try await connect(name, options)
    }
}

private func openAttic() throws -> Database<Attic> { try Database.open(.inMemory, module: Attic.self) }

/// Runs a test's body with clients of either kind.
func withAttic(_ carrier: Carrier, _ body: @escaping @Sendable (Place) async throws -> Void) async throws {
    let database = try openAttic()
    guard carrier == .socket else {
        return try await body(
            Place(database: database) { name, options in
                try await DatabaseClient.connect(to: database, as: name, options: options)
            })
    }
    try await serving {
        try $0.host(database, as: "attic")
    } _: { port in
        try await body(
            Place(database: database) { _, options in
                try await DatabaseClient.connect(
                    to: "ws://127.0.0.1:\(port)", database: "attic", over: NIOTransport(), options: options)
            })
    }
}

/// The error that something throws.
func thrown(_ body: () async throws -> Void) async -> (any Error)? {
    do { try await body() } catch { return error }
    return nil
}
