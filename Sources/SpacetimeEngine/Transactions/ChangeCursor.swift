import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Checked bytes, lent buffers: the changes stay where they are while they are read.

/// Reads logged changes; every length is checked.
///
/// `@safe`: nothing is read but from the front of what is left of the caller's bytes, after a look at its length.
@safe
struct ChangeCursor {
    private var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { unsafe rest = bytes }

    var isAtEnd: Bool { unsafe rest.isEmpty }

    mutating func next() throws(EngineError) -> LoggedChange? {
        if unsafe rest.isEmpty { return nil }
        let byte = try load(UInt8.self)
        guard let kind = LoggedChange(rawValue: byte) else { throw .malformedChanges("there is no change \(byte)") }
        return kind
    }

    mutating func take(_ count: Int) throws(EngineError) -> UnsafeRawBufferPointer {
        guard unsafe count <= rest.count else { throw .malformedChanges("the changes end early") }
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: rest[..<count])
        unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        return unsafe bytes
    }

    mutating func load<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) throws(EngineError) -> Value {
        unsafe Value(littleEndian: try take(MemoryLayout<Value>.size).loadUnaligned(as: type))
    }

    /// Bytes that follow their length.
    mutating func counted() throws(EngineError) -> UnsafeRawBufferPointer {
        try unsafe take(Int(try load(UInt32.self)))
    }

    /// A number of up to 32 bits, seven of them a byte, the lowest first.
    mutating func loadVariable() throws(EngineError) -> Int {
        var value: UInt64 = 0
        for shift in stride(from: 0 as UInt64, to: 35, by: 7) {
            let byte = try load(UInt8.self)
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 {
                guard value <= UInt32.max else { break }
                return Int(value)
            }
        }
        throw .malformedChanges("a number has more than 32 bits")
    }

    mutating func image(of table: TableRef) throws(EngineError) -> UnsafeRawBufferPointer {
        let image = if let fixed = table.layout.fixedSize { try unsafe take(fixed) } else { try unsafe counted() }
        try unsafe table.requireRow(image)
        return unsafe image
    }
}

extension TableRef {
    /// - Throws: `malformedRow` if the bytes are no row of the table.
    func requireRow(_ image: UnsafeRawBufferPointer) throws(EngineError) {
        do throws(BSATNError) { try unsafe layout.validate(image) } catch {
            throw .malformedRow(table: schema.name, cause: error)
        }
    }
}
