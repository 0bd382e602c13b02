import SpacetimeEngine
import SpacetimeHost
import SpacetimeProtocol
import SpacetimeSATS
import SpacetimeSchema

/// One of the two forms of the first protocol's messages, as a server writes it.
protocol V1Form: V1.Format {
    /// The form of a call's arguments; those of a client may have come in the other one.
    static func arguments(_ arguments: V1.Arguments, of type: ProductType, in typespace: Typespace) -> Arguments
    /// What a procedure returned.
    static func value(_ bytes: [UInt8], of type: AlgebraicType, in typespace: Typespace) -> Arguments
    static func rows(_ batch: RowBatch, of type: ProductType) -> Rows
    /// What changed in one query, made once for all who watch it.
    static func changes(_ delta: SharedDelta, of type: ProductType) -> Changes
    /// The rows that a query begins or ends with.
    static func changes(deletes: RowBatch, inserts: RowBatch, of type: ProductType) -> Changes
    /// Appends a message as it stands in a frame, but for the tag of the compression.
    static func append(_ message: V1.ServerMessage<Self>, to writer: inout BSATNWriter)
}

extension V1.Binary: V1Form {
    static func arguments(_ arguments: V1.Arguments, of type: ProductType, in typespace: Typespace) -> [UInt8] {
        switch arguments {
        case .bsatn(let bytes): bytes
        case .json(let text): (try? AlgebraicValue(json: text, type: .product(type), in: typespace).bsatn()) ?? []
        }
    }

    static func value(_ bytes: [UInt8], of type: AlgebraicType, in typespace: Typespace) -> [UInt8] { bytes }

    static func rows(_ batch: RowBatch, of type: ProductType) -> RowList { RowList(batch.bytes, ends: batch.ends) }

    static func changes(_ delta: SharedDelta, of type: ProductType) -> Changes {
        .encoded(
            delta.encoding(DeltaForm.v1Binary.rawValue) { delta in
                encoded(deletes: delta.deletes, inserts: delta.inserts)
            })
    }

    static func changes(deletes: RowBatch, inserts: RowBatch, of type: ProductType) -> Changes {
        .encoded(encoded(deletes: deletes, inserts: inserts))
    }

    private static func encoded(deletes: RowBatch, inserts: RowBatch) -> [UInt8] {
        var writer = BSATNWriter()
        V1.appendChanges(
            deletes: deletes.bytes, ends: deletes.ends, inserts: inserts.bytes, ends: inserts.ends, to: &writer)
        return writer.withUnsafeBytes { Array($0) }
    }

    static func append(_ message: V1.ServerMessage<V1.Binary>, to writer: inout BSATNWriter) {
        message.encode(to: &writer)
    }
}

extension V1.Text: V1Form {
    static func arguments(_ arguments: V1.Arguments, of type: ProductType, in typespace: Typespace) -> String {
        switch arguments {
        case .json(let text): text
        case .bsatn(let bytes): value(bytes, of: .product(type), in: typespace)
        }
    }

    static func value(_ bytes: [UInt8], of type: AlgebraicType, in typespace: Typespace) -> String {
        var printer = JSONPrinter()
        return text(bytes.span.bytes, type, .untyped, &printer, in: typespace)
    }

    /// Rows are objects with the names of the columns.
    static func rows(_ batch: RowBatch, of type: ProductType) -> [String] {
        let type = AlgebraicType.product(type)
        var printer = JSONPrinter(reservingCapacity: 256)
        var texts: [String] = []
        texts.reserveCapacity(batch.count)
        batch.forEach { row in
            // The row stays where it is until this returns.
            texts.append(text(RawSpan(_unsafeBytes: row), type, .row, &printer))
        }
        return texts
    }

    static func changes(_ delta: SharedDelta, of type: ProductType) -> Changes {
        .encoded(
            delta.encoding(DeltaForm.v1Text.rawValue) { delta in
                V1.changes(deletes: rows(delta.deletes, of: type), inserts: rows(delta.inserts, of: type))
            })
    }

    static func changes(deletes: RowBatch, inserts: RowBatch, of type: ProductType) -> Changes {
        .encoded(V1.changes(deletes: rows(deletes, of: type), inserts: rows(inserts, of: type)))
    }

    /// The bytes come from the database and are of the type. Rows with columns that have no names are arrays.
    private static func text(
        _ bytes: RawSpan, _ type: AlgebraicType, _ style: JSONStyle, _ printer: inout JSONPrinter,
        in typespace: Typespace = Typespace()
    ) -> String {
        printer.removeAll()
        var reader = BSATNReader(bytes)
        return (try? printer.write(bsatn: &reader, type: type, in: typespace, style: style)) == nil
            ? "null" : printer.text
    }

    static func append(_ message: V1.ServerMessage<V1.Text>, to writer: inout BSATNWriter) {
        message.text.withUnsafeBytes { writer.append($0) }
    }
}

extension ProductType {
    /// Of what takes no parameters.
    static let noFields = ProductType([] as [Element])
}
