package import SpacetimeEngine

/// Sizes as they are for certain values of a query's parameters: so that a plan can be made for these.
package struct ValuedStatistics<Base: PlanStatistics>: PlanStatistics {
    private let base: Base
    private let values: [[UInt8]]

    package init(_ base: Base, _ values: [[UInt8]]) {
        self.base = base
        self.values = values
    }

    package func rowCount(of table: TableID) -> Int { base.rowCount(of: table) }
    package func keyCount(of index: IndexID) -> Int { base.keyCount(of: index) }
    package func rowCount(of access: Plan.Access) -> Int? { base.rowCount(of: access.binding(values)) }
}

extension Plan.Access {
    /// The same with values in place of parameters.
    func binding(_ values: [[UInt8]]) -> Plan.Access {
        if values.isEmpty { return self }
        func bound(_ part: Plan.KeyPart) -> Plan.KeyPart {
            guard case .parameter(let number) = part.value, values.indices.contains(number) else { return part }
            return Plan.KeyPart(.literal(values[number]), tag: part.tag)
        }
        func bound(_ end: Plan.Interval.Bound) -> Plan.Interval.Bound {
            switch end {
            case .unbounded: .unbounded
            case .included(let part): .included(bound(part))
            case .excluded(let part): .excluded(bound(part))
            }
        }
        switch self {
        case .table, .hash: return self
        case .any(let accesses): return .any(accesses.map { $0.binding(values) })
        case .key(let index, let parts): return .key(index, parts.map(bound))
        case .range(let index, let range):
            return .range(
                index,
                Plan.KeyRange(prefix: range.prefix.map(bound), lower: bound(range.lower), upper: bound(range.upper)))
        case .ranges(let index, let prefix, let intervals):
            return .ranges(
                index, prefix: prefix.map(bound),
                intervals.map { Plan.Interval(lower: bound($0.lower), upper: bound($0.upper)) })
        case .keys(let index, let prefix, let tag, let list):
            var list = list
            if case .parameter(let number) = list, values.indices.contains(number),
                let bound = ValueList(array: values[number])
            {
                list = .values(bound)
            }
            return .keys(index, prefix: prefix.map(bound), tag: tag, list)
        }
    }

    /// True if how much it finds depends on values that come with a run more than on which they are.
    fileprivate var dependsOnValues: Bool {
        switch self {
        case .range, .ranges, .any: break
        case .table, .key, .keys, .hash: return false
        }
        var hasParameters = false
        forEachOperand { if case .parameter = $0 { hasParameters = true } }
        return hasParameters
    }
}

/// The ways through indexes that may find a few rows or very many, depending on the values that a query is run with. Plans
/// are good for values that find about as much.
package struct ValueRanges: Sendable {
    private let accesses: [Plan.Access]

    package var isEmpty: Bool { accesses.isEmpty }

    /// Rows are counted up to this.
    private static let countLimit = 16_384

    package init(of query: BoundQuery, _ planner: Planner) {
        var accesses: [Plan.Access] = []
        let graph = QueryGraph(query, planner)
        for slot in graph.slots {
            let matches = (slot.table?.indexes ?? []).compactMap { IndexMatch($0, slot.restrictions) }
            // One row at most is found anyway.
            if matches.contains(where: \.isUniqueKey) { continue }
            accesses += matches.map(\.access).filter(\.dependsOnValues)
        }
        self.accesses = accesses
    }

    /// How much each of them finds, within a factor of eight.
    package func magnitudes(_ values: [[UInt8]], _ datastore: Datastore) -> [UInt8] {
        accesses.map { access in
            guard let count = datastore.rowCount(of: access.binding(values), upTo: Self.countLimit) else { return .max }
            return UInt8((Int.bitWidth - count.leadingZeroBitCount + 2) / 3)
        }
    }
}
