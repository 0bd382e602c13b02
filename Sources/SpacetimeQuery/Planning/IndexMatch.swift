import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// What one index can do with restrictions of which all must hold: to leading columns of it values are given, and the next
/// one may have a list of values or a range.
struct IndexMatch {
    private let index: PlannedIndex
    private let restrictions: [Restriction]
    /// For each of the leading columns with a given value the restriction that gives it, by its position.
    private var prefix: [Int] = []
    private var list: Int?
    private var ranges: (position: Int, intervals: [Plan.Interval])?
    private var lower: Int?
    private var upper: Int?
    private var text: (position: Int, range: TextRange)?
    /// How the restrictions of the range lead into their column.
    private var place: ColumnPlace?

    /// Nil if the index is of no use.
    ///
    /// - Parameter takesRanges: it may be asked for several ranges.
    init?(_ index: PlannedIndex, _ restrictions: [Restriction], takesRanges: Bool = true) {
        self.index = index
        self.restrictions = restrictions
        for column in index.columns {
            guard let position = Self.first(restrictions, { $0.isEquality(on: column) }) else { break }
            prefix.append(position)
        }
        if prefix.count < index.columns.count {
            let column = index.columns[prefix.count]
            if index.isOrdered || prefix.count + 1 == index.columns.count,
                let position = Self.first(restrictions, { $0.isList(on: column) })
            {
                list = position
            } else if takesRanges, addRanges(on: column) {
                // Nothing else is said of the column by way of this index.
            } else if index.isOrdered {
                addRange(on: column)
            } else {
                // A hash index looks up whole keys, so a part of one is of no use.
                return nil
            }
        }
        if usedCount == 0 { return nil }
    }

    /// The leading columns with a given value.
    var prefixColumns: ArraySlice<ColumnID> { index.columns.prefix(prefix.count) }

    private var usedCount: Int {
        prefix.count + (list == nil ? 0 : 1) + (ranges == nil ? 0 : 1) + (lower == nil ? 0 : 1)
            + (upper == nil ? 0 : 1) + (text == nil ? 0 : 1)
    }

    /// The conditions that the index answers, by their numbers.
    var used: [Int] {
        var used = prefix
        for position in [list, ranges?.position, lower, upper, text?.position] {
            if let position, restrictions[position].isWhole { used.append(position) }
        }
        return used.map { restrictions[$0].source }
    }

    /// Whether it finds one row at most.
    var isUniqueKey: Bool { index.isUnique && prefix.count == index.columns.count }

    /// How much the index narrows the search, judged by the form of the conditions alone, without a look at the data.
    var score: Int {
        if isUniqueKey { return .max }
        if list != nil { return prefix.count * 8 + 6 }
        if ranges != nil { return prefix.count * 8 + 5 }
        // Each column with a fixed value outweighs any range behind it, and two ends of a range are better than one. Among
        // equals a whole key wins, which the engine looks up faster.
        let ends = text == nil ? (lower == nil ? 0 : 1) + (upper == nil ? 0 : 1) : 1
        return prefix.count * 8 + ends * 2 + (prefix.count == index.columns.count ? 1 : 0)
    }

    var access: Plan.Access {
        var parts: [Plan.KeyPart] = []
        parts.reserveCapacity(prefix.count)
        for (position, column) in zip(prefix, index.columns) {
            guard case .equal(let value) = restrictions[position].test else { continue }
            parts.append(Plan.KeyPart(value, tag: restrictions[position].place(in: column)?.tag))
        }
        if prefix.count == index.columns.count { return .key(index.id, parts) }
        if let list, case .list(let values) = restrictions[list].test {
            let tag = restrictions[list].place(in: index.columns[prefix.count])?.tag
            return .keys(index.id, prefix: parts, tag: tag, values)
        }
        if let ranges { return .ranges(index.id, prefix: parts, ranges.intervals) }
        return .range(index.id, Plan.KeyRange(prefix: parts, lower: lowerBound, upper: upperBound))
    }

    // MARK: Ranges

    /// Looks for alternatives on the column that are ranges of it. An index without order can do with single values only.
    private mutating func addRanges(on column: ColumnID) -> Bool {
        let isWholeKey = prefix.count + 1 == index.columns.count
        guard index.isOrdered || isWholeKey else { return false }
        for (position, restriction) in restrictions.enumerated() {
            guard case .anyOf(let alternatives) = restriction.test, let place = restriction.place(in: column),
                place == .whole || index.isOption[prefix.count] && place == .payload(0),
                let intervals = intervals(alternatives, place),
                index.isOrdered || intervals.allSatisfy({ $0.point != nil })
            else { continue }
            ranges = (position, intervals)
            return true
        }
        return false
    }

