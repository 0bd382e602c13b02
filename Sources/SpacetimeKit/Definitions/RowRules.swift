import SpacetimeEngine
import SpacetimeHost
public import SpacetimeSATS

/// Which rows of public tables clients may see: the row-level security of a module.
///
/// ```swift
/// static let rules = RowRules { sender in
///     Letter.where { $0.recipient == sender }
///     Letter.all.leftSemijoin(Helper.where { $0.identity == sender }) { $0.recipient == $1.of }
/// }
/// ```
///
/// Each rule is a query for whole rows of the table that it guards; `sender` is who looks. Of a table with rules a client sees the rows
/// that any of them returns, each once, whatever he asks and subscribes to; of other public tables he sees all. The owner of the
/// database sees everything, and so do reducers, procedures and views.
///
/// A rule may join other tables, private ones too; the rules of these hold in it. It may also be a text in SQL, in which `:sender` is
/// who looks; that is what a module's definition has of each. Rules that cannot be read, or that need each other, are refused with
/// ``DatabaseError/Code/invalidModule`` when the database is opened.
///
/// Rules about the row alone become part of each query. Where a rule joins tables, the rows that a client may see are kept for each
/// that looks, as those of a view are: that costs memory for these rows, and a commit pays for those that it changes.
public struct RowRules: Sendable {
    let list: [RowRule]

    /// Rules in SQL: `RowRules("SELECT * FROM letter WHERE recipient = :sender")`.
    ///
    /// - Parameter texts: one rule each.
    public init(_ texts: String...) { list = texts.map { RowRule(content: .text($0)) } }

    /// Rules as queries, one below the other; texts may stand among them, and `if` and `for` around them.
    ///
    /// - Parameter rules: gets who looks, to compare columns of type `Identity` with.
    public init(@RowRuleBuilder _ rules: (borrowing RuleSender) -> [RowRule]) { list = rules(RuleSender()) }
}

/// Who looks at rows, as ``RowRules`` knows it: compared by `==` and `!=` with columns of type `Identity`, optional ones too.
///
/// It stands for whoever will look, and cannot leave the closure that gets it.
public struct RuleSender: ~Copyable {
    /// What is wrong with a condition that has left its rule.
    static var unknown: DatabaseError {
        DatabaseError(
            .invalidQuery,
            "the sender of a rule is known in rules only; compare with an identity, as that of the context or the connection"
        )
    }
}

/// One rule of ``RowRules``.
public struct RowRule: Sendable {
    enum Content: Sendable {
        case text(String)
        case query(_QueryDraft)
    }

    let content: Content

    /// The rule in SQL, as it stands in a module's definition.
    ///
    /// - Throws: `invalidModule` if it cannot be said so.
    func text() throws(DatabaseError) -> String {
        switch content {
        case .text(let text): return text
        case .query(let draft):
            if draft.readsViews {
                throw Self.refused(
                    draft, "it reads a view, and rules are about rows of tables; join the tables of the view")
            }
            do throws(DatabaseError) { return try QueryText.text(of: draft, isRule: true) } catch {
                throw Self.refused(draft, error.message)
            }
        }
    }

    private static func refused(_ draft: _QueryDraft, _ reason: String) -> DatabaseError {
        DatabaseError(.invalidModule, "a rule for rows of '\(draft.row)' cannot be used: \(reason)")
    }
}

/// Collects the rules of ``RowRules``.
@resultBuilder
public enum RowRuleBuilder {
    /// The rows of a table that meet conditions, or that have others beside them.
    public static func buildExpression(_ query: Query<some TableRow>) -> [RowRule] {
        [RowRule(content: .query(query.draft))]
    }

    /// A rule in SQL.
    public static func buildExpression(_ text: String) -> [RowRule] { [RowRule(content: .text(text))] }

    /// Several rules.
    public static func buildBlock(_ rules: [RowRule]...) -> [RowRule] { rules.flatMap { $0 } }
    /// What stands in an `if` without `else`.
    public static func buildOptional(_ rules: [RowRule]?) -> [RowRule] { rules ?? [] }
    /// What stands in an `if`.
    public static func buildEither(first rules: [RowRule]) -> [RowRule] { rules }
    /// What stands in an `else`.
    public static func buildEither(second rules: [RowRule]) -> [RowRule] { rules }
    /// What stands in a loop.
    public static func buildArray(_ rules: [[RowRule]]) -> [RowRule] { rules.flatMap { $0 } }

    // What others would be without.

    @available(
        *, unavailable, message: "a rule is about each row by itself: it has conditions, and no order and no limit"
    )
    public static func buildExpression(_ query: QueryWindow<some QueryScope>) -> [RowRule] { fatalError() }

    @available(
        *, unavailable, message: "a rule returns whole rows of the table that it guards; narrow that by leftSemijoin"
    )
    public static func buildExpression(_ query: Query<some QueryScope>) -> [RowRule] { fatalError() }

    @available(
        *, unavailable, message: "a rule returns whole rows of the table that it guards, not columns or values of them"
    )
    public static func buildExpression(_ query: ResultQuery<some Sendable>) -> [RowRule] { fatalError() }
}

// MARK: Comparing with who looks

extension ColumnExpression where Value == Identity {
    /// The rows that have who looks there.
    public static func == (column: Self, sender: borrowing RuleSender) -> Condition<Row> {
        RuleSender.isIn(column._place.path)
    }

    /// The rows that have somebody else there.
    public static func != (column: Self, sender: borrowing RuleSender) -> Condition<Row> {
        !RuleSender.isIn(column._place.path)
    }

    /// The rows that have who looks there, as the other way round.
    public static func == (sender: borrowing RuleSender, column: Self) -> Condition<Row> { column == sender }
    /// The rows that have somebody else there, as the other way round.
    public static func != (sender: borrowing RuleSender, column: Self) -> Condition<Row> { column != sender }
}

extension ColumnExpression where Value == Identity? {
    /// The rows that have who looks there.
    public static func == (column: Self, sender: borrowing RuleSender) -> Condition<Row> {
        RuleSender.isIn(column._place.unwrapped)
    }

    /// The rows that have somebody else or nobody there.
    public static func != (column: Self, sender: borrowing RuleSender) -> Condition<Row> {
        !RuleSender.isIn(column._place.unwrapped)
    }

    /// The rows that have who looks there, as the other way round.
    public static func == (sender: borrowing RuleSender, column: Self) -> Condition<Row> { column == sender }
    /// The rows that have somebody else or nobody there, as the other way round.
    public static func != (sender: borrowing RuleSender, column: Self) -> Condition<Row> { column != sender }
}

extension RuleSender {
    /// The only parameter of a rule.
    fileprivate static func isIn<Row>(_ path: FieldPath) -> Condition<Row> {
        Condition(RowPredicate(.compareParameter(path, .equal, 0)))
    }
}
