import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// What one index can do with the conditions that must all hold.
struct IndexMatch {
    typealias Part = ArraySlice<RowPredicate.Term>

    private let candidate: Planner.Candidate
    /// The values that the conditions demand of the index's leading columns, one behind the other, in BSATN.
    private var prefix: [UInt8] = []
    private var prefixColumns = 0
    /// If a condition lists values for the column behind the prefix: these values, and the byte that stands before each in
    /// the column (the variant of an optional one); no byte for a column that holds the values themselves.
    private var list: (tag: [UInt8], values: ValueList)?
    private var lower = IndexRange.Bound.unbounded
    private var upper = IndexRange.Bound.unbounded
    /// Positions of the conditions that the index answers.
    private(set) var used: [Int] = []

    init(_ candidate: Planner.Candidate, _ parts: [Part]) {
        self.candidate = candidate
        for column in candidate.columns {
            guard let (position, value) = Self.first(parts, { Self.equality($0, column) }) else { break }
            prefix += value
            prefixColumns += 1
            used.append(position)
        }
        guard prefixColumns < candidate.columns.count else { return }
        let column = candidate.columns[prefixColumns]
        if candidate.isOrdered || prefixColumns + 1 == candidate.columns.count,
            let (position, values) = Self.first(parts, { Self.values($0, column) })
        {
            list = values
            used.append(position)
            return
        }
        guard candidate.isOrdered else {
            // A hash index looks up whole keys, so a part of one is of no use.
            used = []
            return
        }
        addRange(on: column, isOption: candidate.isOption[prefixColumns], parts)
    }

    /// How much the index narrows the search; 0 if it is of no use.
    var score: Int {
        if used.isEmpty { return 0 }
        let isWhole = prefixColumns == candidate.columns.count
        if isWhole && candidate.isUnique { return .max }
        if list != nil { return prefixColumns * 8 + 6 }
        // Each column with a fixed value outweighs any range behind it, and two ends of a range are better than one. Among
        // equals a whole key wins, which the engine looks up faster.
        return prefixColumns * 8 + (used.count - prefixColumns) * 2 + (isWhole ? 1 : 0)
    }

    var access: ScanPlan.Access {
        if prefixColumns == candidate.columns.count { return .key(candidate.id, prefix) }
        if let list {
            return .keys(
                candidate.id,
                KeyList(
                    prefix: prefix, prefixColumns: prefixColumns, tag: list.tag.first, values: list.values))
        }
        return .range(
            candidate.id, IndexRange(prefix: prefix, prefixColumns: prefixColumns, lower: lower, upper: upper))
    }

    // MARK: Ranges

    private mutating func addRange(on column: ColumnID, isOption: Bool, _ parts: [Part]) {
        var rangeTag: [UInt8]?
        for (position, part) in parts.enumerated() {
            guard part.count == 1, let term = part.first else { continue }
            // The range must end where the values of its variant end. For an option that is before nil, which is its second
            // variant. For other enums it is not known here, and the index is not used.
            func isUsable(_ path: FieldPath) -> [UInt8]? {
                guard let tag = Self.tag(path, column), rangeTag == nil || rangeTag == tag else { return nil }
                return tag.isEmpty || isOption && tag == [0] ? tag : nil
            }
            switch term {
            case .compare(let path, let comparison, let value):
                guard let tag = isUsable(path), bound(comparison, tag + value) else { continue }
                rangeTag = tag
            case .hasPrefix(let path, let text):
                guard let tag = isUsable(path), lower == .unbounded, upper == .unbounded,
                    let bounds = Self.bounds(ofPrefix: text)
                else { continue }
                lower = .included(tag + bounds.lower)
                if let end = bounds.upper { upper = .excluded(tag + end) }
                rangeTag = tag
            default: continue
            }
            used.append(position)
        }
        // Rows with nil stand behind all others, and nil meets no comparison with a value: a range that is open upwards ends
        // before them.
        if rangeTag == [0], upper == .unbounded { upper = .excluded([1]) }
    }

    private mutating func bound(_ comparison: RowPredicate.Comparison, _ value: [UInt8]) -> Bool {
        switch comparison {
        case .greaterOrEqual where lower == .unbounded: lower = .included(value)
        case .greater where lower == .unbounded: lower = .excluded(value)
        case .lessOrEqual where upper == .unbounded: upper = .included(value)
        case .less where upper == .unbounded: upper = .excluded(value)
        default: return false
        }
        return true
    }

    /// The range of the texts that begin with a prefix: from the prefix itself to the first text that is greater than all of
    /// them; that end is nil if there is none. All of it is nil if the prefix is not valid text, because the ends of a range
    /// must be.
    private static func bounds(ofPrefix prefix: [UInt8]) -> (lower: [UInt8], upper: [UInt8]?)? {
        guard let text = String(validating: prefix, as: UTF8.self) else { return nil }
        var scalars = Array(text.unicodeScalars)
        // Texts are ordered by their UTF-8 bytes, and that is the order of their scalars' numbers.
        while let last = scalars.popLast() {
            // The numbers between these two are surrogates, which are no scalars.
            let next: UInt32 = last.value == 0xD7FF ? 0xE000 : last.value + 1
            if let next = Unicode.Scalar(next) {
                var successor = String.UnicodeScalarView(scalars)
                successor.append(next)
                return (text.bsatn(), String(successor).bsatn())
            }
        }
        return (text.bsatn(), nil)
    }

    // MARK: Terms

    private static func first<Value>(_ parts: [Part], _ match: (Part) -> Value?) -> (position: Int, value: Value)? {
        for (position, part) in parts.enumerated() {
            if let value = match(part) { return (position, value) }
        }
        return nil
    }

    /// The bytes that stand before a value of the path in the column's own bytes: none if the path is the column itself,
    /// the tag if it leads to the payload of a variant. Nil if it leads to another column, or deeper.
    private static func tag(_ path: FieldPath, _ column: ColumnID) -> [UInt8]? {
        guard path.column == column else { return nil }
        switch path.steps.first {
        case nil: return []
        case .payload(let tag) where path.steps.count == 1: return [tag]
        default: return nil
        }
    }

    private static func equality(_ part: Part, _ column: ColumnID) -> [UInt8]? {
        guard part.count == 1, case .compare(let path, .equal, let value)? = part.first else { return nil }
        return tag(path, column).map { $0 + value }
    }

    private static func values(_ part: Part, _ column: ColumnID) -> (tag: [UInt8], values: ValueList)? {
        guard part.count == 1, case .isIn(let path, let values)? = part.first else { return nil }
        return tag(path, column).map { ($0, values) }
    }
}
