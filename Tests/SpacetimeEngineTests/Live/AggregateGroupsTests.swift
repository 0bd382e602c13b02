import SpacetimeSATS
import Testing

@testable import SpacetimeEngine

@Suite struct AggregateGroupsTests {
    /// Random keys, values and functions: each result row equals the one that a naive program computes.
    @Test(arguments: 0..<8)
    func resultsEqualThoseOfANaiveProgram(_ round: Int) throws {
        var random = seededRandom("aggregates \(round)")
        for _ in 0..<25 {
            var model = try AggregateModel(&random)
            var groups = AggregateGroups(model.shape)
            let domain = random.oneIn(2) ? 4 : 1_000
            for count in [0, 1, 3, 60] {
                for _ in 0..<count {
                    let row = model.row(&random, domain: domain)
                    model.rows.append(row)
                    groups.apply(row)
                }
                let (found, expected) = (groups.resultRows().sortedBytes(), model.results())
                #expect(found == expected, "keys \(model.keys), inputs \(model.inputs), outputs \(model.outputs)")
            }
            // The rows are of the types that the shape says.
            let row = groups.resultRows().first
            if let row {
                let layout = try RowLayout(model.shape.resultTypes)
                try row.withUnsafeBytes { try layout.validate($0) }
            }
        }
    }

    /// Rows come and go. After each step the results are those of a naive program, and what is left at the end is nothing.
    @Test(arguments: 0..<8)
    func resultsAreMaintained(_ round: Int) throws {
        var random = seededRandom("maintained aggregates \(round)")
        for _ in 0..<12 {
            var model = try AggregateModel(&random)
            var groups = AggregateGroups(model.shape, isMaintained: true)
            let domain = random.oneIn(2) ? 4 : 1_000
            for step in 0..<120 {
                let isRemoval = !model.rows.isEmpty && (step > 100 || random.oneIn(step / 30 % 2 == 0 ? 4 : 2))
                let row =
                    isRemoval
                    ? model.rows.remove(at: random.below(model.rows.count)) : model.row(&random, domain: domain)
                if !isRemoval { model.rows.append(row) }
                let group = groups.apply(row, isRemoval: isRemoval)
                groups.removeIfEmpty(try #require(group))
                if step % 4 == 0 || step > 100 {
                    let (found, expected) = (groups.resultRows().sortedBytes(), model.results())
                    #expect(found == expected, "keys \(model.keys), inputs \(model.inputs), outputs \(model.outputs)")
                    try groups.checkInvariants()
                }
            }
            for row in model.rows {
                if let group = groups.apply(row, isRemoval: true) { groups.removeIfEmpty(group) }
            }
            try groups.checkInvariants()
            let count = groups.count
            #expect(count == (model.keys.isEmpty ? 1 : 0))
        }
    }

    @Test func functionsSayWhatTheyAreDefinedFor() {
        typealias Function = QueryAggregate.Function
        func type(_ function: Function, _ argument: AlgebraicType, isGrouped: Bool = true) -> AlgebraicType? {
            function.result(of: argument, isNullable: false, isGrouped: isGrouped).map {
                $0.isNullable ? .option($0.type) : $0.type
            }
        }
        #expect(type(.count, .string) == .u64 && type(.count, .option(.string), isGrouped: false) == .u64)
        #expect(type(.sum, .u32) == .u128 && type(.sum, .i64) == .i128 && type(.sum, .f32) == .f64)
        #expect(type(.sum, .u128) == .u256 && type(.sum, .i256) == .option(.i256))
        #expect(type(.sum, .option(.u8)) == .option(.u128) && type(.sum, .u8, isGrouped: false) == .option(.u128))
        #expect(type(.average, .i8) == .f64 && type(.average, .option(.f32)) == .option(.f64))
        #expect(type(.min, .string) == .string && type(.max, .option(.identity)) == .option(.identity))
        for argument: AlgebraicType in [.string, .bool, .unit, .array(.u32), .option(.string), .timestamp] {
            #expect(type(.sum, argument) == nil && type(.average, argument) == nil)
        }
        #expect(Function.max.result(of: nil, isNullable: false, isGrouped: true) == nil)
        #expect(throws: AggregateShape.Failure.undefined(.sum, of: .string)) {
            try AggregateShape(keys: [], inputs: [.init(.string)], outputs: [.init(.sum, of: 0)])
        }
    }

    /// The value of a key is what made it, but for the zeros and the NaNs.
    @Test func valuesAreReadBackFromTheirKeys() throws {
        var random = seededRandom()
        for _ in 0..<400 {
            let type = random.type()
            var program = TypeProgram()
            let node = try program.add(type)
            for _ in 0..<10 {
                let value = random.value(of: type)
                let bytes = value.bsatn() + [0]
                let expected = AggregateModel.canonical(value).bsatn()
                var key = KeyBuffer()
                var back = KeyBuffer()
                var copy = KeyBuffer()
                bytes.withUnsafeBytes { bytes in
                    guard let start = bytes.baseAddress else { return }
                    program.appendKey(node, at: start, to: &key)
                    program.appendCanonical(node, at: start, to: &copy)
                }
                key.append(0xAA)
                let used = key.bytes.baseAddress.map { program.appendValue(node, fromKey: $0, to: &back) }
                let (foundBack, foundCopy, keyCount) = (Array(back.bytes), Array(copy.bytes), key.count - 1)
                #expect(foundBack == expected && foundCopy == expected && used == keyCount, "\(value) of \(type)")
            }
        }
    }
}
