import SpacetimeEngine

/// Look-ups in several indexes that together find all rows that meet a condition: `owner = 7 OR level > 90`.
enum IndexUnion {
    /// More alternatives than that are not worth the look.
    private static let limit = 64

    /// The look-ups, one for each alternative of the condition; nil if one of them is answered by no index. What they find must
    /// still meet the condition.
    static func access(for part: QueryGraph.Part, _ indexes: [PlannedIndex]) -> Plan.Access? {
        guard part.last == .or else { return nil }
        let alternatives = RowPredicate.alternatives(of: Array(part))
        guard alternatives.count <= limit else { return nil }
        var accesses: [Plan.Access] = []
        for alternative in alternatives {
            let restrictions = Restriction.all(in: RowPredicate.conjuncts(of: Array(alternative)))
                .filter { !$0.isListedByParameter }
            var best: IndexMatch?
            for index in indexes {
                guard let match = IndexMatch(index, restrictions, takesRanges: false), match.score > best?.score ?? 0
                else { continue }
                best = match
            }
            guard let best else { return nil }
            if !accesses.contains(best.access) { accesses.append(best.access) }
        }
        // Alternatives of one column are ranges of its index.
        let used = Set(accesses.compactMap(\.index))
        if used.count == 1, indexes.first(where: { used.contains($0.id) })?.columns.count == 1 { return nil }
        return .any(accesses)
    }
}

extension Restriction {
    fileprivate var isListedByParameter: Bool {
        if case .list(.parameter) = test { true } else { false }
    }
}
