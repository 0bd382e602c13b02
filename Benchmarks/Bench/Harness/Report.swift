/// Prints outcomes: a table for people, or one JSON object a line for programs.
enum Report {
    static func printJSON(_ outcomes: [Outcome]) {
        for outcome in outcomes {
            let allocations = outcome.allocationsPerOperation.map { fixed($0, 4) } ?? "null"
            let variant = [outcome.part, outcome.variant].filter { !$0.isEmpty }.joined(separator: "/")
            print(
                "{\"bench\":\"\(outcome.bench)\",\"system\":\"\(outcome.system)\",\"variant\":\"\(variant)\","
                    + "\"ops_per_second\":\(fixed(1e9 / outcome.median, 1)),\"ns_per_op\":\(fixed(outcome.median, 3)),"
                    + "\"allocations_per_op\":\(allocations),\"checksum\":\"\(outcome.checksum.hexadecimal)\","
                    + "\"ns_per_op_min\":\(fixed(outcome.best, 3)),\"ns_per_op_max\":\(fixed(outcome.worst, 3)),"
                    + "\"ops_per_second_min\":\(fixed(1e9 / outcome.worst, 1)),"
                    + "\"ops_per_second_max\":\(fixed(1e9 / outcome.best, 1)),"
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
                    label(outcome), grouped(1e9 / outcome.median), fixed(outcome.median, 1), fixed(outcome.best, 1),
                    fixed(outcome.worst, 1), outcome.allocationsPerOperation.map { fixed($0, 3) } ?? "n/a",
                ] + peers.map { fixed($0.median / outcome.median, 2) })
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

    /// A number with a fixed count of decimals, without Foundation.
    static func fixed(_ number: Double, _ decimals: Int) -> String {
        guard number.isFinite, abs(number) < 1e15 else { return "0" }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int64((abs(number) * scale).rounded())
        let sign = number < 0 && scaled > 0 ? "-" : ""
        guard decimals > 0 else { return sign + String(scaled) }
        let fraction = String(scaled % Int64(scale))
        return "\(sign)\(scaled / Int64(scale)).\(String(repeating: "0", count: decimals - fraction.count))\(fraction)"
    }

    /// A whole number in groups of three digits.
    static func grouped(_ number: Double) -> String {
        let digits = Array(fixed(number, 0))
        var text = ""
        for (position, digit) in digits.enumerated() {
            if position > 0, (digits.count - position) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }

    private static func label(_ outcome: Outcome) -> String {
        outcome.variant.isEmpty ? outcome.system : "\(outcome.system)/\(outcome.variant)"
    }
}
