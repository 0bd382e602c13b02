import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

@Suite struct TermTreeTests {
    private static func term(_ number: Int) -> RowPredicate.Term {
        .compare(FieldPath(ColumnID(number % 100)), .equal, [UInt8(truncatingIfNeeded: number)])
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func joinedSequencesKeepTheirOrderAndStayLow(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var parts = (0..<200).map { number in
            let terms = (0..<1 + random.below(30)).map { Self.term(number * 31 + $0) }
            return (tree: TermTree(terms), terms: terms)
        }
        while parts.count > 1 {
            let place = random.oneIn(3) ? 0 : random.below(parts.count - 1)
            let joined = TermTree.joined(parts[place].tree, parts[place + 1].tree)
            parts[place] = (joined, parts[place].terms + parts[place + 1].terms)
            parts.remove(at: place + 1)
            #expect(parts[place].tree.array == parts[place].terms, "seed \(seed)")
            #expect(parts[place].tree.count == parts[place].terms.count)
            #expect(parts[place].tree.byteCount == parts[place].terms.count)
        }
        #expect(parts[0].tree.height < 20)
        #expect(parts[0].tree.prefix(100) == Array(parts[0].terms.prefix(100)))
    }

    @Test func oneTermAfterTheOtherStaysLow() {
        var right = TermTree([Self.term(0)])
        var left = right
        for number in 1..<20_000 {
            right = .joined(right, TermTree([Self.term(number)]))
            left = .joined(TermTree([Self.term(number)]), left)
        }
        #expect(right.height < 25 && left.height < 25)
        #expect(right.array == (0..<20_000).map(Self.term))
        #expect(left.array == right.array.reversed())
    }

    @Test func sharedPartsCountWithoutEnd() {
        var tree = TermTree([Self.term(1)])
        for _ in 0..<100 { tree = .joined(tree, tree) }
        #expect(tree.count == .max && tree.byteCount == .max)
        #expect(tree.prefix(50).count == 50)
        let error = #expect(throws: EngineError.self) {
            var predicate = RowPredicate.compare(0, .equal, [1])
            for _ in 0..<30 { predicate = .or(predicate, predicate) }
            try predicate.checkSize(table: "t")
        }
        #expect(error == .conditionTooLarge(table: "t", what: "terms", limit: RowPredicate.termLimit))
    }
}

@Suite struct NormalTermsTests {
    private func equals(_ column: ColumnID, _ value: UInt8) -> RowPredicate { .compare(column, .equal, [value]) }

    @Test func alternativesOfOneFieldBecomeAList() {
        let predicate = RowPredicate.or([
            equals(1, 7), .and(equals(2, 1), equals(2, 2)), equals(1, 9), equals(3, 5),
            RowPredicate(.isIn(FieldPath(1), ValueList(count: 2, bytes: [1, 2]))),
        ])
        let list = RowPredicate.Term.isIn(FieldPath(1), ValueList(count: 4, bytes: [7, 9, 1, 2]))
        let two = FieldPath(2)
        #expect(
            predicate.normalTerms() == [
                list, .compare(two, .equal, [1]), .compare(two, .equal, [2]), .and, .or,
                .compare(FieldPath(3), .equal, [5]), .or,
            ])
    }

    @Test func listsAreFoundInsideOfOtherOperators() {
        let alternatives = RowPredicate.or(equals(1, 7), equals(1, 8))
        let list = RowPredicate.Term.isIn(FieldPath(1), ValueList(count: 2, bytes: [7, 8]))
        #expect(RowPredicate.and(alternatives, .not(alternatives)).normalTerms() == [list, list, .not, .and])
        #expect(RowPredicate.not(.not(alternatives)).normalTerms() == [list, .not, .not])
    }

    @Test func partsThatMustAllHoldAreTakenApart() {
        let predicate = RowPredicate.and([
            equals(1, 1), .all, .or(equals(2, 2), equals(3, 3)), .and(equals(4, 4), .not(equals(5, 5))),
        ])
        let parts = RowPredicate.conjuncts(of: predicate.normalTerms())
        #expect(parts.map(\.count) == [1, 3, 1, 1])
        #expect(RowPredicate.conjuncts(of: RowPredicate.all.normalTerms()).isEmpty)
        #expect(RowPredicate(joining: parts).normalTerms().count == 9)
        // The negation of one comparison of a field that every row has is a comparison itself.
        #expect(parts[3].first == .compare(FieldPath(5), .notEqual, [5]))
    }
}
