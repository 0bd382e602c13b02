import BenchHarness
import CAllocationCounter

/// One system that fills a table, to see how much memory the table takes.
struct MemorySubject {
    var system: String
    /// The indexes that the table has.
    var variant: String
    /// Fills a new table with so many rows and returns what keeps it alive.
    var fill: (_ rows: Int) throws -> AnyObject
}

/// How many bytes a row takes.
struct MemoryOutcome {
    var system: String
    var variant: String
    var rows: Int
    var bytes: Int64

    var bytesPerRow: Double { Double(bytes) / Double(rows) }
}

/// Measures the heap before and after a table is filled, one system at a time.
enum MemoryRunner {
    /// The BSATN bytes of a row of the table: two keys of 64 bits, two numbers of 32.
    static let payloadByteCount = 24

    /// The two numbers of a row, spread so that no system profits from storing small numbers in few bytes.
    static func numbers(of id: UInt64) -> (x: Int32, y: Int32) {
        var random = SplitMix64(seed: id)
        return (Int32(truncatingIfNeeded: random.next()), Int32(truncatingIfNeeded: random.next()))
    }

    static func run(_ subjects: [MemorySubject], rows: Int) throws -> [MemoryOutcome] {
        var outcomes: [MemoryOutcome] = []
        for subject in subjects {
            let before = Int64(allocation_counter_live_bytes())
            let table = try subject.fill(rows)
            let after = withExtendedLifetime(table) { Int64(allocation_counter_live_bytes()) }
            outcomes.append(
                MemoryOutcome(system: subject.system, variant: subject.variant, rows: rows, bytes: after - before))
        }
        return outcomes
    }

    static func printJSON(_ outcomes: [MemoryOutcome]) {
        for outcome in outcomes {
            print(
                "{\"bench\":\"memory\",\"system\":\"\(outcome.system)\",\"variant\":\"\(outcome.variant)\","
                    + "\"rows\":\(outcome.rows),\"bytes\":\(outcome.bytes),\"payload_bytes_per_row\":\(payloadByteCount),"
                    + "\"bytes_per_row\":\(Numbers.fixed(outcome.bytesPerRow, 3))}")
        }
    }

    static func printTable(_ outcomes: [MemoryOutcome]) {
        let rows = outcomes.first?.rows ?? 0
        print("\nmemory: \(rows) rows of \(payloadByteCount) bytes; heap bytes per row, with the indexes named")
        var lines = [["system", "bytes/row", "over payload", "second index"]]
        for outcome in outcomes {
            // The plain table of the same system is what the second index comes on top of.
            let plain = outcomes.first { $0.system == outcome.system && $0.variant == "key" }
            let second = outcome.variant == "key" ? nil : plain.map { outcome.bytesPerRow - $0.bytesPerRow }
            lines.append([
                "\(outcome.system)/\(outcome.variant)", Numbers.fixed(outcome.bytesPerRow, 2),
                Numbers.fixed(outcome.bytesPerRow - Double(payloadByteCount), 2),
                second.map { Numbers.fixed($0, 2) } ?? "",
            ])
        }
        Report.printAligned(lines)
    }
}
