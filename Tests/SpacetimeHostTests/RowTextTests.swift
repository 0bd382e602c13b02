import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport
import Testing

@testable import SpacetimeHost

/// Rows as text and back, for tables of every shape.
@Suite struct RowTextTests {
    private static let formats: [ExchangeFormat] = [.csv, .jsonLines]

    private func table(_ columns: [(String, AlgebraicType)]) -> TableSchema {
        TableSchema(name: "t", columns: columns.map { ColumnSchema(name: $0.0, type: $0.1) })
    }

    private func text(_ rows: [[UInt8]], _ text: RowText) throws -> [UInt8] {
        var bytes = text.heading
        for row in rows { try row.withUnsafeBytes { try text.append($0, to: &bytes) } }
        return bytes
    }

    private func roundTrip(_ rows: [[UInt8]], _ schema: TableSchema, _ format: ExchangeFormat) throws -> [[UInt8]] {
        let codec = RowText(schema: schema, format: format)
        return try codec.read(try text(rows, codec)).map { try $0.row.get() }
    }

    private func row(_ values: AlgebraicValue...) -> [UInt8] { values.flatMap { $0.bsatn() } }

    @Test(arguments: formats) func randomTablesComeBackBitForBit(_ format: ExchangeFormat) throws {
        let base = freshSeed()
        for seed in base..<(base + 400) {
            var random = RandomValues(seed: seed)
            // Names as no module may have them, and told apart by a number.
            let columns = (0..<random.below(6)).map { ("\(random.text())\($0)", random.type()) }
            let schema = table(columns)
            let rows = (0..<random.below(12)).map { _ in columns.flatMap { random.value(of: $0.1).bsatn() } }
            #expect(try roundTrip(rows, schema, format) == rows, "SPACETIME_SEED=\(seed)")
        }
    }

    @Test(arguments: formats) func everyKindOfFloatComesBackBitForBit(_ format: ExchangeFormat) throws {
        let doubles: [UInt64] = [
            0, 1 << 63, 1, 0x7FF0_0000_0000_0000, 0xFFF0_0000_0000_0000, 0x7FF8_0000_0000_0000, 0xFFF8_0000_0000_0000,
            0x7FF0_0000_0000_0001, 0xFFFF_FFFF_FFFF_FFFF, 0x7FF8_0000_0000_0005, 0x7FEF_FFFF_FFFF_FFFF,
        ]
        let schema = table([("a", .f64), ("b", .option(.f64)), ("c", .array(.f64)), ("d", .f32)])
        let rows = doubles.map { bits in
            let value = AlgebraicValue.f64(Double(bitPattern: bits))
            let single = AlgebraicValue.f32(Float(bitPattern: UInt32(bits >> 32 | bits & 1)))
            return row(value, .some(value), .array([value]), single)
        }
        #expect(try roundTrip(rows, schema, format) == rows)
    }

    @Test(arguments: formats) func theDeepestTypeComesBack(_ format: ExchangeFormat) throws {
        var type = AlgebraicType.string
        var value = AlgebraicValue.string("deep")
        for level in 0..<127 {
            type = level % 2 == 0 ? .option(type) : .product([("inner", type)])
            value = level % 2 == 0 ? .some(value) : .product([value])
        }
        let schema = try table([("deep", type)]).validated()
        #expect(try roundTrip([row(value)], schema, format) == [row(value)])
    }

    @Test(arguments: formats) func casesThatShareANameAreToldApart(_ format: ExchangeFormat) throws {
        // Both names of a module become `aB`.
        let type = AlgebraicType.sum([("aB", .unit), ("aB", .unit), ("other", .u8), ("other", .u8)])
        let schema = table([("x", type), ("list", .array(type))])
        let values: [AlgebraicValue] = [
            .sum(tag: 0, .unit), .sum(tag: 1, .unit), .sum(tag: 2, .u8(1)), .sum(tag: 3, .u8(1)),
        ]
        let rows = values.map { row($0, .array([$0])) }
        #expect(try roundTrip(rows, schema, format) == rows)
    }

