/// Records of a CSV text, by RFC 4180; lines may end in LF alone.
struct CSVParser {
    struct Field {
        var text: String
        var isQuoted: Bool
    }

    struct Record {
        /// The line in which the record begins, counted from 1.
        var line: Int
        var fields: [Field]

        var isEmptyLine: Bool { fields.count == 1 && fields[0].text.isEmpty && !fields[0].isQuoted }
    }

    private let bytes: [UInt8]
    private var position = 0
    private var line = 1

    init(_ bytes: ArraySlice<UInt8>) { self.bytes = Array(bytes) }

    /// The next record; nil at the end of the text.
    mutating func next() throws(DatabaseError) -> Record? {
        guard position < bytes.count else { return nil }
        var record = Record(line: line, fields: [])
        while true {
            record.fields.append(try field())
            guard position < bytes.count else { return record }
            let byte = bytes[position]
            position += 1
            if byte == 0x2C {
                // A comma at the very end is followed by one more empty field.
                if position == bytes.count { record.fields.append(Field(text: "", isQuoted: false)) } else { continue }
                return record
            }
            if byte == 0x0D, position < bytes.count, bytes[position] == 0x0A { position += 1 }
            line += 1
            return record
        }
    }

    private mutating func field() throws(DatabaseError) -> Field {
        guard position < bytes.count, bytes[position] == 0x22 else {
            let start = position
            while position < bytes.count, ![0x2C, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
            return Field(text: try text(bytes[start..<position]), isQuoted: false)
        }
        position += 1
        var content: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == 0x22 {
                guard position < bytes.count, bytes[position] == 0x22 else {
                    guard position == bytes.count || [0x2C, 0x0A, 0x0D].contains(bytes[position]) else {
                        throw problem("something follows a closing quote")
                    }
                    return Field(text: try text(content[...]), isQuoted: true)
                }
                position += 1
            } else if byte == 0x0A {
                line += 1
            }
            content.append(byte)
        }
        throw problem("a quote is not closed")
    }

    private func text(_ bytes: ArraySlice<UInt8>) throws(DatabaseError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw problem("not valid UTF-8") }
        return text
    }

    private func problem(_ what: String) -> DatabaseError {
        DatabaseError(.malformedRow, "line \(line): \(what); nothing was imported")
    }
}
