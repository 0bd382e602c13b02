package import SpacetimeSchema

/// A condition on the columns of one row, as a value: what the typed query builder and the SQL binder both produce.
///
/// Comparisons follow the key order of the type (for floats: all NaNs equal and greatest, -0 equals +0; texts by their
/// bytes). A path that leads through a variant which the row does not have leads to nothing: then `notEqual` holds and
/// every other test fails. Of two fields, nothing equals nothing and is neither before nor behind anything.
///
/// A condition is a sequence of terms in which operators stand behind their operands. It may have any shape: nothing
/// that is done with one recurses into it.
package struct RowPredicate: Sendable {
    package enum Comparison: UInt8, Hashable, Sendable {
        case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual

        /// What holds where this does not.
        package var inverse: Comparison {
            switch self {
            case .equal: .notEqual
            case .notEqual: .equal
            case .less: .greaterOrEqual
            case .lessOrEqual: .greater
            case .greater: .lessOrEqual
            case .greaterOrEqual: .less
            }
        }

        /// The same with its sides exchanged.
        package var mirrored: Comparison {
            switch self {
            case .equal, .notEqual: self
            case .less: .greater
            case .lessOrEqual: .greaterOrEqual
            case .greater: .less
            case .greaterOrEqual: .lessOrEqual
            }
        }
    }

    package enum Term: Hashable, Sendable {
        /// True for every row.
        case all
        /// True for no row.
        case none
        /// The field against a value in BSATN.
        case compare(FieldPath, Comparison, [UInt8])
        /// The field against a value that comes with each run: a parameter of the query that the condition is part of, by its
        /// position. To be replaced by its value (``RowPredicate/binding(_:)``) before rows are tested.
        case compareParameter(FieldPath, Comparison, Int)
        /// Two fields of one type against each other.
        case compareFields(FieldPath, Comparison, FieldPath)
        /// The path leads to something.
        case isPresent(FieldPath)
        /// A text that begins with these bytes.
        case hasPrefix(FieldPath, [UInt8])
        /// The field equals one of the values.
        case isIn(FieldPath, ValueList)
        /// The field equals one of the values that come with each run: a parameter whose value is an array of them.
        case isInParameter(FieldPath, Int)
        /// The two operands before it.
        case and, or
        /// The operand before it.
        case not

        var byteCount: Int {
            switch self {
            case .compare(_, _, let bytes), .hasPrefix(_, let bytes): bytes.count
            case .isIn(_, let values): values.bytes.count
            case .all, .none, .compareParameter, .isInParameter, .compareFields, .isPresent, .and, .or, .not: 0
            }
        }
    }

    /// More terms than any condition has a use for; a list of values is one term.
    package static let termLimit = 1_000_000
    /// Bytes of values in a condition.
    package static let byteLimit = 1 << 28

    let tree: TermTree

    private init(_ tree: TermTree) { self.tree = tree }

    package init(_ term: Term) { tree = TermTree([term]) }

    /// Conditions that must all hold, each with its operators.
    package init(joining parts: [ArraySlice<Term>]) {
        var terms: [Term] = []
        for (number, part) in parts.enumerated() {
            terms += part
            if number > 0 { terms.append(.and) }
        }
        tree = TermTree(terms.isEmpty ? [.all] : terms)
    }

    package static let all = RowPredicate(.all)
    package static let none = RowPredicate(.none)

    package static func compare(_ column: ColumnID, _ comparison: Comparison, _ value: [UInt8]) -> RowPredicate {
        RowPredicate(.compare(FieldPath(column), comparison, value))
    }

    package static func and(_ left: RowPredicate, _ right: RowPredicate) -> RowPredicate {
        RowPredicate(.joined(left.tree, .joined(right.tree, operators.and)))
    }

    package static func or(_ left: RowPredicate, _ right: RowPredicate) -> RowPredicate {
        RowPredicate(.joined(left.tree, .joined(right.tree, operators.or)))
    }

    package static func not(_ operand: RowPredicate) -> RowPredicate {
        if case .compare(let path, let comparison, let value)? = operand.tree.only, path.isTotal {
            return RowPredicate(.compare(path, comparison.inverse, value))
        }
        return RowPredicate(.joined(operand.tree, operators.not))
    }

    package static func and(_ parts: [RowPredicate]) -> RowPredicate {
        guard let first = parts.first else { return .all }
        return parts.dropFirst().reduce(first) { .and($0, $1) }
    }

    package static func or(_ parts: [RowPredicate]) -> RowPredicate {
        guard let first = parts.first else { return .none }
        return parts.dropFirst().reduce(first) { .or($0, $1) }
    }

    private static let operators = (and: TermTree([.and]), or: TermTree([.or]), not: TermTree([.not]))

    /// True if values are missing in it, which come with each run.
    package var hasParameters: Bool { tree.hasParameters }

    /// True if one of these is a list.
    var hasListParameters: Bool { tree.hasListParameters }

    /// The same condition with values, in BSATN, in place of parameters.
    ///
    /// - Throws: `invalidCondition` if there is no value for a parameter.
    package func binding(_ values: [[UInt8]], table: @autoclosure () -> String) throws(EngineError) -> RowPredicate {
        var terms = tree.array
        var isChanged = false
        for position in terms.indices {
            switch terms[position] {
            case .compareParameter(let path, let comparison, let number) where values.indices.contains(number):
                terms[position] = .compare(path, comparison, values[number])
            case .isInParameter(let path, let number) where values.indices.contains(number):
                guard let list = ValueList(array: values[number]) else {
                    throw .invalidCondition(table: table(), reason: "the value of parameter \(number) is no array")
                }
                terms[position] = .isIn(path, list)
            case .compareParameter(_, _, let number), .isInParameter(_, let number):
                throw .invalidCondition(table: table(), reason: "parameter \(number) has no value")
            default: continue
            }
            isChanged = true
        }
        return isChanged ? RowPredicate(TermTree(terms)) : self
    }

    /// The error for a condition that is larger than one may be.
    package func checkSize(table: @autoclosure () -> String) throws(EngineError) {
        if tree.count > Self.termLimit {
            throw .conditionTooLarge(table: table(), what: "terms", limit: Self.termLimit)
        }
        if tree.byteCount > Self.byteLimit {
            throw .conditionTooLarge(table: table(), what: "bytes of values", limit: Self.byteLimit)
        }
    }
}