    @Test func fieldsOfCSVAreReadable() throws {
        let mood = AlgebraicType.sum([("calm", .unit), ("wild", .u8)])
        let columns: [(String, AlgebraicType)] = [
            ("who", .identity), ("on", .connectionId), ("id", .uuid), ("at", .timestamp), ("took", .timeDuration),
            ("when", .scheduleAt), ("mood", mood), ("maybe", .option(mood)), ("wide", .u256), ("bytes", .bytes),
            ("real", .option(.f64)), ("twice", .option(.option(.timestamp))), ("times", .array(.timestamp)),
        ]
        let alice = Identity(issuer: "localhost", subject: "alice")
        let time = AlgebraicValue(Timestamp(microsecondsSinceUnixEpoch: 1_700_000_000_123_456))
        let present = row(
            AlgebraicValue(alice), AlgebraicValue(ConnectionId(number: 15)), AlgebraicValue(Uuid(number: 1)), time,
            AlgebraicValue(TimeDuration.milliseconds(1_500)), AlgebraicValue(ScheduleAt.interval(.seconds(-5))),
            .sum(tag: 0, .unit), .some(.sum(tag: 0, .unit)), .u256(.max), .bytes([1, 0xFE]), .some(.f64(.nan)),
            .some(.some(time)), .array([time]))
        let absent = row(
            AlgebraicValue(Identity.zero), AlgebraicValue(ConnectionId.none), AlgebraicValue(Uuid.nil),
            AlgebraicValue(Timestamp.min), AlgebraicValue(TimeDuration.zero),
            AlgebraicValue(ScheduleAt.time(.unixEpoch)),
            .sum(tag: 1, .u8(7)), .none, .u256(.zero), .bytes([]), .none, .none, .array([]))
        let schema = table(columns)
        let csv = try text([present, absent], RowText(schema: schema, format: .csv))
        let inner = "{\"\"__timestamp_micros_since_unix_epoch__\"\":1700000000123456}"
        #expect(
            String(decoding: csv, as: UTF8.self) == """
                who,on,id,at,took,when,mood,maybe,wide,bytes,real,twice,times\r
                \(alice.hex),0000000000000000000000000000000f,00000000-0000-0000-0000-000000000001,\
                2023-11-14T22:13:20.123456Z,+1.500000,-5.000000,calm,calm,\(UInt256.max),0x01fe,NaN,\
                "{""some"":{""some"":\(inner)}}","[\(inner)]"\r
                \(Identity.zero),00000000000000000000000000000000,00000000-0000-0000-0000-000000000000,\
                -290308-12-21T19:59:05.224192Z,+0.000000,1970-01-01T00:00:00.000000Z,"{""wild"":7}",,0,0x,,,[]\r\n
                """)
        #expect(try roundTrip([present, absent], schema, .csv) == [present, absent])
    }

    /// What earlier versions wrote: JSON for everything but texts.
    @Test func filesOfEarlierVersionsAreRead() throws {
        let mood = AlgebraicType.sum([("calm", .unit), ("wild", .u8)])
        let columns: [(String, AlgebraicType)] = [
            ("who", .identity), ("at", .timestamp), ("took", .timeDuration), ("id", .uuid), ("mood", mood),
            ("wide", .i256), ("bytes", .bytes), ("twice", .option(.option(.u8))), ("when", .option(.scheduleAt)),
        ]
        let csv = #"""
            who,at,took,id,mood,wide,bytes,twice,when\#r
            "{""__identity__"":""0x2a""}","{""__timestamp_micros_since_unix_epoch__"":-7}",\#
            "{""__time_duration_micros__"":9}","{""__uuid__"":1}","{""calm"":{}}","""-0x2a""","""01ff""",\#
            "{""none"":{}}","{""Interval"":{""__time_duration_micros__"":5}}"\#r\#n
            """#
        let lines = try RowText(schema: table(columns), format: .csv).read(Array(csv.utf8))
        let expected = row(
            AlgebraicValue(Identity(number: 42)), AlgebraicValue(Timestamp(microsecondsSinceUnixEpoch: -7)),
            AlgebraicValue(TimeDuration(microseconds: 9)), AlgebraicValue(Uuid(number: 1)), .sum(tag: 0, .unit),
            .i256(Int256(-42)), .bytes([1, 255]), .none,
            .some(AlgebraicValue(ScheduleAt.interval(TimeDuration(microseconds: 5)))))
        #expect(try lines.map { try $0.row.get() } == [expected])
    }

    @Test func aByteOrderMarkInFrontIsNoPartOfTheFile() throws {
        let schema = table([("text", .string)])
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let expected = [row(.string("a"))]
        let csv = try RowText(schema: schema, format: .csv).read(mark + Array("text\na\n".utf8))
        #expect(try csv.map { try $0.row.get() } == expected)
        let json = try RowText(schema: schema, format: .jsonLines).read(mark + Array("{\"text\":\"a\"}\r\n".utf8))
        #expect(try json.map { try $0.row.get() } == expected)
        // One that belongs to a text stays.
        let marked = table([("\u{FEFF}text", .string)])
        let rows = [row(.string("\u{FEFF}")), row(.string("\u{FEFF}\u{FEFF}a"))]
        for format in Self.formats { #expect(try roundTrip(rows, marked, format) == rows) }
    }

    @Test(arguments: ["\u{301}", "\u{200C}", "\u{200D}", "\u{FE0F}", "\u{20E3}", "\u{1F3FB}"])
    func quotesAreDoubledWhateverFollowsThem(_ mark: String) throws {
        for text in ["\"" + mark, "a\"" + mark + ",\"" + mark, "," + mark, "\r\n" + mark, "\n" + mark + "\"" + mark] {
            let schema = table([(text, .string), ("other", .string)])
            let rows = [row(.string(text), .string(mark + text)), row(.string(""), .string(text + text))]
            for format in Self.formats { #expect(try roundTrip(rows, schema, format) == rows) }
        }
    }

    @Test func problemsSayWhatToWrite() throws {
        let mood = AlgebraicType.sum([("calm", .unit), ("wild", .unit)])
        let cases: [(AlgebraicType, String, String)] = [
            (.timestamp, "yesterday", "a time such as 2023-11-14T22:13:20.123456Z"),
            (.identity, "c2", "64 hexadecimal"),
            (.timeDuration, "1h", "a duration in seconds such as 1.5"), (mood, "happy", "one of the cases calm, wild"),
            (.f64, "null", "NaN, Infinity"), (.f64, "1e999", "NaN, Infinity"), (.f32, "NaN(0x1)", "NaN, Infinity"),
            (.bytes, "0x1", "hexadecimal"), (.u256, "-1", "decimal"), (.uuid, "x", "UUID"),
            (.u8, "256", "0 to 255, not '256'"),
            (.scheduleAt, "soon", "interval"), (.u8, "", "0 to 255, not an empty field"),
            (.bool, "yes", "true or false, not 'yes'"), (.i128, "1.5", "\(Int128.min) to \(Int128.max)"),
            (.i16, String(repeating: "9", count: 50), "32767, not '\(String(repeating: "9", count: 40))' and so on"),
        ]
        for (type, field, expected) in cases {
            let lines = try RowText(schema: table([("x", type), ("y", .string)]), format: .csv)
                .read(Array("x,y\n\(field),\n".utf8))
            guard case .failure(let problem)? = lines.first?.row else {
                Issue.record("\(field) was taken for \(type)")
                continue
            }
            #expect(problem.text.contains("column 'x'") && problem.text.contains(expected), "\(problem.text)")
        }
    }

    @Test func aTableWithoutColumnsHasItsOneRow() throws {
        for format in Self.formats { #expect(try roundTrip([[]], table([]), format) == [[]]) }
    }
}
