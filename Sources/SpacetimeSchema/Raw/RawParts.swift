package import SpacetimeSATS

// Records that versions 9 and 10 of the definition share.

package enum RawTableType: UInt8, RawSimpleEnum {
    case system = 0
    case user = 1
}

package enum RawTableAccess: UInt8, RawSimpleEnum {
    case `public` = 0
    case `private` = 1
}

package enum RawFunctionVisibility: UInt8, RawSimpleEnum {
    case `private` = 0
    case clientCallable = 1
}

extension Lifecycle: RawSimpleEnum {}

package enum RawIndexAlgorithm: RawRecord {
    case btree([ColumnID])
    case hash([ColumnID])
    case direct(ColumnID)

    package static var minimumByteCount: Int { 3 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        switch try reader.readTag(below: 3) {
        case 0: self = .btree(try reader.readArray())
        case 1: self = .hash(try reader.readArray())
        default: self = .direct(try ColumnID(from: &reader))
        }
    }

    package func encode(to writer: inout BSATNWriter) {
        switch self {
        case .btree(let columns):
            writer.writeTag(0)
            writer.writeArray(columns)
        case .hash(let columns):
            writer.writeTag(1)
            writer.writeArray(columns)
        case .direct(let column):
            writer.writeTag(2)
            column.encode(to: &writer)
        }
    }

    package var columns: [ColumnID] {
        switch self {
        case .btree(let columns), .hash(let columns): columns
        case .direct(let column): [column]
        }
    }

    package var algorithm: IndexAlgorithm {
        switch self {
        case .btree: .btree
        case .hash: .hash
        case .direct: .direct
        }
    }
}

package enum RawConstraintData: RawRecord {
    case unique([ColumnID])

    package static var minimumByteCount: Int { 5 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        _ = try reader.readTag(below: 1)
        self = .unique(try reader.readArray())
    }

    package func encode(to writer: inout BSATNWriter) {
        switch self {
        case .unique(let columns):
            writer.writeTag(0)
            writer.writeArray(columns)
        }
    }
}

/// An index. The record is the same in versions 9 and 10, but its name means different things in them.
package struct RawIndexDef: RawRecord {
    package var sourceName: String?
    package var accessorName: String?
    package var algorithm: RawIndexAlgorithm

    package init(sourceName: String?, accessorName: String? = nil, algorithm: RawIndexAlgorithm) {
        self.sourceName = sourceName
        self.accessorName = accessorName
        self.algorithm = algorithm
    }

    package static var minimumByteCount: Int { 5 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        sourceName = try reader.readOptionalName()
        accessorName = try reader.readOptionalName()
        algorithm = try RawIndexAlgorithm(from: &reader)
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.writeOptionalName(sourceName)
        writer.writeOptionalName(accessorName)
        algorithm.encode(to: &writer)
    }
}

package struct RawConstraintDef: RawRecord {
    package var sourceName: String?
    package var data: RawConstraintData

    package init(sourceName: String? = nil, data: RawConstraintData) {
        self.sourceName = sourceName
        self.data = data
    }

    package static var minimumByteCount: Int { 6 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        sourceName = try reader.readOptionalName()
        data = try RawConstraintData(from: &reader)
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.writeOptionalName(sourceName)
        data.encode(to: &writer)
    }
}

package struct RawSequenceDef: RawRecord {
    package var sourceName: String?
    package var column: ColumnID
    package var start: Int128?
    package var minimum: Int128?
    package var maximum: Int128?
    package var increment: Int128

    package init(
        sourceName: String? = nil, column: ColumnID, start: Int128? = nil, minimum: Int128? = nil,
        maximum: Int128? = nil, increment: Int128 = 1
    ) {
        self.sourceName = sourceName
        self.column = column
        self.start = start
        self.minimum = minimum
        self.maximum = maximum
        self.increment = increment
    }

    package static var minimumByteCount: Int { 22 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        sourceName = try reader.readOptionalName()
        column = try ColumnID(from: &reader)
        start = try reader.readOptionalI128()
        minimum = try reader.readOptionalI128()
        maximum = try reader.readOptionalI128()
        increment = try reader.readI128()
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.writeOptionalName(sourceName)
        column.encode(to: &writer)
        writer.writeOptionalI128(start)
        writer.writeOptionalI128(minimum)
        writer.writeOptionalI128(maximum)
        writer.write(increment)
    }
}

package struct RawTypeDef: RawRecord {
    package var scope: [String]
    package var sourceName: String
    package var ref: UInt32
    package var customOrdering: Bool

    package init(scope: [String] = [], sourceName: String, ref: UInt32, customOrdering: Bool = true) {
        self.scope = scope
        self.sourceName = sourceName
        self.ref = ref
        self.customOrdering = customOrdering
    }

    package static var minimumByteCount: Int { 13 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        scope = try reader.readNames()
        sourceName = try reader.readString()
        ref = try reader.readU32()
        customOrdering = try reader.readBool()
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.writeNames(scope)
        writer.write(sourceName)
        writer.write(ref)
        writer.write(customOrdering)
    }
}

/// A view. Versions 9 and 10 agree on it.
package struct RawViewDef: RawRecord {
    package var sourceName: String
    package var index: UInt32
    package var isPublic: Bool
    package var isAnonymous: Bool
    package var parameters: ProductType
    package var returnType: AlgebraicType

    package init(
        sourceName: String, index: UInt32, isPublic: Bool = true, isAnonymous: Bool = false,
        parameters: ProductType = ProductType.empty, returnType: AlgebraicType
    ) {
        self.sourceName = sourceName
        self.index = index
        self.isPublic = isPublic
        self.isAnonymous = isAnonymous
        self.parameters = parameters
        self.returnType = returnType
    }

    package static var minimumByteCount: Int { 15 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        sourceName = try reader.readString()
        index = try reader.readU32()
        isPublic = try reader.readBool()
        isAnonymous = try reader.readBool()
        parameters = try ProductType(from: &reader)
        returnType = try AlgebraicType(from: &reader)
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.write(sourceName)
        writer.write(index)
        writer.write(isPublic)
        writer.write(isAnonymous)
        parameters.encode(to: &writer)
        returnType.encode(to: &writer)
    }
}

/// A rule that limits which rows a client sees, as SQL.
package struct RawRowLevelSecurityDef: RawRecord {
    package var sql: String

    package init(sql: String) {
        self.sql = sql
    }

    package static var minimumByteCount: Int { 4 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        sql = try reader.readString()
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.write(sql)
    }
}
