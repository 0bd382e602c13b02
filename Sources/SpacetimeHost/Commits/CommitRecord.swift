package import SpacetimeSATS

/// What a commit was.
package enum CommitKind: UInt8, Sendable {
    /// The creation of the database, with `init` if the module has it.
    case creation = 0
    case reducer = 1
    case connect = 2
    case disconnect = 3
    /// A reducer that the schedule called.
    case scheduled = 4
    /// Bookkeeping of the host itself, such as the removal of a schedule's row.
    case host = 5
    /// A new definition of the module, with what became of the rows.
    case migration = 6
    /// A transaction of a procedure or of a handler.
    case procedure = 7

    /// Coming and going is history even if no row tells of it.
    var takesOffsetWithoutChanges: Bool {
        switch self {
        case .creation, .connect, .disconnect, .migration: true
        case .reducer, .scheduled, .host, .procedure: false
        }
    }
}

/// One commit as the log keeps it: the call, complete enough to run it again, and what it changed.
///
/// The bytes are, little-endian: kind `u8`; flags `u8`; time `i64` in microseconds; if flag 1 is not set, the caller's
/// identity (32 bytes); if flag 2 is set, the connection (16 bytes); if flag 4 is set, the function's position `u16`,
/// the length of the arguments `u32` and their BSATN; if flag 8 is set, the length `u32` and bytes of a
/// ``StoredSchema``; the rest are row changes as the engine writes them.
package struct CommitRecord {
    package let kind: CommitKind
    /// Position of the reducer in the module's schema, or, in a transaction of a procedure, of that; nil if none ran.
    package let function: Int?
    /// BSATN of the arguments.
    package let arguments: UnsafeRawBufferPointer
    /// Nil if it was the owner without a connection.
    package let caller: Caller?
    package let timestamp: Timestamp
    /// BSATN of the new ``StoredSchema``, in records that create or migrate.
    package let schema: UnsafeRawBufferPointer?
    /// What `Datastore.replay` takes.
    package let changes: UnsafeRawBufferPointer

    struct Flags: OptionSet {
        let rawValue: UInt8
        static let isOwner = Flags(rawValue: 1)
        static let hasConnection = Flags(rawValue: 2)
        static let hasFunction = Flags(rawValue: 4)
        static let hasSchema = Flags(rawValue: 8)
        static let known: Flags = [.isOwner, .hasConnection, .hasFunction, .hasSchema]
    }

    /// Reads a record; what it holds points into `bytes`.
    package init(_ bytes: UnsafeRawBufferPointer) throws(BSATNError) {
        var cursor = RecordCursor(bytes)
        let kind = try cursor.load(UInt8.self)
        guard let known = CommitKind(rawValue: kind) else { throw .invalidTag(kind, at: 0) }
        self.kind = known
        let flags = Flags(rawValue: try cursor.load(UInt8.self))
        guard flags.isSubset(of: .known) else { throw .invalidTag(flags.rawValue, at: 1) }
        timestamp = Timestamp(microsecondsSinceUnixEpoch: try cursor.load(Int64.self))
        if flags.contains(.isOwner) {
            caller = nil
        } else {
            let low = try cursor.load(UInt128.self)
            let identity = Identity(number: UInt256(high: try cursor.load(UInt128.self), low: low))
            var connection = ConnectionId.none
            if flags.contains(.hasConnection) { connection = ConnectionId(number: try cursor.load(UInt128.self)) }
            caller = Caller(identity: identity, connection: connection)
        }
        if flags.contains(.hasFunction) {
            function = Int(try cursor.load(UInt16.self))
            arguments = try cursor.take(Int(try cursor.load(UInt32.self)))
        } else {
            function = nil
            arguments = UnsafeRawBufferPointer(start: nil, count: 0)
        }
        schema = flags.contains(.hasSchema) ? try cursor.take(Int(try cursor.load(UInt32.self))) : nil
        changes = cursor.rest
    }

    /// Appends everything of a record but the changes.
    static func writeHead(
        _ kind: CommitKind, function: Int?, arguments: UnsafeRawBufferPointer, caller: Caller?, timestamp: Timestamp,
        schema: [UInt8]? = nil, to writer: inout BSATNWriter
    ) {
        var flags: Flags = []
        if caller == nil { flags.insert(.isOwner) }
        if let caller, caller.connection != .none { flags.insert(.hasConnection) }
        if function != nil { flags.insert(.hasFunction) }
        if schema != nil { flags.insert(.hasSchema) }
        if caller == nil, schema == nil, let function {
            let head = shortHead(kind, flags, timestamp, function: function, argumentCount: arguments.count)
            writer.write(head.0)
            writer.write(head.1)
            writer.append(arguments)
            return
        }
        writer.write(kind.rawValue)
        writer.write(flags.rawValue)
        writer.write(timestamp.microsecondsSinceUnixEpoch)
        if let caller {
            caller.identity.encode(to: &writer)
            if caller.connection != .none { caller.connection.encode(to: &writer) }
        }
        if let function {
            writer.write(UInt16(truncatingIfNeeded: function))
            writer.write(UInt32(truncatingIfNeeded: arguments.count))
            writer.append(arguments)
        }
        if let schema { writer.write(schema) }
    }

    /// The head of most records has no variable parts but the arguments: kind, flags, time, function and length are two words.
    @inline(__always)
    private static func shortHead(
        _ kind: CommitKind, _ flags: Flags, _ timestamp: Timestamp, function: Int, argumentCount: Int
    ) -> (UInt64, UInt64) {
        let time = UInt64(bitPattern: timestamp.microsecondsSinceUnixEpoch)
        return (
            UInt64(kind.rawValue) | UInt64(flags.rawValue) << 8 | time << 16,
            time >> 48 | UInt64(UInt16(truncatingIfNeeded: function)) << 16
                | UInt64(UInt32(truncatingIfNeeded: argumentCount)) << 32
        )
    }
}

