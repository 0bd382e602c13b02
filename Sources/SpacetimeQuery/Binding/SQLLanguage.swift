/// What of SQL may be used in one place: in a subscription, in a query sent by a client, in a statement of the owner.
///
/// There are two families. The *original* languages accept and refuse what SpacetimeDB 2.8 does; the others are supersets of
/// them, which a client of the original cannot notice as breakage. In all of them we depart from the original where that is
/// wrong or needlessly narrow; these are all of the places:
///
/// 1. The names of columns in `INSERT` are honoured; columns with a default, a sequence or an option may be left out, and all
///    names together, too. (The original ignores the names and assigns by position.)
/// 2. Timestamps, UUIDs, durations and schedules as text, `NULL` for options, names of cases, and `:sender` may be written by
///    `INSERT` and `UPDATE`.
/// 3. Hexadecimal digits are read as such for integers, where the original reads them as decimal digits; `:sender` is compared
///    with the raw identities of system tables, too.
/// 4. An equality of two tables' columns in `WHERE` is as good as one behind `ON`, so that joins written so may be subscribed
///    to if there is an index.
/// 5. `SET` of a variable that is set replaces its value.
/// 6. An `ON` whose columns belong to one table is refused in the original languages, which do not notice it.
package struct SQLLanguage: Hashable, Sendable {
    /// What may be written besides `SELECT` of the whole rows of one table with conditions and inner joins.
    package struct Features: OptionSet, Hashable, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) { self.rawValue = rawValue }

        // Of the original
        /// `INSERT`, `UPDATE`, `DELETE`.
        package static let changes = Features(rawValue: 1 << 0)
        /// `SET`, `SHOW`.
        package static let variables = Features(rawValue: 1 << 1)
        /// `SELECT a, b AS c`
        package static let columns = Features(rawValue: 1 << 2)
        /// `COUNT(*) AS n`
        package static let counts = Features(rawValue: 1 << 3)
        /// `LIMIT n`
        package static let limits = Features(rawValue: 1 << 4)

        // Beyond it
        /// `NOT`, `IN`, `BETWEEN`, `LIKE`, `IS NULL`, arithmetic, values of options, fields of structs, cases of enums,
        /// comparisons of durations.
        package static let conditions = Features(rawValue: 1 << 5)
        /// Any condition behind `ON`, and names without their table where they are clear.
        package static let joins = Features(rawValue: 1 << 6)
        /// `LEFT JOIN`
        package static let outerJoins = Features(rawValue: 1 << 7)
        /// `ORDER BY`, `LIMIT`, `OFFSET`
        package static let windows = Features(rawValue: 1 << 8)
        /// All aggregates, `GROUP BY`, `HAVING`.
        package static let aggregates = Features(rawValue: 1 << 9)
        package static let distinct = Features(rawValue: 1 << 10)
        /// `RETURNING`, and `SET a = a + 1`.
        package static let richChanges = Features(rawValue: 1 << 11)
        /// `:name`
        package static let parameters = Features(rawValue: 1 << 12)
        /// `SELECT 1`, `1 = 1`
        package static let constants = Features(rawValue: 1 << 13)
        package static let explain = Features(rawValue: 1 << 14)
        /// `FROM near(3, 4)`: views with parameters.
        package static let arguments = Features(rawValue: 1 << 15)
    }

    /// Which joins are allowed.
    package enum JoinRule: Hashable, Sendable {
        case any
        /// The tables can be gone through in some order in which each after the first is found by an index.
        case indexed
        /// At most two tables, of which the second, or the first if only the second has conditions, is found by an index.
        case originalOrder
    }

    package var features: Features
    package var joins: JoinRule
    /// Whether event tables may be read; clients of the first protocol would never see their rows go.
    package var hasEventTables: Bool
    /// Where it is used, as messages say it.
    package var place: String

    package init(_ features: Features, joins: JoinRule, hasEventTables: Bool = true, place: String) {
        self.features = features
        self.joins = joins
        self.hasEventTables = hasEventTables
        self.place = place
    }

    package func has(_ feature: Features) -> Bool { features.contains(feature) }
}

extension SQLLanguage {
    // MARK: As the original has them

    package static let originalSubscription = SQLLanguage([], joins: .originalOrder, place: "in a subscription")
    package static let originalOneOff = SQLLanguage([], joins: .any, place: "in a query of a client")
    package static let originalAdHoc = SQLLanguage(
        [.changes, .variables, .columns, .counts, .limits], joins: .any, place: "here")

    // MARK: Ours

    /// What can be kept up to date while data change.
    package static let subscription = SQLLanguage(
        [.conditions, .joins, .outerJoins, .windows, .aggregates, .arguments], joins: .indexed,
        place: "in a subscription")
    package static let oneOff = SQLLanguage(
        [.conditions, .joins, .windows, .aggregates, .arguments], joins: .any, place: "in a query of a client")
    /// Everything.
    package static let adHoc = SQLLanguage(
        [
            .changes, .variables, .columns, .counts, .limits, .conditions, .joins, .outerJoins, .windows, .aggregates,
            .distinct, .richChanges, .parameters, .constants, .explain, .arguments,
        ], joins: .any, place: "here")

    /// What a rule of row-level security may say. Whether the queries that it is worked into can be kept up to date is told when
    /// somebody subscribes to them.
    package static let rule = SQLLanguage([.conditions, .joins], joins: .any, place: "in a rule")

    /// The same without event tables.
    package var withoutEventTables: SQLLanguage {
        var language = self
        language.hasEventTables = false
        return language
    }
}
