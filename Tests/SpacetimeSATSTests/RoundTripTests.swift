import SpacetimeSATS
import Testing

@Suite struct RoundTripTests {
    @Test func randomTypesAndValuesSurviveBSATNAndEveryStyleOfJSON() throws {
        for seed in 0..<400 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            let type = random.type(depth: 4)
            #expect(try AlgebraicType(bsatn: type.bsatn()) == type, "seed \(seed)")
            #expect(try AlgebraicType(json: try type.json(style: .host)) == type, "seed \(seed)")
            for _ in 0..<5 {
                let value = random.value(of: type)
                #expect(value.isValue(of: type), "seed \(seed)")
                let bytes = value.bsatn()
                if let size = type.bsatnSize { #expect(bytes.count == size, "seed \(seed)") }
                let back = try AlgebraicValue(bsatn: bytes, type: type)
                #expect(back.hasSameBytes(as: value), "seed \(seed)")
                for style in JSONStyle.allCases {
                    let text = try value.json(style: style, type: type)
                    let read = try AlgebraicValue(json: text, type: type)
                    #expect(read.hasSameBytes(as: value), "seed \(seed): \(text)")
                    #expect(try JSON(parsing: text).description == text, "seed \(seed)")
                }
            }
        }
    }

    @Test(
        arguments: [
            (0, "0.0"), (-0.0, "-0.0"), (1, "1.0"), (1e15, "1000000000000000.0"), (1e16, "1e16"), (1.5e300, "1.5e300"),
            (0.1, "0.1"), (123.456, "123.456"), (0.00001, "0.00001"), (0.000001, "1e-6"), (1.25e-7, "1.25e-7"),
            (-2.5, "-2.5"), (9_007_199_254_740_992, "9007199254740992.0"), (.leastNonzeroMagnitude, "5e-324"),
            (1.797_693_134_862_315_7e308, "1.7976931348623157e308"), (100, "100.0"), (1_234_567.125, "1234567.125"),
        ] as [(Double, String)])
    func floatsAreSpelledShortAndUnmistakably(_ value: Double, _ text: String) {
        #expect(JSON.float(value) == .number(text))
    }

    @Test func singleFloatsAreSpelledAtTheirOwnWidth() {
        #expect(JSON.float(Float(0.1)) == .number("0.1"))
        #expect(JSON.float(Float(16_777_216)) == .number("16777216.0"))
        #expect(JSON.float(Float.greatestFiniteMagnitude) == .number("3.4028235e38"))
        #expect(JSON.float(Float.nan) == .null && JSON.float(-Double.infinity) == .null)
    }

    @Test func textIsEscapedOnlyWhereItMustBe() {
        let text = "\"\\/\u{8}\u{c}\n\r\t\u{0}\u{1f}\u{7f}é✓🙂"
        #expect(JSON.string(text).description == #""\"\\/\b\f\n\r\t\u0000\u001f"# + "\u{7f}é✓🙂\"")
    }

    @Test func jsonKeepsNumbersAndOrderExactly() throws {
        let text = #"{"b":1.50,"a":[true,false,null,-0,1E+3],"b":{}}"#
        let json = try JSON(parsing: " \n\t\r" + text + " ")
        #expect(json.description == text)
        #expect(json["a"]?.arrayValue?.count == 5)
        #expect(json["b"] == nil)
        #expect(json["a"]?.arrayValue?[4].integerValue(as: Int.self) == nil)
    }
}
