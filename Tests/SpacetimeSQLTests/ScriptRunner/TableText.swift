import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// The definition of a table in a script: `table name [public|private] [event]`, a column on each line, then indexes.
struct TableText {
    let schema: TableSchema

    init(_ head: String, _ lines: [String]) throws {
        let words = head.split(separator: " ").map { String($0) }
        let name = words[0]
        var columns: [(String, AlgebraicType)] = []
        var primaryKey: [ColumnID] = []
        var indexes: [IndexSchema] = []
        var sequences: [SequenceSchema] = []
        var defaults: [DefaultValueSchema] = []
        func add(_ algorithm: IndexAlgorithm, _ columns: [ColumnID], isUnique: Bool = false) {
            indexes.append(
                IndexSchema(
                    name: "\(name)_i\(indexes.count)", algorithm: algorithm, columns: columns, isUnique: isUnique))
        }
        for line in lines {
            var parser = TypeText(line)
            let word = parser.word()
            parser.skipBlanks()
            if word == "index" {
                let algorithm = parser.word()
                let names = parser.rest.filter { !"() ".contains($0) }.split(separator: ",").map { String($0) }
                let ids = try names.map { name in
                    guard let position = columns.firstIndex(where: { $0.0 == name }) else {
                        throw Script.Malformed(description: "no column \(name)")
                    }
                    return ColumnID(position)
                }
                add(algorithm == "hash" ? .hash : algorithm == "direct" ? .direct : .btree, ids)
                continue
            }
            let column = ColumnID(columns.count)
            columns.append((word, try parser.type()))
            for word in parser.rest.split(separator: " ").map({ String($0) }) {
                switch word {
                case "primary":
                    primaryKey.append(column)
                    add(.btree, [column], isUnique: true)
                case "unique": add(.btree, [column], isUnique: true)
                case "index": add(.btree, [column])
                case "hash": add(.hash, [column])
                case "auto": sequences.append(SequenceSchema(name: "\(name)_\(column)_seq", column: column))
                default: throw Script.Malformed(description: "'\(word)' says nothing of a column")
                }
            }
            if word.hasSuffix("_default") {
                defaults.append(DefaultValueSchema(column: column, bytes: UInt32(7).bsatn()))
            }
        }
        schema = TableSchema(
            name: name, columns: columns, primaryKey: primaryKey, indexes: indexes, sequences: sequences,
            access: words.contains("private") ? .private : .public, isEvent: words.contains("event"),
            defaults: defaults)
    }
}

/// Reads types: names, `option<u32>`, structs `(x f32, y f32)`, enums `[calm, angry, hurt(u32)]`.
struct TypeText {
    private(set) var rest: Substring

    init(_ text: String) { rest = text[...] }

    mutating func skipBlanks() { rest = rest.drop { $0 == " " } }

    mutating func word() -> String {
        skipBlanks()
        let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        rest.removeFirst(word.count)
        return String(word)
    }

    private mutating func skip(_ character: Character) -> Bool {
        skipBlanks()
        guard rest.first == character else { return false }
        rest.removeFirst()
        return true
    }

    private static let names: [String: AlgebraicType] = [
        "bool": .bool, "i8": .i8, "u8": .u8, "i16": .i16, "u16": .u16, "i32": .i32, "u32": .u32, "i64": .i64,
        "u64": .u64,
        "i128": .i128, "u128": .u128, "i256": .i256, "u256": .u256, "f32": .f32, "f64": .f64, "string": .string,
        "bytes": .bytes, "identity": .identity, "connection_id": .connectionId, "timestamp": .timestamp,
        "duration": .timeDuration, "uuid": .uuid,
    ]

    mutating func type() throws -> AlgebraicType {
        if skip("(") {
            var fields: [(String, AlgebraicType)] = []
            repeat { fields.append((word(), try type())) } while skip(",")
            guard skip(")") else { throw Script.Malformed(description: "a struct does not end before '\(rest)'") }
            return .product(fields)
        }
        if skip("[") {
            var variants: [(String, AlgebraicType)] = []
            repeat {
                let name = word()
                var payload = AlgebraicType.unit
                if skip("(") {
                    payload = try type()
                    guard skip(")") else { throw Script.Malformed(description: "a payload does not end") }
                }
                variants.append((name, payload))
            } while skip(",")
            guard skip("]") else { throw Script.Malformed(description: "an enum does not end before '\(rest)'") }
            return .sum(variants)
        }
        let name = word()
        if name == "option", skip("<") {
            let payload = try type()
            guard skip(">") else { throw Script.Malformed(description: "an option does not end") }
            return .option(payload)
        }
        guard let type = Self.names[name] else { throw Script.Malformed(description: "there is no type '\(name)'") }
        return type
    }
}
