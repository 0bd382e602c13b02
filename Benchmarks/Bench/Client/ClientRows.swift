import SpacetimeClient
import SpacetimeProtocol
import SpacetimeSATS

/// Rows of five columns as a server sends them: 36 bytes and more.
struct ClientRow: SpacetimeType {
    var id: UInt64
    var owner: UInt32
    var x: Int32
    var y: Int32
    var name: String

    init(id: UInt64, version: Int) {
        self.id = id
        owner = UInt32(truncatingIfNeeded: id % 1_000)
        x = Int32(truncatingIfNeeded: Int(id) &+ version)
        y = Int32(truncatingIfNeeded: version)
        name = "item \(id)"
    }

    static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType {
        .product([("id", .u64), ("owner", .u32), ("x", .i32), ("y", .i32), ("name", .string)])
    }

    init(from reader: inout BSATNReader) throws(BSATNError) {
        id = try UInt64(from: &reader)
        owner = try UInt32(from: &reader)
        x = try Int32(from: &reader)
        y = try Int32(from: &reader)
        name = try String(from: &reader)
    }

    func encode(to writer: inout BSATNWriter) {
        id.encode(to: &writer)
        owner.encode(to: &writer)
        x.encode(to: &writer)
        y.encode(to: &writer)
        name.encode(to: &writer)
    }

    /// The table: with a primary key, and an index if that is wanted.
    static func table(isIndexed: Bool) throws -> TableDescription<ClientRow> {
        try TableDescription(
            ClientRow.self, name: "item", primaryKey: isIndexed ? "id" : nil, indexes: isIndexed ? ["owner"] : [])
    }
}

/// What a server says, as payloads.
enum ClientPayloads {
    /// The answer to a client's first subscription, with so many rows.
    static func firstRows(_ count: Int) -> [UInt8] {
        var bytes = BSATNWriter()
        var ends: [Int] = []
        for id in 0..<UInt64(count) {
            ClientRow(id: id, version: 0).encode(to: &bytes)
            ends.append(bytes.count)
        }
        var writer = uncompressed()
        var encoder = V2.RowsEncoder.subscribeApplied(requestID: 1, querySetID: 1, in: &writer)
        encoder.append(bytes.toArray(), ends: ends, table: "item", to: &writer)
        return writer.toArray()
    }

    /// A transaction that changes rows from one version to the next.
    static func update(_ ids: Range<UInt64>, from version: Int) -> [UInt8] {
        var old = BSATNWriter()
        var new = BSATNWriter()
        var oldEnds: [Int] = []
        var newEnds: [Int] = []
        for id in ids {
            ClientRow(id: id, version: version).encode(to: &old)
            oldEnds.append(old.count)
            ClientRow(id: id, version: version + 1).encode(to: &new)
            newEnds.append(new.count)
        }
        var changes = BSATNWriter()
        V2.appendChanges(inserts: new.toArray(), ends: newEnds, deletes: old.toArray(), ends: oldEnds, to: &changes)
        var writer = uncompressed()
        var encoder = V2.UpdateEncoder.transactionUpdate(in: &writer)
        encoder.append(changes.bytes, table: "item", querySetID: 1, to: &writer)
        return writer.toArray()
    }

    static func greeting() -> [UInt8] {
        var writer = uncompressed()
        V2.ServerMessage.initialConnection(
            identity: .zero, connectionID: ConnectionId(number: 1), token: ""
        ).encode(to: &writer)
        return writer.toArray()
    }

    private static func uncompressed() -> BSATNWriter {
        var writer = BSATNWriter()
        writer.write(Compression.none.rawValue)
        return writer
    }
}
