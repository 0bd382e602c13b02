import SpacetimeKit
import SpacetimeSATS
import Synchronization

/// Something that changes at random.
@Table(.public) struct Parcel: Hashable {
    @PrimaryKey var id: UInt32
    var owner: UInt32
    var value: UInt32
}

/// Which commit this is, and who made it: it changes with each.
@Table(.public) struct Turn: Hashable {
    @PrimaryKey var id: UInt32
    var number: UInt64
    var by: ConnectionId
    var request: UInt32
}

/// Changes at random, of which the database remembers what each left behind.
@Module enum Ledger {
    static let tables = Tables(Parcel.self, Turn.self)

    /// - Parameter fails: it changes as much, and is then taken back.
    @Reducer static func change(_ context: borrowing Context, seed: UInt32, fails: Bool) throws {
        var random = Dice(seed: UInt64(seed))
        for _ in 0..<1 + random.below(4) {
            let row = Parcel(id: random.below(25), owner: random.below(5), value: random.below(100))
            if random.below(3) == 0 {
                try context.db.parcel.id.delete(row.id)
            } else {
                try context.db.parcel.upsert(row)
            }
        }
        let number = (context.db.turn.id.find(0)?.number ?? 0) + 1
        let by = context.connectionID ?? ConnectionId(number: 0)
        try context.db.turn.upsert(Turn(id: 0, number: number, by: by, request: seed))
        if fails { throw SenderError("taken back") }
        History.note(number, Array(context.db.parcel.rows), in: context.identity)
    }
}

/// What each commit left behind, by its number, for each database.
enum History {
    private static let rows = Mutex<[Identity: [UInt64: [Parcel]]]>([:])

    static func note(_ number: UInt64, _ things: [Parcel], in database: Identity) {
        rows.withLock { $0[database, default: [:]][number] = things }
    }

    static func things(after number: UInt64, in database: Identity) -> [Parcel]? {
        number == 0 ? [] : rows.withLock { $0[database]?[number] }
    }

    static func forget(_ database: Identity) { rows.withLock { $0[database] = nil } }
}

/// Random numbers that follow from a seed.
struct Dice {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: UInt32) -> UInt32 { UInt32(next() % UInt64(bound)) }
}
