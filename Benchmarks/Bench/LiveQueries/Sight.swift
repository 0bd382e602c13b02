import SpacetimeKit

@Table
struct Piece {
    @PrimaryKey var id: UInt32
    @Indexed var owner: Identity
    var strength: UInt32
}

/// A game in which everybody sees what is his: thirty views that read his pieces, and thirty that are queries for them.
@Module
enum Sight {
    static let tables = Tables(Piece.self)
    static let viewCount = 30

    static func own(_ context: borrowing ViewContext) -> [Piece] {
        Array(context.db.piece.owner.filter(context.sender))
    }

    static func own(_ owner: Identity) -> Query<Piece> { Piece.where { $0.owner == owner } }

    @View static func read1(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read2(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read3(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read4(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read5(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read6(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read7(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read8(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read9(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read10(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read11(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read12(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read13(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read14(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read15(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read16(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read17(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read18(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read19(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read20(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read21(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read22(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read23(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read24(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read25(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read26(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read27(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read28(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read29(_ context: borrowing ViewContext) -> [Piece] { own(context) }
    @View static func read30(_ context: borrowing ViewContext) -> [Piece] { own(context) }

    @View static func asked1(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked2(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked3(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked4(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked5(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked6(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked7(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked8(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked9(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked10(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked11(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked12(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked13(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked14(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked15(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked16(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked17(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked18(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked19(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked20(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked21(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked22(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked23(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked24(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked25(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked26(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked27(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked28(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked29(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }
    @View static func asked30(_ context: borrowing ViewContext) -> Query<Piece> { own(context.sender) }

    @Reducer static func place(_ context: borrowing Context, id: UInt32, owner: Identity) throws {
        try context.db.piece.insert(Piece(id: id, owner: owner, strength: 0))
    }

    @Reducer static func train(_ context: borrowing Context, id: UInt32, strength: UInt32) throws {
        try context.db.piece.id.update(id) { $0.strength = strength }
    }
}
