import SpacetimeSATS

/// The messages of the first protocol, in BSATN (``Subprotocol/v1BSATN``) and in JSON (``Subprotocol/v1JSON``).
///
/// The two forms have the same messages and fields. They differ in what stands for rows, arguments and changes: bytes in the
/// one, texts that hold JSON in the other.
public enum V1 {
    /// One of the two forms.
    public protocol Format: Sendable {
        /// Arguments of a call, and what a procedure returned.
        associatedtype Arguments: Hashable & Sendable
        /// Rows of one table.
        associatedtype Rows: Hashable & Sendable
        /// What changed in one query.
        associatedtype Changes: Hashable & Sendable
    }

    /// Messages in BSATN.
    public enum Binary: Format {
        public typealias Arguments = [UInt8]
        public typealias Rows = RowList

        /// What changed in one query, or the compressed form of it, which must be made plain before it can be read. A server
        /// compresses whole messages instead.
        public enum Changes: Hashable, Sendable {
            /// The changes themselves.
            case plain(QueryUpdate<Binary>)
            /// Compressed BSATN of changes.
            case compressed(Compression, [UInt8])
            /// The BSATN of this sum, tag and all, as ``V1/appendChanges(deletes:ends:inserts:ends:to:)`` made it once for all
            /// clients. Only for writing: nothing is read as this.
            case encoded([UInt8])
        }
    }

    /// Messages in JSON.
    public enum Text: Format {
        /// JSON.
        public typealias Arguments = String
        /// The JSON of each row.
        public typealias Rows = [String]

        /// What changed in one query.
        public enum Changes: Hashable, Sendable {
            /// The changes themselves.
            case plain(QueryUpdate<Text>)
            /// The JSON of the changes, as ``V1/changes(deletes:inserts:)`` made it once for all clients. Only for writing:
            /// nothing is read as this.
            case encoded([UInt8])
        }
    }

    /// Rows that went and came. The order is that of the messages, and the reverse of that in the second protocol.
    public struct QueryUpdate<Form: Format>: Hashable, Sendable {
        /// Rows that went.
        public var deletes: Form.Rows
        /// Rows that came.
        public var inserts: Form.Rows

        /// Rows that went and came.
        public init(deletes: Form.Rows, inserts: Form.Rows) {
            self.deletes = deletes
            self.inserts = inserts
        }
    }
}

/// Reads the parts in which the two forms differ from a message in BSATN. A message in JSON is made into one first.
protocol ReadableForm: V1.Format {
    static func arguments(from reader: inout WireReader) throws(ProtocolError) -> Arguments
    static func rows(from reader: inout WireReader) throws(ProtocolError) -> Rows
    static func changes(from reader: inout WireReader) throws(ProtocolError) -> Changes
}

extension V1.Binary: ReadableForm {
    @_lifetime(reader: copy reader)
    static func arguments(from reader: inout WireReader) throws(ProtocolError) -> [UInt8] { try reader.bytes() }

    @_lifetime(reader: copy reader)
    static func rows(from reader: inout WireReader) throws(ProtocolError) -> RowList { try reader.rowList() }

    @_lifetime(reader: copy reader)
    static func changes(from reader: inout WireReader) throws(ProtocolError) -> Changes {
        switch try reader.tag(below: 3) {
        case 0: .plain(try V1.QueryUpdate(from: &reader))
        case 1: .compressed(.brotli, try reader.bytes())
        default: .compressed(.gzip, try reader.bytes())
        }
    }
}

extension V1.Text: ReadableForm {
    @_lifetime(reader: copy reader)
    static func arguments(from reader: inout WireReader) throws(ProtocolError) -> String { try reader.text() }

    @_lifetime(reader: copy reader)
    static func rows(from reader: inout WireReader) throws(ProtocolError) -> [String] {
        try reader.array(minimumElementSize: 4) { (reader) throws(ProtocolError) in try reader.text() }
    }

    @_lifetime(reader: copy reader)
    static func changes(from reader: inout WireReader) throws(ProtocolError) -> Changes {
        .plain(try V1.QueryUpdate(from: &reader))
    }
}

extension V1.QueryUpdate where Form: ReadableForm {
    @_lifetime(reader: copy reader)
    init(from reader: inout WireReader) throws(ProtocolError) {
        deletes = try Form.rows(from: &reader)
        inserts = try Form.rows(from: &reader)
    }
}

extension V1.Binary.Changes {
    /// The changes, decompressed if they have to be. Nil for ``encoded(_:)``, which are not for reading.
    public func plain(
        limits: ProtocolLimits = .forClients, decompressor: some PayloadDecompressor
    ) throws(ProtocolError) -> V1.QueryUpdate<V1.Binary>? {
        switch self {
        case .plain(let update): return update
        case .encoded: return nil
        case .compressed(let compression, let bytes):
            var plain = BSATNWriter()
            guard
                decompressor.decompress(
                    bytes.span.bytes, with: compression, limit: limits.messageBytes, into: &plain)
            else { throw .notDecompressed(compression) }
            try limits.check(.messageBytes, plain.count, at: 0)
            var reader = WireReader(plain.bytes, limits: limits)
            return try V1.QueryUpdate(from: &reader)
        }
    }
}
