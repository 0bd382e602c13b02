/// The forms in which conditions are planned and compiled. All of it works off a list instead of recursing.
extension RowPredicate {
    /// The same condition with alternatives of one field as a list of values: `a == 1 || a == 2` as `a` in (1, 2).
    package func normalTerms() -> [Term] {
        let terms = tree.array
        if !terms.contains(.or) { return terms }
        var normaliser = Normaliser(terms)
        return normaliser.run()
    }

    /// The parts of terms in this order that must all hold.
    package static func conjuncts(of terms: [Term]) -> [ArraySlice<Term>] {
        if terms.count == 1 { return terms[0] == .all ? [] : [terms[...]] }
        let starts = operandStarts(of: terms)
        var open = [terms.count - 1]
        var parts: [ArraySlice<Term>] = []
        while let end = open.popLast() {
            switch terms[end] {
            case .and:
                open.append(end - 1)
                open.append(starts[end - 1] - 1)
            case .all: break
            default: parts.append(terms[starts[end]...end])
            }
        }
        return parts
    }

    /// The parts of terms in this order of which one must hold.
    package static func alternatives(of terms: [Term]) -> [ArraySlice<Term>] {
        if terms.isEmpty { return [] }
        let starts = operandStarts(of: terms)
        return alternatives(endingAt: terms.count - 1, terms, starts).map { terms[starts[$0]...$0] }
    }

    /// The ends of the parts of which one must hold, from left to right.
    private static func alternatives(endingAt end: Int, _ terms: [Term], _ starts: [Int]) -> [Int] {
        var open = [end]
        var parts: [Int] = []
        while let next = open.popLast() {
            if terms[next] == .or {
                open.append(next - 1)
                open.append(starts[next - 1] - 1)
            } else {
                parts.append(next)
            }
        }
        return parts
    }

    /// For each term the place where the part that it ends begins.
    fileprivate static func operandStarts(of terms: [Term]) -> [Int] {
        var starts: [Int] = []
        starts.reserveCapacity(terms.count)
        for (position, term) in terms.enumerated() {
            switch term {
            // The right operand ends just before, the left one before the right one begins.
            case .and, .or: starts.append(starts[starts[position - 1] - 1])
            case .not: starts.append(starts[position - 1])
            default: starts.append(position)
            }
        }
        return starts
    }

    private struct Normaliser {
        private enum Work {
            case emit(Term)
            /// The part that ends there.
            case expand(Int)
        }

        private let terms: [Term]
        private let starts: [Int]
        private var work: [Work] = []
        /// The result, last term first.
        private var output: [Term] = []

        init(_ terms: [Term]) {
            self.terms = terms
            starts = operandStarts(of: terms)
            work = [.expand(terms.count - 1)]
        }

        mutating func run() -> [Term] {
            while let next = work.popLast() {
                switch next {
                case .emit(let term): output.append(term)
                case .expand(let end): expand(end)
                }
            }
            return output.reversed()
        }

        private mutating func expand(_ end: Int) {
            switch terms[end] {
            case .and:
                output.append(.and)
                work.append(.expand(starts[end - 1] - 1))
                work.append(.expand(end - 1))
            case .not:
                output.append(.not)
                work.append(.expand(end - 1))
            case .or: expandAlternatives(RowPredicate.alternatives(endingAt: end, terms, starts))
            default: output.append(terms[end])
            }
        }

        private mutating func expandAlternatives(_ parts: [Int]) {
            var items: [Work] = []
            var lists: [FieldPath: (place: Int, values: ValueList)] = [:]
            for part in parts {
                let path: FieldPath
                let values: ValueList
                switch terms[part] {
                case .compare(let field, .equal, let value): (path, values) = (field, ValueList(count: 1, bytes: value))
                case .isIn(let field, let list): (path, values) = (field, list)
                default:
                    items.append(.expand(part))
                    continue
                }
                if lists[path] == nil {
                    lists[path] = (items.count, ValueList(count: 0, bytes: []))
                    items.append(.expand(part))
                }
                lists[path]?.values.count += values.count
                lists[path]?.values.bytes += values.bytes
            }
            for (path, list) in lists where list.values.count > 1 {
                items[list.place] = .emit(.isIn(path, list.values))
            }
            // Last first: the operator, the right operand, then what is left of it.
            work.append(items[0])
            for item in items.dropFirst() {
                work.append(item)
                work.append(.emit(.or))
            }
        }
    }
}
