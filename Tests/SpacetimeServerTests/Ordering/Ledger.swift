import SpacetimeKit
import SpacetimeSATS
import Synchronization

@testable import SpacetimeHost

/// Something that changes at random.
@Table(.public) struct Parcel: Hashable {
    @PrimaryKey var id: UInt32
    @Indexed var owner: UInt32
    var value: UInt32
}

/// Somebody who owns parcels, or not.
@Table(.public) struct Holder: Hashable {
    @PrimaryKey var id: UInt32
    var rank: UInt32
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
    static let tables = Tables(Parcel.self, Holder.self, Turn.self)

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
        if random.below(2) == 0 {
            let holder = Holder(id: random.below(5), rank: random.below(3))
            if random.below(4) == 0 {
                try context.db.holder.id.delete(holder.id)
            } else {
                try context.db.holder.upsert(holder)
            }
        }
        let number = (context.db.turn.id.find(0)?.number ?? 0) + 1
        let by = context.connectionID ?? ConnectionId(number: 0)
        try context.db.turn.upsert(Turn(id: 0, number: number, by: by, request: seed))
        if fails { throw SenderError("taken back") }
        let ranks = Dictionary(uniqueKeysWithValues: context.db.holder.rows.map { ($0.id, $0.rank) })
        History.note(number, Array(context.db.parcel.rows), ranks, in: context.identity)
    }
}

/// What each commit left behind, by its number, for each database.
enum History {
    struct Moment {
        var parcels: [Parcel] = []
        var ranks: [UInt32: UInt32] = [:]
        var offset = TxOffset(0)
    }

    private struct Kept {
        var core: DatabaseCore
        var moments: [UInt64: Moment] = [:]
    }

    private static let kept = Mutex<[Identity: Kept]>([:])

    static func keep(_ core: DatabaseCore) { kept.withLock { $0[core.catalog.identity] = Kept(core: core) } }

    /// The same database was opened again.
    static func goOn(with core: DatabaseCore) { kept.withLock { $0[core.catalog.identity]?.core = core } }

    /// Called by the reducer, which the next offset is for, with the database's lock held.
    static func note(_ number: UInt64, _ parcels: [Parcel], _ ranks: [UInt32: UInt32], in database: Identity) {
        kept.withLock { kept in
            guard let core = kept[database]?.core else { return }
            kept[database]?.moments[number] = Moment(
                parcels: parcels, ranks: ranks, offset: TxOffset(core.runner.state.nextOffset))
        }
    }

    static func moment(after number: UInt64, in database: Identity) -> Moment? {
        number == 0 ? Moment() : kept.withLock { $0[database]?.moments[number] }
    }

    static func forget(_ database: Identity) { kept.withLock { $0[database] = nil } }
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
