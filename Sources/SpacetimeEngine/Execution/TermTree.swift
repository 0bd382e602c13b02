/// The terms of a condition: a sequence that is joined to another in logarithmic time.
///
/// A balanced tree of short arrays which never changes, so that conditions share their parts. Its height follows the
/// logarithm of the length, so that neither joining nor dropping it can use up the stack, whatever a program built.
final class TermTree: Sendable {
    typealias Term = RowPredicate.Term

    private static let leafLimit = 16

    private let left: TermTree?
    private let right: TermTree?
    /// The terms of a leaf.
    private let terms: [Term]
    let height: Int
    /// How many terms there are. A tree that is joined to itself again and again soon has more than a number can tell,
    /// and then stays at the greatest.
    let count: Int
    /// Bytes of all values in the terms, likewise.
    let byteCount: Int
    /// Whether values are missing in it, and whether one of these is a list. Known without a look at all terms, which may be more
    /// than there is memory for.
    let hasParameters: Bool
    let hasListParameters: Bool

    init(_ terms: [Term]) {
        left = nil
        right = nil
        height = 0
        self.terms = terms
        count = terms.count
        byteCount = terms.reduce(0) { $0 + $1.byteCount }
        hasListParameters = terms.contains { if case .isInParameter = $0 { true } else { false } }
        hasParameters = hasListParameters || terms.contains { if case .compareParameter = $0 { true } else { false } }
    }

    private init(_ left: TermTree, _ right: TermTree) {
        self.left = left
        self.right = right
        terms = []
        height = max(left.height, right.height) + 1
        count = Self.saturatingSum(left.count, right.count)
        byteCount = Self.saturatingSum(left.byteCount, right.byteCount)
        hasParameters = left.hasParameters || right.hasParameters
        hasListParameters = left.hasListParameters || right.hasListParameters
    }

    private static func saturatingSum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }

    static func joined(_ first: TermTree, _ second: TermTree) -> TermTree {
        if first.height > second.height, let left = first.left, let right = first.right {
            return balanced(left, joined(right, second))
        }
        if second.height > first.height, let left = second.left, let right = second.right {
            return balanced(joined(first, left), right)
        }
        if first.height == 0, first.count + second.count <= leafLimit { return TermTree(first.terms + second.terms) }
        return TermTree(first, second)
    }

    /// A tree of two whose heights differ by two at most.
    private static func balanced(_ first: TermTree, _ second: TermTree) -> TermTree {
        if first.height > second.height + 1, let left = first.left, let right = first.right {
            if left.height >= right.height { return TermTree(left, TermTree(right, second)) }
            if let inner = right.left, let outer = right.right {
                return TermTree(TermTree(left, inner), TermTree(outer, second))
            }
        }
        if second.height > first.height + 1, let left = second.left, let right = second.right {
            if right.height >= left.height { return TermTree(TermTree(first, left), right) }
            if let inner = left.right, let outer = left.left {
                return TermTree(TermTree(first, outer), TermTree(inner, right))
            }
        }
        return TermTree(first, second)
    }

    /// The only term, if there is just one.
    var only: Term? { count == 1 ? first : nil }

    private var first: Term? { left?.first ?? terms.first }

    /// All terms in order; not to be asked of a condition whose length nobody has checked.
    var array: [Term] {
        if height == 0 { return terms }
        var result: [Term] = []
        result.reserveCapacity(count)
        append(to: &result)
        return result
    }

    private func append(to result: inout [Term]) {
        if let left, let right {
            left.append(to: &result)
            right.append(to: &result)
        } else {
            result += terms
        }
    }

    /// The first terms, at most `limit`.
    func prefix(_ limit: Int) -> [Term] {
        var result: [Term] = []
        appendPrefix(limit, to: &result)
        return result
    }

    private func appendPrefix(_ limit: Int, to result: inout [Term]) {
        guard result.count < limit else { return }
        if let left, let right {
            left.appendPrefix(limit, to: &result)
            right.appendPrefix(limit, to: &result)
        } else {
            result += terms.prefix(limit - result.count)
        }
    }
}
