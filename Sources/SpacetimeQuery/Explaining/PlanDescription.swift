package import SpacetimeEngine
package import SpacetimeSATS

/// A plan for people and tools: what `EXPLAIN` answers.
///
/// ```
/// limit 20
///   sort by item.kind
///     join item by item_player_id_idx_btree: player_id = player.id (10 rows)
///       look up player by player_id_idx_btree: id = 5 (1 row)
/// ```
package struct PlanDescription: Hashable, Sendable {
    /// One operation, which works on what the next one yields.
    package struct Node: Hashable, Sendable {
        package var operation: String
        package var table: String?
        package var index: String?
        /// What rows are looked up by, or what is done to them.
        package var detail: String?
        /// What rows are tested for.
        package var filter: String?
        /// What is tested of the combinations of an outer join.
        package var laterFilter: String?
        /// How many rows it is thought to yield.
        package var rows: Int?
        /// How many rows it is thought to look at.
        package var examined: Int?
    }

    /// The last operation first.
    package let nodes: [Node]
    /// See ``PlanEstimate/rowsRead``.
    package let rowsRead: Int

    /// - Parameter hidesRows: whether it does not say how many rows there are, for those who do not see all of them.
    package init(_ plan: Plan, _ planner: Planner, _ statistics: some PlanStatistics, hidesRows: Bool = false) {
        let text = PlanText(plan, planner)
        let estimate = planner.estimate(plan, statistics)
        var nodes: [Node] = []
        for (position, (step, estimate)) in zip(plan.steps, estimate.steps).enumerated() {
            var node = Self.node(step, isFirst: position == 0, estimate, text, planner)
            if hidesRows { (node.rows, node.examined) = (nil, nil) }
            nodes.append(node)
        }
        if plan.steps.isEmpty { nodes.append(Node(operation: "one row", rows: 1)) }
        if !plan.conditions.isEmpty {
            nodes.append(
                Node(operation: "if \(plan.conditions.map { text.text($0) }.joined(separator: " and "))"))
        }
        nodes += Self.rest(of: plan, text)
        self.nodes = nodes.reversed()
        rowsRead = hidesRows ? 0 : Self.rounded(estimate.rowsRead)
    }

    private static func node(
        _ step: Plan.Step, isFirst: Bool, _ estimate: PlanEstimate.Step, _ text: PlanText, _ planner: Planner
    ) -> Node {
        var access = step.access
        var isHashed = false
        if case .hash(_, let inner) = access {
            access = inner
            isHashed = true
        }
        var node = Node(operation: operation(step, isFirst: isFirst, isHashed))
        node.table = text.name(of: step.slot)
        node.index = access.index.flatMap { planner.table(step.table)?.index($0)?.name }
        let found = text.text(access, of: step)
        node.detail = isHashed ? text.text(step.access, of: step) : found
        let tests = [isHashed ? found : nil, text.tests(of: step)].compactMap(\.self)
        node.filter = tests.isEmpty ? nil : tests.joined(separator: " and ")
        if !step.laterConditions.isEmpty {
            node.laterFilter = step.laterConditions.map { text.text($0) }.joined(separator: " and ")
        }
        node.rows = rounded(estimate.rows)
        node.examined = rounded(estimate.examined)
        return node
    }

    private static func operation(_ step: Plan.Step, isFirst: Bool, _ isHashed: Bool) -> String {
        let what =
            switch step.access {
            case .hash: "hash join"
            case .table: isFirst ? "scan" : "loop over"
            case .key: isFirst ? "look up" : "join"
            case .range: isFirst ? "range of" : "join range of"
            case .keys: isFirst ? "look up each in" : "join each in"
            case .ranges: isFirst ? "ranges of" : "join ranges of"
            case .any: isFirst ? "any of" : "join any of"
            }
        if step.source == .changes { return "changes of" }
        var operation = step.isOuter ? "left \(what)" : what
        if step.takesFirst { operation = "first of \(operation)" }
        if step.isReversed { operation += " reversed" }
        return step.source == .tableBefore ? "\(operation) earlier" : operation
    }

    private static func rest(of plan: Plan, _ text: PlanText) -> [Node] {
        var nodes: [Node] = []
        if let grouping = plan.grouping {
            let keys = grouping.keys.map { text.text($0) }
            let aggregates = grouping.aggregates.map(text.text)
            var node = Node(operation: keys.isEmpty ? "aggregate" : "group by \(keys.joined(separator: ", "))")
            node.detail = aggregates.isEmpty ? nil : aggregates.joined(separator: ", ")
            let conditions = grouping.conditions.map { text.text($0) }
            node.filter = conditions.isEmpty ? nil : conditions.joined(separator: " and ")
            nodes.append(node)
        }
        if plan.isDistinct { nodes.append(Node(operation: "distinct")) }
        if !plan.order.isEmpty {
            let terms = plan.order.map { text.text($0.value) + ($0.isDescending ? " desc" : "") }
            let sorted = terms.prefix(plan.sortedTerms).joined(separator: ", ")
            let open = terms.dropFirst(plan.sortedTerms).joined(separator: ", ")
            nodes.append(Node(operation: "sort by \(open)" + (sorted.isEmpty ? "" : " among rows of one \(sorted)")))
        }
        if let offset = plan.offset { nodes.append(Node(operation: "skip \(text.text(offset))")) }
        if let limit = plan.limit { nodes.append(Node(operation: "limit \(text.text(limit))")) }
        return nodes
    }

    private static func rounded(_ rows: Double) -> Int {
        // What is there at all counts as one.
        rows < Double(Int.max / 2) ? Int(rows.rounded(.up)) : Int.max
    }
}

extension PlanDescription: CustomStringConvertible {
    /// One line for each operation, each further in than the one that it works for.
    package var description: String {
        // Very long plans grow downwards only.
        nodes.enumerated().map { String(repeating: "  ", count: min($0.offset, 40)) + $0.element.description }
            .joined(separator: "\n")
    }

    package var lines: [String] { description.split(separator: "\n").map(String.init) }

    package var json: JSON {
        .object([
            JSON.Member("rowsRead", .integer(rowsRead)), JSON.Member("plan", .array(nodes.map(\.json))),
        ])
    }
}

extension PlanDescription.Node: CustomStringConvertible {
    package var description: String {
        var text = operation
        if let table { text += " \(table)" }
        if let index { text += " by \(index)" }
        if let detail { text += ": \(detail)" }
        if let filter { text += " if \(filter)" }
        if let laterFilter { text += " then if \(laterFilter)" }
        if let rows { text += rows == 1 ? " (1 row)" : " (\(rows) rows)" }
        return text
    }

    fileprivate var json: JSON {
        var members = [JSON.Member("operation", .string(operation))]
        for (key, value) in [
            ("table", table), ("index", index), ("detail", detail), ("filter", filter), ("laterFilter", laterFilter),
        ] {
            if let value { members.append(JSON.Member(key, .string(value))) }
        }
        for (key, value) in [("rows", rows), ("examined", examined)] {
            if let value { members.append(JSON.Member(key, .integer(value))) }
        }
        return .object(members)
    }
}
