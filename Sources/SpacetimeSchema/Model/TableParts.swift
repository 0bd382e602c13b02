package import SpacetimeSATS

/// One column of a table or of a view.
package struct ColumnSchema: Hashable, Sendable {
    /// The canonical name: what the database stores, what SQL and clients see.
    package var name: String
    /// The name the module wrote.
    package var sourceName: String
    /// The type with every `Ref` replaced by what it stands for.
    package var type: AlgebraicType

    package init(name: String, sourceName: String? = nil, type: AlgebraicType) {
        self.name = name
        self.sourceName = sourceName ?? name
        self.type = type
    }
}

/// How an index finds its rows.
package enum IndexAlgorithm: Hashable, Sendable {
    /// Ordered: point and range lookups over one or more columns.
    case btree
    /// Point lookups over one or more columns.
    case hash
    /// An array subscripted by the value of one small unsigned column.
    case direct
}

/// An index of a table.
package struct IndexSchema: Hashable, Sendable {
    /// The canonical name, unique in the module.
    package var name: String
    /// The name the module uses at run time to find the index; stays valid as an alias of ``name``.
    package var sourceName: String
    /// The name of the accessor in generated client code, if there is one.
    package var accessorName: String?
    package var algorithm: IndexAlgorithm
    /// The indexed columns in key order: never empty, never repeating.
    package var columns: [ColumnID]
    /// True if and only if some unique constraint has exactly this set of columns.
    package var isUnique: Bool

    package init(
        name: String, sourceName: String? = nil, accessorName: String? = nil, algorithm: IndexAlgorithm = .btree,
        columns: [ColumnID], isUnique: Bool = false
    ) {
        self.name = name
        self.sourceName = sourceName ?? name
        self.accessorName = accessorName
        self.algorithm = algorithm
        self.columns = columns
        self.isUnique = isUnique
    }
}

/// No two rows agree in all of these columns.
package struct UniqueConstraintSchema: Hashable, Sendable {
    package var name: String
    /// The columns in the order in which the module lists them. The order means nothing but enters the name.
    package var columns: [ColumnID]

    package init(name: String, columns: [ColumnID]) {
        self.name = name
        self.columns = columns
    }
}

/// Numbers handed out for an integer column wherever a row is inserted with 0 in it.
package struct SequenceSchema: Hashable, Sendable {
    package var name: String
    package var column: ColumnID
    /// The first value.
    package var start: Int128
    /// After ``maximum`` the sequence goes on with this one.
    package var minimum: Int128
    package var maximum: Int128
    package var increment: Int128

    /// The defaults are those of a module that states none, also for columns narrower than the maximum.
    package init(
        name: String, column: ColumnID, start: Int128 = 1, minimum: Int128 = 1, maximum: Int128 = .max,
        increment: Int128 = 1
    ) {
        self.name = name
        self.column = column
        self.start = start
        self.minimum = minimum
        self.maximum = maximum
        self.increment = increment
    }
}

package enum TableAccess: Hashable, Sendable {
    /// Readable by clients.
    case `public`
    /// Readable by the owner and by module code.
    case `private`
}

package enum TableKind: Hashable, Sendable {
    /// One of the host's own tables.
    case system
    case user
}

/// Calls a function with each row of the table, at the time that the row states.
package struct ScheduleSchema: Hashable, Sendable {
    package var name: String
    /// The column of type `ScheduleAt`.
    package var column: ColumnID
    /// The canonical name of the reducer or procedure.
    package var functionName: String

    package init(name: String, column: ColumnID, functionName: String) {
        self.name = name
        self.column = column
        self.functionName = functionName
    }
}

/// What existing rows get when a migration adds the column.
package struct DefaultValueSchema: Hashable, Sendable {
    package var column: ColumnID
    /// BSATN of exactly one value of the column's type.
    package var bytes: [UInt8]

    package init(column: ColumnID, bytes: [UInt8]) {
        self.column = column
        self.bytes = bytes
    }
}
