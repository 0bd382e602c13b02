import SpacetimeKit
import SpacetimeSATS

@SpacetimeType struct Spot: Equatable {
    var x: Int32
    var y: Int32
}

@SpacetimeType enum Shape: Equatable {
    case nothing
    case circle(Double)
    case path([Spot])
    case named(String)
}

@SpacetimeType enum Tint: Equatable {
    case red
    case inProgress
    case httpError
}

/// With a key, a unique column, indexes, and columns whose names are words of some language.
@Table(.public, .index("byTintAndSize", \.tint, \.size)) struct Piece {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Unique var name: String
    var tint: Tint
    var size: Int32
    var shape: Shape
    var `class`: String?
    var `in`: [Spot]
}

/// Values of all types.
@Table(.public, .unscheduled) struct Sample {
    @PrimaryKey var id: UInt32
    var tiny: Int8
    var small: Int16
    var large: Int64
    var huge: Int128
    var vast: Int256
    var byte: UInt8
    var word: UInt16
    var total: UInt64
    var wide: UInt128
    var widest: UInt256
    var ratio: Float
    var precise: Double
    var flag: Bool
    var raw: [UInt8]
    var who: Identity
    var connection: ConnectionId
    var at: Timestamp
    var took: TimeDuration
    var token: Uuid
    var due: ScheduleAt
    var maybe: String?
    var perhaps: Int32??
    var tints: [Tint?]
}

/// Without a key.
@Table(.public) struct Remark {
    var text: String
    var times: UInt32
}

/// Rows that are told and not kept.
@Table(.public, .event) struct Bell {
    var text: String
}

/// That nobody sees.
@Table struct Ledger {
    @PrimaryKey var id: UInt32
}

/// What generated clients are tried on: something of everything that a module can have.
@Module enum Gallery {
    static let tables = Tables(Piece.self, Sample.self, Remark.self, Bell.self, Ledger.self)

    @Reducer(.initialize) static func setUp(_ context: borrowing Context) throws {
        for (name, tint, size) in [("a", Tint.red, 1), ("b", .inProgress, 2), ("c", .httpError, 3)]
            as [(String, Tint, Int32)]
        {
            try context.db.piece.insert(
                Piece(id: 0, name: name, tint: tint, size: size, shape: .nothing, class: nil, in: []))
        }
    }

    @Reducer static func hang(
        _ context: borrowing Context, name: String, tint: Tint, size: Int32, shape: Shape, class: String?, in: [Spot]
    ) throws {
        guard !name.isEmpty else { throw SenderError("a piece needs a name, 'even' \"this\" one") }
        try context.db.piece.insert(
            Piece(id: 0, name: name, tint: tint, size: size, shape: shape, class: `class`, in: `in`))
    }

    @Reducer static func resize(_ context: borrowing Context, name: String, size: Int32) throws {
        guard var piece = context.db.piece.name.find(name) else { throw SenderError("there is no \(name)") }
        piece.size = size
        try context.db.piece.update(piece)
    }

    @Reducer static func takeDown(_ context: borrowing Context, name: String) throws {
        try context.db.piece.name.delete(name)
    }

    @Reducer static func keep(_ context: borrowing Context, sample: Sample) throws {
        try context.db.sample.upsert(sample)
    }

    @Reducer static func remark(_ context: borrowing Context, text: String, times: UInt32) throws {
        try context.db.remark.insert(Remark(text: text, times: times))
    }

    @Reducer static func ring(_ context: borrowing Context, text: String) throws {
        try context.db.bell.insert(Bell(text: text))
    }

    @Procedure static func add(_ context: ProcedureContext, one: Int64, other: Int128) async throws -> Int128 {
        let (sum, isTooLarge) = Int128(one).addingReportingOverflow(other)
        guard !isTooLarge else { throw SenderError("the sum is too large") }
        return sum
    }

    @Procedure static func largest(_ context: ProcedureContext, limit: UInt32) async throws -> [Piece] {
        try await context.withTransaction { transaction in
            Array(transaction.db.piece.rows.sorted { $0.size > $1.size }.prefix(Int(limit)))
        }
    }

    @Procedure static func find(_ context: ProcedureContext, name: String?) async throws -> Piece? {
        try await context.withTransaction { transaction in
            name.flatMap { transaction.db.piece.name.find($0) }
        }
    }

    @Procedure static func fail(_ context: ProcedureContext) async throws { throw SenderError("not today") }

    /// The largest ones, the same for all.
    @View static func shown(_ context: borrowing AnonymousViewContext) -> QueryWindow<Piece> {
        Piece.all.orderBy { $0.size.descending }.limit(2)
    }

    /// Those that are larger than somebody says.
    @View static func above(
        _ context: borrowing AnonymousViewContext, size: Int32, name: String?
    ) -> Query<Piece> {
        Piece.where { $0.size > size && $0.name != (name ?? "") }
    }
}