extension RowPredicate: Hashable {
    package static func == (left: RowPredicate, right: RowPredicate) -> Bool {
        left.tree === right.tree || left.tree.count == right.tree.count && left.tree.array == right.tree.array
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(tree.count)
        hasher.combine(tree.prefix(64))
    }
}

extension RowPredicate: CustomStringConvertible {
    private static var descriptionLimit: Int { 100 }

    /// The terms, operators behind their operands; of a long condition the first ones.
    package var description: String {
        let terms = tree.prefix(Self.descriptionLimit)
        let rest = tree.count > terms.count ? ", … (\(tree.count) terms)" : ""
        return "[\(terms.map { "\($0)" }.joined(separator: ", "))\(rest)]"
    }
}

extension RowPredicate.Term: CustomStringConvertible {
    package var description: String {
        switch self {
        case .all: "all"
        case .none: "none"
        case .compare(let path, let comparison, let value): "\(path) \(comparison) \(value)"
        case .compareParameter(let path, let comparison, let number): "\(path) \(comparison) ?\(number)"
        case .compareFields(let path, let comparison, let other): "\(path) \(comparison) \(other)"
        case .isPresent(let path): "\(path) isPresent"
        case .hasPrefix(let path, let bytes): "\(path) hasPrefix \(bytes)"
        case .isIn(let path, let values): "\(path) isIn \(values.count) values"
        case .isInParameter(let path, let number): "\(path) isIn ?\(number)"
        case .and: "and"
        case .or: "or"
        case .not: "not"
        }
    }
}

extension RowPredicate {
    /// The same with other positions of parameters.
    package func moved(parameters: [Int]) -> RowPredicate {
        guard hasParameters else { return self }
        let terms = tree.array.map { term in
            switch term {
            case .compareParameter(let path, let comparison, let number):
                Term.compareParameter(path, comparison, parameters[number])
            case .isInParameter(let path, let number): Term.isInParameter(path, parameters[number])
            default: term
            }
        }
        return RowPredicate(TermTree(terms))
    }

    /// The same with fields elsewhere.
    package func moved(_ place: (FieldPath) -> FieldPath) -> RowPredicate {
        RowPredicate(TermTree(tree.array.map { $0.moved(place) }))
    }
}

extension RowPredicate.Term {
    /// The same test of a field elsewhere.
    package func moved(_ place: (FieldPath) -> FieldPath) -> RowPredicate.Term {
        switch self {
        case .compare(let path, let comparison, let value): .compare(place(path), comparison, value)
        case .compareParameter(let path, let comparison, let number): .compareParameter(place(path), comparison, number)
        case .compareFields(let path, let comparison, let other): .compareFields(place(path), comparison, place(other))
        case .isPresent(let path): .isPresent(place(path))
        case .hasPrefix(let path, let bytes): .hasPrefix(place(path), bytes)
        case .isIn(let path, let values): .isIn(place(path), values)
        case .isInParameter(let path, let number): .isInParameter(place(path), number)
        case .all, .none, .and, .or, .not: self
        }
    }
}
