import SpacetimeEngine
import SpacetimeSATS
import Testing

@testable import SpacetimeQuery

/// Texts found by others that differ in their literals, by their bytes alone.
@Suite struct SQLTextTableTests {
    private typealias Catalog = ExampleCatalog

    /// What is entered for a text.
    private final class Entered {
        let text: String
        let select: BoundSelect
        let template: SQLTemplate

        init(_ text: String) throws {
            self.text = text
            select = try Catalog.select(text, lifting: true)
            template = try SQLTemplate(text)
        }
    }

    private static func table(_ texts: String...) throws -> SQLTextTable {
        var table = SQLTextTable()
        for text in texts {
            let entered = try Entered(text)
            table.enter(text, entered.select, entered.template, entered)
        }
        return table
    }

    @Test func textsThatDifferInPlainLiteralsAreFound() throws {
        var table = try Self.table(
            "SELECT * FROM player WHERE level >= 5 AND name = 'a' AND owner = :sender LIMIT 3",
            "SELECT id FROM grid WHERE x = -5 AND z < 1.0", "SELECT * FROM player")
        #expect(
            table.find("SELECT * FROM player WHERE level >= 77 AND name = 'bcd' AND owner = :sender LIMIT 10") != nil)
        #expect(table.foundValues == [UInt32(77).bsatn(), "bcd".bsatn(), nil, UInt64(10).bsatn()])
        var values: [Int: [UInt8]] = [:]
        try table.forEachValue { (number, value) throws(EngineError) in values[number] = Array(value) }
        #expect(values == [0: UInt32(77).bsatn(), 1: "bcd".bsatn(), 3: UInt64(10).bsatn()])
        #expect(table.find("SELECT id FROM grid WHERE x = -2147483648 AND z < 3.0") != nil)
        #expect(table.foundValues == [Int32.min.bsatn(), Int32(3).bsatn()])
        #expect(table.find("SELECT * FROM player") != nil && table.foundValues.isEmpty)
    }

    @Test(arguments: [
        // Written in another way, which only the tokens tell.
        "SELECT  * FROM player WHERE level = 5 AND name = 'a'", "select * FROM player WHERE level = 5 AND name = 'a'",
        "SELECT * FROM player WHERE level = -5 AND name = 'a'", "SELECT * FROM player WHERE level = '5' AND name = 'a'",
        "SELECT * FROM player WHERE level = 5 AND name = 5", "SELECT * FROM player WHERE level = 0x5 AND name = 'a'",
        "SELECT * FROM player WHERE level = 5e0 AND name = 'a'",
        "SELECT * FROM player WHERE level = 5 AND name = 'a''b'",
        "SELECT * FROM player WHERE level = 5 AND name = 'a' -- more",
        "SELECT * FROM player WHERE level = 5 AND name = X'00'",
        "SELECT * FROM player WHERE level = 5 AND name = 'a", "SELECT * FROM player WHERE level = 5 AND name = 'a' ",
        "SELECT * FROM player WHERE level5 = 5 AND name = 'a'", "SELECT * FROM player WHERE level = .5 AND name = 'a'",
        // No values of their columns: only the binder says what is wrong.
        "SELECT * FROM player WHERE level = 4294967296 AND name = 'a'",
        "SELECT * FROM player WHERE level = 5.5 AND name = 'a'",
        "SELECT * FROM player WHERE level = 99999999999999999999 AND name = 'a'", "",
    ])
    func othersAreNotFound(_ text: String) throws {
        var table = try Self.table("SELECT * FROM player WHERE level = 5 AND name = 'a'")
        #expect(table.find(text) == nil)
    }

    @Test func literalsThatMakeTheShapeMustBeTheSame() throws {
        var table = try Self.table(
            "SELECT * FROM player WHERE level IN (1, 2) AND id = 3",
            "SELECT name FROM player WHERE name LIKE 'a%' LIMIT 3")
        #expect(table.find("SELECT * FROM player WHERE level IN (1, 2) AND id = 4") != nil)
        #expect(table.foundValues == [UInt64(4).bsatn()])
        #expect(table.find("SELECT * FROM player WHERE level IN (1, 3) AND id = 4") == nil)
        #expect(table.find("SELECT name FROM player WHERE name LIKE 'b%' LIMIT 3") == nil)
        #expect(table.find("SELECT name FROM player WHERE name LIKE 'a%' LIMIT 5") != nil)
    }

    @Test func aFullTableForgetsAll() throws {
        var table = SQLTextTable(countLimit: 2)
        for column in ["id", "level", "name"] {
            let entered = try Entered("SELECT \(column) FROM player")
            table.enter(entered.text, entered.select, entered.template, entered)
        }
        #expect(table.find("SELECT id FROM player") == nil && table.find("SELECT name FROM player") != nil)
    }

    /// Whatever is found is the same query, with the values that its tokens say.
    @Test func whatIsFoundHasTheTemplateAndItsValues() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("whatIsFoundHasTheTemplateAndItsValues: seed \(seed)")
        var random = SeededRandom(state: seed)
        var table = SQLTextTable()
        var texts: [String] = []
        for example in ExampleTests.examples {
            guard let entered = try? Entered(example.text) else { continue }
            table.enter(entered.text, entered.select, entered.template, entered)
            texts.append(entered.text)
        }
        let pieces = [
            "0", "7", "15", "255", "65536", "4294967295", "18446744073709551615", "1.5", ".", "-", "'", "''", "'x'",
            "\"",
            " ", "x", "e", "L", "/", "*", ",", "(", ")", "é", "\u{1}", "\n", "1", "2", "9",
        ]
        var found = 0
        for _ in 0..<20_000 {
            var text = Array(texts.randomElement(using: &random)!.unicodeScalars)
            for _ in 0..<Int.random(in: 0...3, using: &random) where !text.isEmpty {
                let places = text.indices.filter {
                    ("0"..."9").contains(text[$0]) || Int.random(in: 0..<8, using: &random) == 0
                }
                guard let place = places.randomElement(using: &random) else { continue }
                let piece = Array(pieces.randomElement(using: &random)!.unicodeScalars)
                let end = place + Int.random(in: 0...1, using: &random)
                text.replaceSubrange(place..<end, with: piece)
            }
            var changed = String.UnicodeScalarView()
            changed.append(contentsOf: text)
            let asked = String(changed)
            guard let entered = table.find(asked) as? Entered else { continue }
            found += 1
            let template = try SQLTemplate(asked)
            #expect(template.key == entered.template.key, "seed \(seed): \(asked) for \(entered.text)")
            #expect(table.foundValues == entered.select.literalValues(of: template), "seed \(seed): \(asked)")
        }
        #expect(found > 2_000, "\(found)")
    }
}
