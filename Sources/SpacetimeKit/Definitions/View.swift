import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

/// Rows that a module makes out of its tables for clients to look at: they are watched like a table, and kept up to date.
///
/// ```swift
/// static let own = View("my_score", primaryKey: "player") { (context: borrowing Context) -> [Score] in
///     context.db.score.player.find(context.sender).map { [$0] } ?? []
/// }
/// static let views = Views(best, own)
/// ```
///
/// A view is a function that only reads. It is called when somebody first watches it, and again, inside of the transaction,
/// when something that it has read is about to be changed; clients get what differs in the same update as what caused it. If it
/// throws then, the transaction is undone and its caller gets the error. What it returns is a set: equal rows are one.
///
/// It may read private tables, and clients see what it returns and no more. In SQL it is named like a table.
public struct View<Definition: ModuleDefinition, Row: TableRow>: Sendable {
    /// The name by which clients know it. No table may have the same.
    public let name: StaticString
    private let kind: ViewKind
    private let primaryKey: String?
    private let body: @Sendable (borrowing Context<Definition>) throws -> [Row]

    /// Makes a view out of a function or a closure.
    ///
    /// - Parameters:
    ///   - name: the name by which clients know it.
    ///   - kind: whether it depends on who looks.
    ///   - primaryKey: the name of a column in which no two rows are equal: clients then see that a row was updated. If two rows
    ///     are equal in it the transaction fails with ``DatabaseError/Code/uniqueViolation``.
    ///   - body: reads, and returns rows. In a ``ViewKind/perCaller`` view `context.sender` is who looks. A look-up by a whole key
    ///     is noted as that; any other read makes the view depend on all of a table. Writing throws. It has no random numbers, and
    ///     no time, since it would not be called again when that changes.
    public init(
        _ name: StaticString, _ kind: ViewKind = .perCaller, primaryKey: String? = nil,
        _ body: @escaping @Sendable (borrowing Context<Definition>) throws -> [Row]
    ) {
        self.name = name
        self.kind = kind
        self.primaryKey = primaryKey
        self.body = body
    }

    var description: ViewDescription {
        let body = body
        return ViewDescription(
            name: name.description, isShared: kind == .shared, primaryKey: primaryKey,
            rowType: { Row.algebraicType(in: &$0) }
        ) { transaction in
            let rows = try body(Context(transaction))
            return UInt32(rows.count).bsatn() + rows.flatMap { $0.bsatn() }
        }
    }
}

/// Whether a ``View`` depends on who looks.
public enum ViewKind: Hashable, Sendable {
    /// Each identity sees rows of its own. The view is called for each that looks.
    case perCaller
    /// All see the same, and the view is called once for all.
    case shared
}

extension View: QueryConvertible {
    public typealias Output = Row

    public var _draft: _QueryDraft {
        var draft = _QueryDraft(Row.self)
        draft.view = name.description
        return draft
    }

    public var _decode: @Sendable (UnsafeRawBufferPointer) -> Row { { SpacetimeKit._decode($0, as: Row.self) } }
}

/// The views of a module: `static let views = Views(best, own)`.
public struct Views<Definition: ModuleDefinition>: Sendable {
    let list: [ViewDescription]

    /// A list of views.
    public init<each Row: TableRow>(_ views: repeat View<Definition, each Row>) {
        var list: [ViewDescription] = []
        repeat list.append((each views).description)
        self.list = list
    }
}

/// Everything about a view that the database needs to call it.
struct ViewDescription: Sendable {
    let name: String
    let isShared: Bool
    let primaryKey: String?
    let rowType: @Sendable (inout TypespaceBuilder) -> AlgebraicType
    /// Returns the array of its rows in BSATN.
    let run: @Sendable (TransactionReference) throws -> [UInt8]

    init(
        name: String, isShared: Bool, primaryKey: String?,
        rowType: @escaping @Sendable (inout TypespaceBuilder) -> AlgebraicType,
        run: @escaping @Sendable (TransactionReference) throws -> [UInt8]
    ) {
        self.name = name
        self.isShared = isShared
        self.primaryKey = primaryKey
        self.rowType = rowType
        self.run = run
    }
}
