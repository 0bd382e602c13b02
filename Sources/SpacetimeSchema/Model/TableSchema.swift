package import SpacetimeSATS

/// A table as the engine builds it: every name final, every type free of `Ref`s.
///
/// Values made by ``ModuleSchema`` obey all rules. One that is written by hand, as the system tables and tests do,
/// is checked by ``validated(options:)``.
///
/// ```swift
/// let players = try TableSchema(
///     name: "player", columns: [("id", .u64), ("name", .string), ("level", .u32)], primaryKey: [0],
///     indexes: [IndexSchema(name: "player_level", columns: [2])]
/// ).validated()
/// ```
package struct TableSchema: Hashable, Sendable {
    /// The canonical name.
    package var name: String
    /// The name the module wrote; stays valid as an alias.
    package var sourceName: String
    package var columns: [ColumnSchema] {
        didSet { rowType = ProductType(columns) }
    }
    /// Empty if the table has none; several columns are an extension of SpacetimeKit.
    package var primaryKey: [ColumnID]
    package var indexes: [IndexSchema]
    package var uniqueConstraints: [UniqueConstraintSchema]
    package var sequences: [SequenceSchema]
    package var access: TableAccess
    package var kind: TableKind
    /// Rows of an event table are shown to subscribers of the inserting transaction and never stored.
    package var isEvent: Bool
    package var schedule: ScheduleSchema?
    /// At most one per column, by ascending column.
    package var defaults: [DefaultValueSchema]
    /// The product of ``columns`` under their canonical names; follows every change to them.
    package private(set) var rowType: ProductType

    /// Takes the parts as they are.
    package init(
        name: String, sourceName: String? = nil, columns: [ColumnSchema], primaryKey: [ColumnID] = [],
        indexes: [IndexSchema] = [], uniqueConstraints: [UniqueConstraintSchema] = [],
        sequences: [SequenceSchema] = [], access: TableAccess = .public, kind: TableKind = .user,
        isEvent: Bool = false, schedule: ScheduleSchema? = nil, defaults: [DefaultValueSchema] = []
    ) {
        self.name = name
        self.sourceName = sourceName ?? name
        self.columns = columns
        self.primaryKey = primaryKey
        self.indexes = indexes
        self.uniqueConstraints = uniqueConstraints
        self.sequences = sequences
        self.access = access
        self.kind = kind
        self.isEvent = isEvent
        self.schedule = schedule
        self.defaults = defaults
        self.rowType = ProductType(columns)
    }

    /// Writes a table in one line, and completes it: the primary key and every index marked unique get a unique
    /// constraint if they have none, every unique constraint gets a B-tree index if no index covers its columns, and
    /// every index that covers one is marked unique. Added parts have the generated names of ``GeneratedName``.
    @_disfavoredOverload
    package init(
        name: String, columns: [(String, AlgebraicType)], primaryKey: [ColumnID] = [], indexes: [IndexSchema] = [],
        uniqueConstraints: [UniqueConstraintSchema] = [], sequences: [SequenceSchema] = [],
        access: TableAccess = .public, kind: TableKind = .user, isEvent: Bool = false,
        schedule: ScheduleSchema? = nil, defaults: [DefaultValueSchema] = []
    ) {
        self.init(
            name: name, columns: columns.map { ColumnSchema(name: $0.0, type: $0.1) }, primaryKey: primaryKey,
            indexes: indexes, uniqueConstraints: uniqueConstraints, sequences: sequences, access: access, kind: kind,
            isEvent: isEvent, schedule: schedule, defaults: defaults)
        completeKeys()
    }

    /// The column of that canonical name. Linear in the number of columns.
    package func columnID(named name: String) -> ColumnID? {
        columns.firstIndex { $0.name == name }.flatMap(ColumnID.init(exactly:))
    }

    /// The column at that position, or nil if the table has fewer.
    package func column(_ id: ColumnID) -> ColumnSchema? {
        columns.indices.contains(id.index) ? columns[id.index] : nil
    }

    /// The sequence that fills the column, if there is one.
    package func sequence(for column: ColumnID) -> SequenceSchema? {
        sequences.first { $0.column == column }
    }
}

extension TableSchema {
    private mutating func completeKeys() {
        var constrained = Set(uniqueConstraints.map { ColumnSet($0.columns) })
        let keys = [primaryKey] + indexes.filter(\.isUnique).map(\.columns)
        for key in keys where !key.isEmpty && constrained.insert(ColumnSet(key)).inserted {
            let name = GeneratedName.uniqueConstraint(table: name, columns: columnNames(key))
            uniqueConstraints.append(UniqueConstraintSchema(name: name, columns: key))
        }
        var indexed: Set<ColumnSet> = []
        for position in indexes.indices {
            let set = ColumnSet(indexes[position].columns)
            indexes[position].isUnique = constrained.contains(set)
            indexed.insert(set)
        }
        for constraint in uniqueConstraints where indexed.insert(ColumnSet(constraint.columns)).inserted {
            let names = columnNames(constraint.columns)
            let name = GeneratedName.index(table: name, columns: names, algorithm: .btree)
            indexes.append(
                IndexSchema(
                    name: name, accessorName: names.count == 1 ? names[0] : nil, columns: constraint.columns,
                    isUnique: true))
        }
    }

    /// Out-of-range columns get a stand-in name: they are reported by validation, not here.
    private func columnNames(_ ids: [ColumnID]) -> [String] {
        ids.map { column($0)?.name ?? GeneratedName.namelessColumn($0) }
    }
}

extension ProductType {
    /// The row type of these columns.
    init(_ columns: [ColumnSchema]) {
        self.init(columns.map { ProductType.Element(name: $0.name, algebraicType: $0.type) })
    }
}

/// Columns without their order: what decides whether an index covers a constraint.
struct ColumnSet: Hashable {
    private let sorted: [ColumnID]

    init(_ columns: [ColumnID]) {
        sorted = columns.sorted()
    }
}
