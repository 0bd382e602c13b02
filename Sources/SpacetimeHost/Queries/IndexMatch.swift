import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// What one index can do with the conditions that must all hold.
struct IndexMatch {
    typealias Part = ArraySlice<RowPredicate.Term>

    private let candidate: Planner.Candidate
    /// Values of the leading columns.
    private var prefix: [UInt8] = []
    private var prefixColumns = 0
    /// Values of the column behind them, and what stands before each.
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
            // A hash knows whole keys only.
            used = []
            return
        }
        addRange(on: column, isOption: candidate.isOption[prefixColumns], parts)
    }

    /// 0 if the index is of no use.
    var score: Int {
        if used.isEmpty { return 0 }
        let isWhole = prefixColumns == candidate.columns.count
        if isWhole && candidate.isUnique { return .max }
        if list != nil { return prefixColumns * 8 + 6 }
        // Columns count first, then the ends of a range; with a whole key the engine has less to do.
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
            // Only of an option it is known what comes behind its payloads.
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
        // Rows without a value stand behind all others, and meet no comparison with one.
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

    /// The texts that begin with a prefix, as values: from the prefix to the first text behind all of them, if there is
    /// one. Nil if the prefix is no text itself, as a range has texts for ends.
    private static func bounds(ofPrefix prefix: [UInt8]) -> (lower: [UInt8], upper: [UInt8]?)? {
        guard let text = String(validating: prefix, as: UTF8.self) else { return nil }
        var scalars = Array(text.unicodeScalars)
        // The order of bytes is the order of scalars.
        while let last = scalars.popLast() {
            // Between these two there is no scalar.
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

    /// What stands before a value of the path in the column's own value: nothing, or the tag of a variant. Nil if the
    /// path leads elsewhere.
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