extension CommitRecord {
    /// Writes the head of a reducer's call into the room in front of its arguments, so that the record begins in the middle
    /// of that room and the changes can be appended to it.
    ///
    /// - Parameters:
    ///   - caller: nil for the owner.
    ///   - scratch: ``Scratch/headRoom`` bytes, and the arguments.
    /// - Returns: where the record begins.
    @inline(__always)
    static func completeHead(
        reducer: Int, caller: @autoclosure () -> Caller?, timestamp: Timestamp, in scratch: inout BSATNWriter
    ) -> Int {
        let head = shortHead(
            .reducer, [.isOwner, .hasFunction], timestamp, function: reducer,
            argumentCount: scratch.count &- Scratch.headRoom)
        if let caller = caller() { return completeHead(of: caller, timestamp, end: head.1, in: &scratch) }
        let start = Scratch.headRoom &- 16
        return scratch.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: head.0.littleEndian, toByteOffset: start, as: UInt64.self)
            bytes.storeBytes(of: head.1.littleEndian, toByteOffset: start &+ 8, as: UInt64.self)
            return start
        }
    }

    /// The same with who the caller was.
    @inline(never)
    private static func completeHead(
        of caller: Caller, _ timestamp: Timestamp, end: UInt64, in scratch: inout BSATNWriter
    ) -> Int {
        let hasConnection = caller.connection != .none
        let flags: Flags = hasConnection ? [.hasConnection, .hasFunction] : .hasFunction
        let start = hasConnection ? 0 : 16
        return scratch.withUnsafeMutableBytes { bytes in
            // The last six bytes are those of the word that ends the head.
            bytes.storeBytes(of: end.littleEndian, toByteOffset: Scratch.headRoom - 8, as: UInt64.self)
            let identity = caller.identity.number
            if hasConnection {
                bytes.storeBytes(of: caller.connection.number.littleEndian, toByteOffset: start + 42, as: UInt128.self)
            }
            bytes.storeBytes(of: identity.high.littleEndian, toByteOffset: start + 26, as: UInt128.self)
            bytes.storeBytes(of: identity.low.littleEndian, toByteOffset: start + 10, as: UInt128.self)
            bytes.storeBytes(
                of: timestamp.microsecondsSinceUnixEpoch.littleEndian, toByteOffset: start + 2, as: Int64.self)
            bytes[start] = CommitKind.reducer.rawValue
            bytes[start + 1] = flags.rawValue
            return start
        }
    }
}

/// Reads a record piece by piece.
private struct RecordCursor {
    private(set) var rest: UnsafeRawBufferPointer
    private let total: Int

    init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes
        total = bytes.count
    }

    mutating func take(_ count: Int) throws(BSATNError) -> UnsafeRawBufferPointer {
        guard count <= rest.count else { throw .truncated(at: total - rest.count, needed: count - rest.count) }
        let bytes = UnsafeRawBufferPointer(rebasing: rest[..<count])
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        return bytes
    }

    mutating func load<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) throws(BSATNError) -> Value {
        Value(littleEndian: try take(MemoryLayout<Value>.size).loadUnaligned(as: type))
    }
}
