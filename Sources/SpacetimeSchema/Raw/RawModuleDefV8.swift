package import SpacetimeSATS

/// Version 8 of a module definition, as very old modules have it.
package struct RawModuleDefV8: RawRecord {
    package var typespace = Typespace()
    package var tables: [RawTableDescV8] = []
    package var reducers: [RawReducerDefV8] = []
    package var typeAliases: [RawTypeAliasV8] = []

    package init() {}

    package static var minimumByteCount: Int { 16 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        typespace = try Typespace(from: &reader)
        tables = try reader.readArray()
        reducers = try reader.readArray()
        typeAliases = try reader.readArray()
    }

    package func encode(to writer: inout BSATNWriter) {
        typespace.encode(to: &writer)
        writer.writeArray(tables)
        writer.writeArray(reducers)
        writer.writeArray(typeAliases)
    }
}

package struct RawTableDescV8: RawRecord {
    package var name: String
    package var columns: [RawColumnDefV8] = []
    package var indexes: [RawIndexDefV8] = []
    package var constraints: [RawConstraintDefV8] = []
    package var sequences: [RawSequenceDefV8] = []
    package var tableType = RawTableType.user
    package var tableAccess = RawTableAccess.public
    /// The reducer that is called with the rows, if they are scheduled.
    package var scheduled: String?
    /// The row type.
    package var data: UInt32

    package init(name: String, columns: [RawColumnDefV8], data: UInt32) {
        self.name = name
        self.columns = columns
        self.data = data
    }

    package static var minimumByteCount: Int { 33 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        name = try reader.readString()
        columns = try reader.readArray()
        indexes = try reader.readArray()
        constraints = try reader.readArray()
        sequences = try reader.readArray()
        tableType = try reader.readWord(system: .system, user: .user)
        tableAccess = try reader.readWord(public: .public, private: .private)
        scheduled = try reader.readOptionalName()
        data = try reader.readU32()
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.write(name)
        writer.writeArray(columns)
        writer.writeArray(indexes)
        writer.writeArray(constraints)
        writer.writeArray(sequences)
        writer.write(tableType == .system ? "system" : "user")
        writer.write(tableAccess == .public ? "public" : "private")
        writer.writeOptionalName(scheduled)
        writer.write(data)
    }
}

extension BSATNReader {
    fileprivate mutating func readWord(
        system: RawTableType, user: RawTableType
    ) throws(BSATNError) -> RawTableType {
        try readWord("system", system, "user", user)
    }

    fileprivate mutating func readWord(
        public isPublic: RawTableAccess, private isPrivate: RawTableAccess
    ) throws(BSATNError) -> RawTableAccess {
        try readWord("public", isPublic, "private", isPrivate)
    }

    /// Version 8 spells two of its enums out. Another word is an unknown variant like any other.
    private mutating func readWord<Value>(
        _ first: String, _ firstValue: Value, _ second: String, _ secondValue: Value
    ) throws(BSATNError) -> Value {
        let start = offset
        let word = try readString()
        if word == first { return firstValue }
        if word == second { return secondValue }
        throw .invalidTag(word.utf8.first ?? 0, at: start)
    }
}

package struct RawColumnDefV8: RawRecord {
    package var name: String
    package var type: AlgebraicType

    package init(name: String, type: AlgebraicType) {
        self.name = name
        self.type = type
    }

    package static var minimumByteCount: Int { 5 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        name = try reader.readString()
        type = try AlgebraicType(from: &reader)
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.write(name)
        type.encode(to: &writer)
    }
}

package enum RawIndexTypeV8: UInt8, RawSimpleEnum {
    case btree = 0
    case hash = 1
}

package struct RawIndexDefV8: RawRecord {
    package var name: String
    package var isUnique: Bool
    package var type: RawIndexTypeV8
    package var columns: [ColumnID]

    package init(name: String, isUnique: Bool, type: RawIndexTypeV8 = .btree, columns: [ColumnID]) {
        self.name = name
        self.isUnique = isUnique
        self.type = type
        self.columns = columns
    }

    package static var minimumByteCount: Int { 10 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        name = try reader.readString()
        isUnique = try reader.readBool()
        type = try RawIndexTypeV8(from: &reader)
        columns = try reader.readArray()
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.write(name)
        writer.write(isUnique)
        type.encode(to: &writer)
        writer.writeArray(columns)
    }
}

package struct RawConstraintDefV8: RawRecord {
    /// Bits that say what the constraint asks for; some imply others.
    package struct Kind: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        package static let indexed = Kind(rawValue: 0b0001)
        package static let autoInc = Kind(rawValue: 0b0010)
        package static let unique = Kind(rawValue: 0b0101)
        package static let identity = Kind(rawValue: 0b0111)
        package static let primaryKey = Kind(rawValue: 0b1101)
        package static let primaryKeyAuto = Kind(rawValue: 0b1111)
    }

    package var name: String
    package var kind: Kind
    package var columns: [ColumnID]

    package init(name: String, kind: Kind, columns: [ColumnID]) {
        self.name = name
        self.kind = kind
        self.columns = columns
    }

    package static var minimumByteCount: Int { 9 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        name = try reader.readString()
        kind = Kind(rawValue: try reader.readU8())
        columns = try reader.readArray()
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.write(name)
        writer.write(kind.rawValue)
        writer.writeArray(columns)
    }
}

package struct RawSequenceDefV8: RawRecord {
    package var name: String
    package var column: ColumnID
    package var increment: Int128
    package var start: Int128?
    package var minimum: Int128?
    package var maximum: Int128?
    /// Not used: what is allocated is the database's to know.
    package var allocated: Int128

    package static var minimumByteCount: Int { 41 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        name = try reader.readString()
        column = try ColumnID(from: &reader)
        increment = try reader.readI128()
        start = try reader.readOptionalI128()
        minimum = try reader.readOptionalI128()
        maximum = try reader.readOptionalI128()
        allocated = try reader.readI128()
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.write(name)
        column.encode(to: &writer)
        writer.write(increment)
        writer.writeOptionalI128(start)
        writer.writeOptionalI128(minimum)
        writer.writeOptionalI128(maximum)
        writer.write(allocated)
    }
}

package struct RawReducerDefV8: RawRecord {
    package var name: String
    package var arguments: ProductType

    package init(name: String, arguments: ProductType = .empty) {
        self.name = name
        self.arguments = arguments
    }

    package static var minimumByteCount: Int { 8 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        name = try reader.readString()
        arguments = try ProductType(from: &reader)
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.write(name)
        arguments.encode(to: &writer)
    }
}

/// The only kind of miscellaneous export that version 8 has.
package struct RawTypeAliasV8: RawRecord {
    /// Parts separated by `::` or `.`; the last one is the name.
    package var name: String
    package var ref: UInt32

    package init(name: String, ref: UInt32) {
        self.name = name
        self.ref = ref
    }

    package static var minimumByteCount: Int { 9 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        _ = try reader.readTag(below: 1)
        name = try reader.readString()
        ref = try reader.readU32()
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.writeTag(0)
        writer.write(name)
        writer.write(ref)
    }
}
