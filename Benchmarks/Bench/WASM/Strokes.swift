import SpacetimeKit

// What `Tests/Modules/strokes.c` is, in Swift.

@Table(.public)
struct Particle {
    @PrimaryKey var id: UInt64
    @Indexed var owner: UInt64
    var x: Int32
    var y: Int32
}

@Table(.public)
struct Mobile {
    @PrimaryKey var id: UInt64
    var x: Int32
    var y: Int32
    var health: UInt32
}

@Table(.public)
struct Chunk {
    @PrimaryKey var id: UInt64
    var cells: [UInt8]
}

@Table(.public, .index("byPlace", \.owner, \.kind, \.place))
struct Slot {
    @PrimaryKey var id: UInt64
    var owner: UInt64
    var kind: UInt32
    var place: UInt32
    var amount: UInt32
}

@Table(.public)
struct Total {
    @PrimaryKey var id: UInt32
    var value: UInt64
}

/// What a game's server does all day, one stroke per reducer.
@Module
enum Strokes {
    static let tables = Tables(Particle.self, Mobile.self, Chunk.self, Slot.self, Total.self)
    private static let cellCount = 16_384
    private static let chunkCount: UInt64 = 16
    private static let placeCount: UInt32 = 4

    @Reducer static func nothing(_ context: borrowing Context) {}

    /// Crossings from a guest to its host; there are none here.
    @Reducer static func cross(_ context: borrowing Context, count: UInt32) {}

    @Reducer static func insertParticles(_ context: borrowing Context, first: UInt64, count: UInt32) throws {
        for id in first..<first + UInt64(count) {
            try context.db.particle.insert(
                Particle(id: id, owner: id / 10, x: Int32(id % 1000), y: Int32(truncatingIfNeeded: id)))
        }
    }

    @Reducer static func scanParticles(_ context: borrowing Context) throws {
        var sum: UInt64 = 0
        for particle in context.db.particle.rows {
            sum &+= particle.id ^ UInt64(bitPattern: Int64(particle.x))
        }
        try context.db.total.id.update(Total(id: 0, value: sum))
    }

    @Reducer static func fill(_ context: borrowing Context, players: UInt64) throws {
        try context.db.total.insert(Total(id: 0, value: 0))
        for id in 0..<chunkCount {
            let cells = (0..<cellCount).map { UInt8(truncatingIfNeeded: Int(id) * 7 + $0) }
            try context.db.chunk.insert(Chunk(id: id, cells: cells))
        }
        for id in 0..<players {
            try context.db.mobile.insert(Mobile(id: id, x: 0, y: 0, health: 100))
            for place in 0..<placeCount {
                try context.db.slot.insert(
                    Slot(id: id * UInt64(placeCount) + UInt64(place), owner: id, kind: 1, place: place, amount: 0))
            }
        }
    }

    /// Twenty reads by key, one of them of a large row; a look-up by three columns; three updates.
    @Reducer static func step(_ context: borrowing Context, player: UInt64, players: UInt64, time: UInt32) throws {
        let mobiles = context.db.mobile
        guard var own = mobiles.id.find(player), var near = mobiles.id.find((player + 1) % players) else {
            throw SenderError("a mobile is gone")
        }
        var sum: UInt32 = 0
        for number: UInt64 in 1...17 {
            sum &+= mobiles.id.find((player * 31 + number * 7) % players)?.health ?? 0
        }
        guard let chunk = context.db.chunk.id.find(player % chunkCount) else { throw SenderError("a chunk is gone") }
        sum &+= UInt32(chunk.cells[Int(time) % cellCount])
        guard var slot = context.db.slot.byPlace.filter(player, 1, time % placeCount).first else {
            throw SenderError("a slot is gone")
        }
        own.x += 1
        own.health = 50 + sum % 51
        near.y += 1
        slot.amount &+= sum & 7
        try mobiles.id.update(own)
        try mobiles.id.update(near)
        try context.db.slot.id.update(slot)
    }
}

/// One call of a reducer of the strokes or of the bank.
enum Stroke {
    case nothing
    case cross(UInt32)
    case insertParticles(first: UInt64, count: UInt32)
    case scanParticles
    case fill(players: UInt64)
    case step(player: UInt64, players: UInt64, time: UInt32)
    case stumble(UInt32)

    /// The reducer's place in the module.
    var position: Int {
        switch self {
        case .nothing: 0
        case .cross: 1
        case .insertParticles: 2
        case .scanParticles: 3
        case .fill: 4
        case .step: 5
        case .stumble: 6
        }
    }

    /// In BSATN.
    var arguments: [UInt8] {
        switch self {
        case .nothing, .scanParticles: []
        case .cross(let count): count.bsatn()
        case .insertParticles(let first, let count): first.bsatn() + count.bsatn()
        case .fill(let players): players.bsatn()
        case .step(let player, let players, let time): player.bsatn() + players.bsatn() + time.bsatn()
        case .stumble(let number): number.bsatn()
        }
    }
}
