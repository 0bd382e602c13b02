import SpacetimeKit

@Table(.public)
struct Plant {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Indexed var owner: Identity
    var name: String
    var height: UInt32
}

@Table
struct Season {
    @PrimaryKey @AutoIncrement var id: UInt64
    var when: ScheduleAt
}

@Table
struct Delivery {
    @PrimaryKey @AutoIncrement var id: UInt64
    var when: ScheduleAt
}

/// What `Tests/Modules/garden.cpp` is, in Swift: a function of every kind.
@Module
enum Garden {
    static let tables = Tables(Plant.self, Season.self, Delivery.self)

    @Reducer(.initialize) static func setUp(_ context: borrowing Context) throws {
        try context.db.season.insert(Season(id: 0, when: .interval(.seconds(1))))
    }

    @Reducer(.clientConnected) static func come(_ context: borrowing Context) { context.log.info("somebody comes") }
    @Reducer(.clientDisconnected) static func go(_ context: borrowing Context) { context.log.info("somebody goes") }

    @Reducer static func sow(_ context: borrowing Context, name: String) throws {
        guard !name.isEmpty else { throw SenderError("a plant needs a name") }
        try add(context, name)
    }

    private static func add(_ context: borrowing Context, _ name: String) throws {
        try context.db.plant.insert(Plant(id: 0, owner: context.sender, name: name, height: 0))
    }

    @Reducer(.scheduled) static func grow(_ context: borrowing Context, season: Season) throws {
        for var plant in context.db.plant.rows {
            plant.height += 1
            try context.db.plant.id.update(plant)
        }
    }

    @Reducer static func order(_ context: borrowing Context, when: Int64) throws {
        try context.db.delivery.insert(
            Delivery(id: 0, when: .time(Timestamp(microsecondsSinceUnixEpoch: when))))
    }

    // MARK: Outside of transactions

    private struct TakenBack: Error {}

    @Procedure static func sowTwice(_ context: ProcedureContext, name: String) async throws -> UInt64 {
        for _ in 0..<2 { try await context.withTransaction { try add($0, name) } }
        do {
            try await context.withTransaction {
                try add($0, name)
                throw TakenBack()
            }
        } catch is TakenBack {}
        return UInt64(try await context.withTransaction { $0.db.plant.count })
    }

    @Procedure static func fetch(_ context: ProcedureContext, url: String) async throws -> String {
        do { return try await context.send(HTTP.Request(.get, url)).text } catch let error as DatabaseError {
            // In the host's own words, as a guest gets them.
            return "error sending request for url (\(url)): \(error.message)"
        }
    }

    @Procedure(.scheduled) static func deliver(_ context: ProcedureContext, delivery: Delivery) async throws {
        try await context.withTransaction { try add($0, "delivered") }
    }

    @Handler(.get, "/count") static func count(
        _ context: ProcedureContext, _ request: HTTP.Request
    ) async throws -> HTTP.Response {
        HTTP.Response(text: "\(try await context.withTransaction { $0.db.plant.count })")
    }

    // MARK: Views

    @View static func mine(_ context: borrowing ViewContext) -> [Plant] {
        Array(context.db.plant.owner.filter(context.sender))
    }

    @View static func high(_ context: borrowing AnonymousViewContext) -> Query<Plant> {
        Plant.where { $0.height >= 3 }
    }
}
