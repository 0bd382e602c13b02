import SpacetimeEngine
import SpacetimeSchema

/// A condition on one field of a table that an index might answer.
struct Restriction {
    enum Test {
        case equal(Plan.Operand)
        /// One of the four comparisons with an order.
        case bound(RowPredicate.Comparison, Plan.Operand)
        case list(Plan.ListOperand)
        case prefix([UInt8])
        /// One of them must hold.
        case anyOf([Alternative])
    }

    /// One of several ranges of values.
    enum Alternative {
        case between(lower: Bound?, upper: Bound?)
        case oneOf(ValueList)
        case prefix([UInt8])
    }

    struct Bound {
        let value: Plan.Operand
        let isExcluded: Bool
    }

    let path: FieldPath
    let test: Test
    /// Which of the conditions it is, so that those which an index answers are not tested again.
    let source: Int
    /// False if the condition says more, and must be tested anyway.
    let isWhole: Bool

    init(_ path: FieldPath, _ test: Test, source: Int, isWhole: Bool = true) {
        self.path = path
        self.test = test
        self.source = source
        self.isWhole = isWhole
    }

    /// The restriction that a comparison is; nil for "not equal", which no index answers.
    init?(_ path: FieldPath, _ comparison: RowPredicate.Comparison, _ value: Plan.Operand, source: Int) {
        switch comparison {
        case .equal: self.init(path, .equal(value), source: source)
        case .notEqual: return nil
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            self.init(path, .bound(comparison, value), source: source)
        }
    }

    /// The restriction that a condition is, if it is one.
    init?(_ part: ArraySlice<RowPredicate.Term>, source: Int) {
        guard part.count == 1, let term = part.first else { return nil }
        switch term {
        case .compare(let path, let comparison, let value):
            self.init(path, comparison, .literal(value), source: source)
        case .compareParameter(let path, let comparison, let number):
            self.init(path, comparison, .parameter(number), source: source)
        case .isIn(let path, let values):
            self.init(path, .list(.values(values)), source: source)
        case .isInParameter(let path, let number):
            self.init(path, .list(.parameter(number)), source: source)
        case .hasPrefix(let path, let bytes):
            self.init(path, .prefix(bytes), source: source)
        case .all, .none, .compareFields, .isPresent, .and, .or, .not: return nil
        }
    }

    static func all(in parts: [ArraySlice<RowPredicate.Term>]) -> [Restriction] {
        var restrictions: [Restriction] = []
        restrictions.reserveCapacity(parts.count)
        for (position, part) in parts.enumerated() {
            if let restriction = Restriction(part, source: position) {
                restrictions.append(restriction)
            } else if part.last == .or {
                restrictions += alternatives(part, source: position)
            }
        }
        return restrictions
    }

    func place(in column: ColumnID) -> ColumnPlace? { path.place(in: column) }
}

/// How a path leads into a column of an index: to the column itself, or to the payload of one of its variants.
enum ColumnPlace: Equatable {
    case whole
    case payload(UInt8)

    var tag: UInt8? { if case .payload(let tag) = self { tag } else { nil } }
}

extension FieldPath {
    /// Nil if the path leads to another column, or to something that the column is not ordered by.
    func place(in column: ColumnID) -> ColumnPlace? {
        guard self.column == column else { return nil }
        switch steps.first {
        case nil: return .whole
        case .payload(let tag) where steps.count == 1: return .payload(tag)
        default: return nil
        }
    }
}
