package import SpacetimeSATS

/// Whether names are converted; see ``CaseConversion``.
package enum CaseConversionPolicy: UInt8, RawSimpleEnum {
    case none = 0
    case snakeCase = 1
}

package struct RawTableDefV10: RawRecord {
    package var sourceName: String
    package var productTypeRef: UInt32
    package var primaryKey: [ColumnID]
    package var indexes: [RawIndexDef]
    package var constraints: [RawConstraintDef]
    package var sequences: [RawSequenceDef]
    package var tableType: RawTableType
    package var tableAccess: RawTableAccess
    package var defaultValues: [RawColumnDefaultValue]
    package var isEvent: Bool

    package init(
        sourceName: String, productTypeRef: UInt32, primaryKey: [ColumnID] = [], indexes: [RawIndexDef] = [],
        constraints: [RawConstraintDef] = [], sequences: [RawSequenceDef] = [], tableType: RawTableType = .user,
        tableAccess: RawTableAccess = .public, defaultValues: [RawColumnDefaultValue] = [], isEvent: Bool = false
    ) {
        self.sourceName = sourceName
        self.productTypeRef = productTypeRef
        self.primaryKey = primaryKey
        self.indexes = indexes
        self.constraints = constraints
        self.sequences = sequences
        self.tableType = tableType
        self.tableAccess = tableAccess
        self.defaultValues = defaultValues
        self.isEvent = isEvent
    }

    package static var minimumByteCount: Int { 31 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        sourceName = try reader.readString()
        productTypeRef = try reader.readU32()
        primaryKey = try reader.readArray()
        indexes = try reader.readArray()
        constraints = try reader.readArray()
        sequences = try reader.readArray()
        tableType = try RawTableType(from: &reader)
        tableAccess = try RawTableAccess(from: &reader)
        defaultValues = try reader.readArray()
        isEvent = try reader.readBool()
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.write(sourceName)
        writer.write(productTypeRef)
        writer.writeArray(primaryKey)
        writer.writeArray(indexes)
        writer.writeArray(constraints)
        writer.writeArray(sequences)
        tableType.encode(to: &writer)
        tableAccess.encode(to: &writer)
        writer.writeArray(defaultValues)
        writer.write(isEvent)
    }
}

package struct RawColumnDefaultValue: RawRecord {
    package var column: ColumnID
    /// BSATN of the value.
    package var value: [UInt8]

    package init(column: ColumnID, value: [UInt8]) {
        self.column = column
        self.value = value
    }

    package static var minimumByteCount: Int { 6 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        column = try ColumnID(from: &reader)
        value = try reader.readBytes()
    }

    package func encode(to writer: inout BSATNWriter) {
        column.encode(to: &writer)
        writer.write(value)
    }
}

package struct RawReducerDefV10: RawRecord {
    package var sourceName: String
    package var parameters: ProductType
    package var visibility: RawFunctionVisibility
    package var okReturnType: AlgebraicType
    package var errReturnType: AlgebraicType

    package init(
        sourceName: String, parameters: ProductType = ProductType.empty,
        visibility: RawFunctionVisibility = .clientCallable, okReturnType: AlgebraicType = .unit,
        errReturnType: AlgebraicType = .string
    ) {
        self.sourceName = sourceName
        self.parameters = parameters
        self.visibility = visibility
        self.okReturnType = okReturnType
        self.errReturnType = errReturnType
    }

    package static var minimumByteCount: Int { 11 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        sourceName = try reader.readString()
        parameters = try ProductType(from: &reader)
        visibility = try RawFunctionVisibility(from: &reader)
        okReturnType = try AlgebraicType(from: &reader)
        errReturnType = try AlgebraicType(from: &reader)
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.write(sourceName)
        parameters.encode(to: &writer)
        visibility.encode(to: &writer)
        okReturnType.encode(to: &writer)
        errReturnType.encode(to: &writer)
    }
}

package struct RawProcedureDefV10: RawRecord {
    package var sourceName: String
    package var parameters: ProductType
    package var returnType: AlgebraicType
    package var visibility: RawFunctionVisibility

    package init(
        sourceName: String, parameters: ProductType = ProductType.empty, returnType: AlgebraicType = .unit,
        visibility: RawFunctionVisibility = .clientCallable
    ) {
        self.sourceName = sourceName
        self.parameters = parameters
        self.returnType = returnType
        self.visibility = visibility
    }

    package static var minimumByteCount: Int { 10 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        sourceName = try reader.readString()
        parameters = try ProductType(from: &reader)
        returnType = try AlgebraicType(from: &reader)
        visibility = try RawFunctionVisibility(from: &reader)
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.write(sourceName)
        parameters.encode(to: &writer)
        returnType.encode(to: &writer)
        visibility.encode(to: &writer)
    }
}

package struct RawScheduleDefV10: RawRecord {
    package var sourceName: String?
    /// The source name of the table.
    package var tableName: String
    package var scheduleAtColumn: ColumnID
    /// The source name of the reducer or procedure.
    package var functionName: String

    package init(sourceName: String? = nil, tableName: String, scheduleAtColumn: ColumnID, functionName: String) {
        self.sourceName = sourceName
        self.tableName = tableName
        self.scheduleAtColumn = scheduleAtColumn
        self.functionName = functionName
    }

    package static var minimumByteCount: Int { 11 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        sourceName = try reader.readOptionalName()
        tableName = try reader.readString()
        scheduleAtColumn = try ColumnID(from: &reader)
        functionName = try reader.readString()
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.writeOptionalName(sourceName)
        writer.write(tableName)
        scheduleAtColumn.encode(to: &writer)
        writer.write(functionName)
    }
}

package struct RawLifecycleReducerDef: RawRecord {
    package var lifecycle: Lifecycle
    /// The source name of the reducer.
    package var functionName: String

    package init(lifecycle: Lifecycle, functionName: String) {
        self.lifecycle = lifecycle
        self.functionName = functionName
    }

    package static var minimumByteCount: Int { 5 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        lifecycle = try Lifecycle(from: &reader)
        functionName = try reader.readString()
    }

    package func encode(to writer: inout BSATNWriter) {
        lifecycle.encode(to: &writer)
        writer.write(functionName)
    }
}

package struct RawViewPrimaryKeyDef: RawRecord {
    package var viewSourceName: String
    /// Source names of columns.
    package var columns: [String]

    package init(viewSourceName: String, columns: [String]) {
        self.viewSourceName = viewSourceName
        self.columns = columns
    }

    package static var minimumByteCount: Int { 8 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        viewSourceName = try reader.readString()
        columns = try reader.readNames()
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.write(viewSourceName)
        writer.writeNames(columns)
    }
}

/// The canonical name of a part, stated instead of derived.
package struct RawExplicitName: RawRecord {
    package enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        case table = 0
        /// A reducer, procedure, view or HTTP handler.
        case function = 1
        case index = 2
    }

    package var kind: Kind
    package var sourceName: String
    package var canonicalName: String

    package init(_ kind: Kind, sourceName: String, canonicalName: String) {
        self.kind = kind
        self.sourceName = sourceName
        self.canonicalName = canonicalName
    }

    package static var minimumByteCount: Int { 9 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        switch try reader.readTag(below: 3) {
        case 0: kind = .table
        case 1: kind = .function
        default: kind = .index
        }
        sourceName = try reader.readString()
        canonicalName = try reader.readString()
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.writeTag(kind.rawValue)
        writer.write(sourceName)
        writer.write(canonicalName)
    }
}