    /// Nil if one of the alternatives is no range of values of the column.
    private func intervals(_ alternatives: [Restriction.Alternative], _ place: ColumnPlace) -> [Plan.Interval]? {
        let column = index.types[prefix.count]
        let type = place == .whole ? column : column.optionPayload ?? column
        func part(_ value: Plan.Operand) -> Plan.KeyPart { Plan.KeyPart(value, tag: place.tag) }
        func bound(_ bound: Restriction.Bound) -> Plan.Interval.Bound {
            bound.isExcluded ? .excluded(part(bound.value)) : .included(part(bound.value))
        }
        let end: Plan.Interval.Bound = place.tag == nil ? .unbounded : .beforeNil
        var intervals: [Plan.Interval] = []
        for alternative in alternatives {
            switch alternative {
            case .between(let lower, let upper):
                intervals.append(Plan.Interval(lower: lower.map(bound) ?? .unbounded, upper: upper.map(bound) ?? end))
            case .oneOf(let values):
                guard let list = try? values.values(of: type) else { return nil }
                for value in list {
                    let point = Plan.Interval.Bound.included(part(.literal(value)))
                    intervals.append(Plan.Interval(lower: point, upper: point))
                }
            case .prefix(let bytes):
                guard let range = TextRange(prefix: bytes, type: type) else { return nil }
                intervals.append(
                    Plan.Interval(
                        lower: .included(part(.literal(range.lower))),
                        upper: range.upper.map { .excluded(part(.literal($0))) } ?? end))
            }
        }
        return intervals
    }

    private mutating func addRange(on column: ColumnID) {
        let isOption = index.isOption[prefix.count]
        for (position, restriction) in restrictions.enumerated() {
            // The range must end where the values of its variant end. For an option that is before nil, which is its second
            // variant. For other enums it is not known here, and the index is not used.
            guard let place = restriction.place(in: column), self.place == nil || self.place == place,
                place == .whole || isOption && place == .payload(0)
            else { continue }
            switch restriction.test {
            case .bound(.greaterOrEqual, _), .bound(.greater, _):
                guard lower == nil, text == nil else { continue }
                lower = position
            case .bound(.lessOrEqual, _), .bound(.less, _):
                guard upper == nil, text == nil else { continue }
                upper = position
            case .prefix(let bytes):
                let type = index.types[prefix.count]
                guard lower == nil, upper == nil, text == nil,
                    let range = TextRange(prefix: bytes, type: place == .whole ? type : type.optionPayload ?? type)
                else { continue }
                text = (position, range)
            case .equal, .list, .anyOf, .bound: continue
            }
            self.place = place
        }
    }

    private var lowerBound: Plan.KeyRange.Bound {
        if let text { return .included(Plan.KeyPart(.literal(text.range.lower), tag: place?.tag)) }
        return lower.map(bound) ?? .unbounded
    }

    private var upperBound: Plan.KeyRange.Bound {
        if let end = text?.range.upper { return .excluded(Plan.KeyPart(.literal(end), tag: place?.tag)) }
        if let upper { return bound(upper) }
        // Rows with nil stand behind all others, and nil meets no comparison with a value: a range that is open upwards ends
        // before them.
        return place?.tag == nil ? .unbounded : .beforeNil
    }

    private func bound(_ position: Int) -> Plan.KeyRange.Bound {
        guard case .bound(let comparison, let value) = restrictions[position].test else { return .unbounded }
        let part = Plan.KeyPart(value, tag: place?.tag)
        return comparison == .less || comparison == .greater ? .excluded(part) : .included(part)
    }

    private static func first(_ restrictions: [Restriction], _ isMatch: (Restriction) -> Bool) -> Int? {
        restrictions.firstIndex(where: isMatch)
    }
}

extension ValueList {
    /// Its values one by one, in BSATN.
    fileprivate func values(of type: AlgebraicType) throws(BSATNError) -> [[UInt8]] {
        var reader = BSATNReader(bytes.span.bytes)
        var values: [[UInt8]] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try AlgebraicValue(from: &reader, type: type).bsatn()) }
        return values
    }
}

extension Plan.Interval.Bound {
    /// In front of the rows that have nil in an optional column: nil is its second variant and has no bytes but its tag.
    static let beforeNil = Plan.Interval.Bound.excluded(Plan.KeyPart(.literal([]), tag: 1))
}

extension Restriction {
    fileprivate func isEquality(on column: ColumnID) -> Bool {
        if case .equal = test { place(in: column) != nil } else { false }
    }

    fileprivate func isList(on column: ColumnID) -> Bool {
        if case .list = test { place(in: column) != nil } else { false }
    }
}
