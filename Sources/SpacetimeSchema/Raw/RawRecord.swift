package import SpacetimeSATS

/// A part of a module definition as it stands on the wire.
///
/// Fields are read and written in the order in which they are declared: the order is the format.
package protocol RawRecord: Hashable, Sendable {
    /// Bytes of the shortest encoding. It bounds what a hostile element count can make a reader allocate.
    static var minimumByteCount: Int { get }
    init(from reader: inout BSATNReader) throws(BSATNError)
    func encode(to writer: inout BSATNWriter)
}

extension RawRecord {
    /// Decodes one value from the front of `bytes`. Bytes behind it are ignored, as the format demands.
    package init(decoding bytes: [UInt8]) throws(BSATNError) {
        var reader = BSATNReader(bytes.span.bytes)
        try self.init(from: &reader)
    }

    /// The value in BSATN.
    package func bsatn() -> [UInt8] {
        var writer = BSATNWriter()
        encode(to: &writer)
        return writer.toArray()
    }
}

/// The kinds of record whose payload is one byte and nothing else.
package protocol RawSimpleEnum: RawRecord, RawRepresentable, CaseIterable where RawValue == UInt8 {}

extension RawSimpleEnum {
    package static var minimumByteCount: Int { 1 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        let offset = reader.offset
        let tag = try reader.readU8()
        guard let value = Self(rawValue: tag) else { throw .invalidTag(tag, at: offset) }
        self = value
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.writeTag(rawValue)
    }
}

extension BSATNReader {
    mutating func readArray<Element: RawRecord>(
        of type: Element.Type = Element.self
    ) throws(BSATNError) -> [Element] {
        let count = try readCount(minimumElementSize: Element.minimumByteCount)
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for _ in 0..<count {
            elements.append(try Element(from: &self))
        }
        return elements
    }

    mutating func readOptional<Wrapped: RawRecord>(
        _ type: Wrapped.Type = Wrapped.self
    ) throws(BSATNError) -> Wrapped? {
        try readTag(below: 2) == 0 ? Wrapped(from: &self) : nil
    }
}

extension BSATNWriter {
    mutating func writeArray<Element: RawRecord>(_ elements: [Element]) {
        writeCount(elements.count)
        for element in elements {
            element.encode(to: &self)
        }
    }

    mutating func writeOptional<Wrapped: RawRecord>(_ value: Wrapped?) {
        guard let value else { return writeTag(1) }
        writeTag(0)
        value.encode(to: &self)
    }
}

/// A name: wrapped so that lists of and optional names need no code of their own.
struct RawName: RawRecord {
    static let minimumByteCount = 4
    var text: String

    init(_ text: String) {
        self.text = text
    }

    init(from reader: inout BSATNReader) throws(BSATNError) {
        text = try reader.readString()
    }

    func encode(to writer: inout BSATNWriter) {
        writer.write(text)
    }
}

/// An optional 128-bit integer, as sequences have them.
struct RawI128: RawRecord {
    static let minimumByteCount = 16
    var value: Int128

    init(_ value: Int128) {
        self.value = value
    }

    init(from reader: inout BSATNReader) throws(BSATNError) {
        value = try reader.readI128()
    }

    func encode(to writer: inout BSATNWriter) {
        writer.write(value)
    }
}

extension BSATNReader {
    mutating func readOptionalName() throws(BSATNError) -> String? {
        try readOptional(RawName.self)?.text
    }

    mutating func readNames() throws(BSATNError) -> [String] {
        try readArray(of: RawName.self).map(\.text)
    }

    mutating func readOptionalI128() throws(BSATNError) -> Int128? {
        try readOptional(RawI128.self)?.value
    }
}

extension BSATNWriter {
    mutating func writeOptionalName(_ name: String?) {
        writeOptional(name.map { RawName($0) })
    }

    mutating func writeNames(_ names: [String]) {
        writeArray(names.map { RawName($0) })
    }

    mutating func writeOptionalI128(_ value: Int128?) {
        writeOptional(value.map { RawI128($0) })
    }
}

extension ColumnID: RawRecord {
    package static var minimumByteCount: Int { 2 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        self.init(try reader.readU16())
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.write(rawValue)
    }
}
