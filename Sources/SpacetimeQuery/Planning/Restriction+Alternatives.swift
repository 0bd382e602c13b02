import SpacetimeEngine

/// What alternatives say of a field that each of them restricts: `a < 3 OR a = 5 AND b > 0` allows `a` two ranges.
extension Restriction {
    /// - Parameter part: alternatives in the order of terms, the last of which is `or`.
    static func alternatives(_ part: ArraySlice<RowPredicate.Term>, source: Int) -> [Restriction] {
        let alternatives = RowPredicate.alternatives(of: Array(part)).map { RowPredicate.conjuncts(of: Array($0)) }
        var paths: [FieldPath] = []
        for condition in alternatives.first ?? [] {
            guard let path = condition.restrictedPath, !paths.contains(path) else { continue }
            paths.append(path)
        }
        return paths.compactMap { path in
            var ranges: [Alternative] = []
            var isWhole = true
            for conditions in alternatives {
                guard let (range, used) = alternative(conditions, path) else { return nil }
                ranges.append(range)
                isWhole = isWhole && used == conditions.count
            }
            return Restriction(path, .anyOf(ranges), source: source, isWhole: isWhole)
        }
    }

    /// What conditions that must all hold say of a field, and how many of them it takes to say that. Nil if nothing.
    private static func alternative(
        _ conditions: [ArraySlice<RowPredicate.Term>], _ path: FieldPath
    ) -> (Alternative, used: Int)? {
        let restrictions = conditions.compactMap { Restriction($0, source: 0) }.filter { $0.path == path }
        var lower: Bound?
        var upper: Bound?
        var used = 0
        for restriction in restrictions {
            switch restriction.test {
            case .equal(let value):
                let bound = Bound(value: value, isExcluded: false)
                return (.between(lower: bound, upper: bound), 1)
            case .list(.values(let values)): return (.oneOf(values), 1)
            case .prefix(let bytes): return (.prefix(bytes), 1)
            case .bound(let comparison, let value):
                let bound = Bound(value: value, isExcluded: comparison == .less || comparison == .greater)
                if comparison == .greater || comparison == .greaterOrEqual {
                    if lower != nil { continue }
                    lower = bound
                } else {
                    if upper != nil { continue }
                    upper = bound
                }
                used += 1
            case .list(.parameter), .anyOf: continue
            }
        }
        return used == 0 ? nil : (.between(lower: lower, upper: upper), used)
    }
}

extension ArraySlice<RowPredicate.Term> {
    /// The field that a condition of one term is about, if an index might answer it.
    fileprivate var restrictedPath: FieldPath? { Restriction(self, source: 0)?.path }
}
