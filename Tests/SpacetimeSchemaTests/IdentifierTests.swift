import SpacetimeSchema
import Testing

@Suite struct IdentifierTests {
    @Test(arguments: ["a", "_", "_a1", "Straße", "名前", "é", "한글", "q\u{0308}_", "a·b"])
    func lettersDigitsAndUnderscoresMakeAnIdentifier(text: String) {
        #expect(Identifier.problem(with: text) == nil)
    }

    @Test func eachKindOfFlawIsToldApart() {
        #expect(Identifier.problem(with: "") == .empty)
        #expect(Identifier.problem(with: "e\u{301}") == .notCanonicalized)
        #expect(Identifier.problem(with: "\u{212B}ngstrom") == .notCanonicalized)
        #expect(Identifier.problem(with: "\u{1112}\u{1161}\u{11AB}") == .notCanonicalized)
        #expect(Identifier.problem(with: "1up") == .invalidStart("1"))
        #expect(Identifier.problem(with: "-a") == .invalidStart("-"))
        #expect(Identifier.problem(with: "a-b") == .invalidContinue("-"))
        #expect(Identifier.problem(with: "a.b") == .invalidContinue("."))
        #expect(Identifier.problem(with: "a b") == .invalidContinue(" "))
        #expect(Identifier.problem(with: "a\u{0}") == .invalidContinue("\u{0}"))
        #expect(Identifier.problem(with: "\u{1F600}") == .invalidStart("\u{1F600}"))
    }

    @Test func asciiFollowsTheTablesOfUnicode() {
        for byte in 0..<0x80 as Range<UInt8> {
            let scalar = Unicode.Scalar(byte)
            let starts = scalar == "_" || scalar.properties.isXIDStart
            #expect((Identifier.problem(with: "\(scalar)") == nil) == starts, "U+\(String(byte, radix: 16))")
            let goesOn = scalar.properties.isXIDContinue
            #expect((Identifier.problem(with: "a\(scalar)") == nil) == goesOn, "U+\(String(byte, radix: 16))")
        }
    }
}

@Suite struct GeneratedNameTests {
    @Test func namesFollowTheTableAndItsColumns() {
        #expect(GeneratedName.index(table: "t", columns: ["a", "b"], algorithm: .btree) == "t_a_b_idx_btree")
        #expect(GeneratedName.index(table: "t", columns: ["a"], algorithm: .hash) == "t_a_idx_hash")
        #expect(GeneratedName.index(table: "t", columns: ["a"], algorithm: .direct) == "t_a_idx_direct")
        #expect(GeneratedName.uniqueConstraint(table: "t", columns: ["b", "a"]) == "t_b_a_key")
        #expect(GeneratedName.sequence(table: "t", column: "id") == "t_id_seq")
        #expect(GeneratedName.schedule(table: "t") == "t_sched")
        #expect(GeneratedName.namelessColumn(3) == "col_3")
    }
}
