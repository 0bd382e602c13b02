import BenchHarness

/// Prints outcomes: a table for people, or one JSON object a line for programs.
enum Report {
    static func printJSON(_ outcomes: [Outcome]) {
        for outcome in outcomes {
            let allocations = outcome.allocationsPerOperation.map { Numbers.fixed($0, 4) } ?? "null"
            let variant = [outcome.part, outcome.variant].filter { !$0.isEmpty }.joined(separator: "/")
            print(
                "{\"bench\":\"\(outcome.bench)\",\"system\":\"\(outcome.system)\",\"variant\":\"\(variant)\","
                    + "\"ops_per_second\":\(Numbers.fixed(1e9 / outcome.median, 1)),\"ns_per_op\":\(Numbers.fixed(outcome.median, 3)),"
                    + "\"allocations_per_op\":\(allocations),\"checksum\":\"\(outcome.checksum.hexadecimal)\","
                    + "\"ns_per_op_min\":\(Numbers.fixed(outcome.best, 3)),\"ns_per_op_max\":\(Numbers.fixed(outcome.worst, 3)),"
                    + "\"ops_per_second_min\":\(Numbers.fixed(1e9 / outcome.worst, 1)),"
                    + "\"ops_per_second_max\":\(Numbers.fixed(1e9 / outcome.best, 1)),"
                    + "\"operations\":\(outcome.rounds.reduce(0) { $0 + $1.operations }),"
                    + "\"rounds\":\(outcome.rounds.count)}")
        }
    }

    static func printHeading(_ group: Group) {
        print("\n\(group.bench)\(group.part.isEmpty ? "" : " " + group.part): \(group.workload)")
    }

    /// One line per system, then how many times as fast as each peer it was.
    static func printTable(_ outcomes: [Outcome]) {
        let peers = outcomes.filter { $0.system != "spacetimekit" }
        var lines = [["system", "ops/s", "ns/op", "min", "max", "allocs/op"] + peers.map { "× " + label($0) }]
        for outcome in outcomes {
            lines.append(
                [
                    label(outcome), Numbers.grouped(1e9 / outcome.median), Numbers.fixed(outcome.median, 1),
                    Numbers.fixed(outcome.best, 1),
                    Numbers.fixed(outcome.worst, 1),
                    outcome.allocationsPerOperation.map { Numbers.fixed($0, 3) } ?? "n/a",
                ] + peers.map { Numbers.fixed($0.median / outcome.median, 2) })
        }
        printAligned(lines)
        if let first = outcomes.first {
            print(
                "  checksum \(first.checksum.hexadecimal), median of \(first.rounds.count) rounds, min and max in ns/op"
            )
        }
    }

    /// The first column flush left, the others flush right.
    static func printAligned(_ lines: [[String]]) {
        let columns = lines.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            lines.compactMap { column < $0.count ? $0[column].count : nil }.max()!
        }
        for line in lines {
            let cells = line.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + padding : padding + cell
            }
            print("  " + cells.joined(separator: "  "))
        }
    }

    private static func label(_ outcome: Outcome) -> String {
        outcome.variant.isEmpty ? outcome.system : "\(outcome.system)/\(outcome.variant)"
    }
}
