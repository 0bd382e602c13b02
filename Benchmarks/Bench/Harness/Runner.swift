import CAllocationCounter

/// How long and how large to run.
struct RunOptions {
    /// Measured seconds per system and group, spread over the counted rounds.
    var seconds: Double
    /// Counted rounds; one more goes ahead of them to warm up.
    var rounds: Int
}

/// What one system did in one counted round.
struct RoundFigures {
    var operations = 0
    var nanoseconds = 0.0
    var allocations: UInt64 = 0

    var nanosecondsPerOperation: Double { nanoseconds / Double(max(operations, 1)) }
}

/// What one system did in all counted rounds.
struct Outcome {
    var bench: String
    var part: String
    var system: String
    var variant: String
    var checksum: UInt64
    var rounds: [RoundFigures]

    /// Nanoseconds per operation: the median round.
    var median: Double { sorted[sorted.count / 2] }
    var best: Double { sorted[0] }
    var worst: Double { sorted[sorted.count - 1] }

    /// Allocations per operation over all counted rounds; nil where they cannot be counted.
    var allocationsPerOperation: Double? {
        guard allocation_counter_is_supported() else { return nil }
        let allocations = rounds.reduce(0) { $0 + $1.allocations }
        return Double(allocations) / Double(max(rounds.reduce(0) { $0 + $1.operations }, 1))
    }

    private var sorted: [Double] { rounds.map(\.nanosecondsPerOperation).sorted() }
}

/// Runs the systems of a group in turns, A B C A B C, so that a slow minute of the machine hits them all.
struct Runner {
    private struct Lane {
        let contestant: any Contestant
        var nextPass = 0
        var rounds: [RoundFigures] = []
    }

    let group: Group
    let options: RunOptions
    private var lanes: [Lane]
    /// The digest of each pass, with the system that came first.
    private var digests: [Int: (digest: UInt64, label: String)] = [:]
    private let clock = ContinuousClock()

    init(_ group: Group, contestants: [any Contestant], options: RunOptions) {
        self.group = group
        self.options = options
        lanes = contestants.map { Lane(contestant: $0) }
    }

    mutating func run() throws -> [Outcome] {
        let slice = options.seconds / Double(options.rounds)
        for round in 0...options.rounds {
            for lane in lanes.indices {
                // The warm-up is as long as a round: a table that is hot in one system is hot in all.
                let figures = try runRound(lane, seconds: round == 0 ? min(slice, 1) : slice)
                if round > 0 { lanes[lane].rounds.append(figures) }
            }
        }
        return lanes.map { lane in
            Outcome(
                bench: group.bench, part: group.part, system: lane.contestant.system, variant: lane.contestant.variant,
                checksum: digests[0]?.digest ?? 0, rounds: lane.rounds)
        }
    }

    /// Repeats passes until their timed parts fill the slice; at least one.
    private mutating func runRound(_ lane: Int, seconds: Double) throws -> RoundFigures {
        let contestant = lanes[lane].contestant
        var figures = RoundFigures()
        repeat {
            let pass = lanes[lane].nextPass
            lanes[lane].nextPass += 1
            try contestant.prepare(pass: pass)

            allocation_counter_start()
            let start = clock.now
            let result = try contestant.run(pass: pass)
            let elapsed = clock.now - start
            figures.allocations += allocation_counter_stop()

            figures.nanoseconds += elapsed.nanoseconds
            figures.operations += result.operations
            try compare(try contestant.verify(pass: pass, result: result), pass: pass, of: contestant)
        } while figures.nanoseconds < seconds * 1e9
        return figures
    }

    private mutating func compare(_ digest: UInt64, pass: Int, of contestant: any Contestant) throws {
        guard let first = digests[pass] else {
            digests[pass] = (digest, contestant.label)
            return
        }
        guard first.digest == digest else {
            throw BenchError.disagreement(
                "\(group.bench) \(group.part), pass \(pass): \(first.label) found \(first.digest.hexadecimal), "
                    + "\(contestant.label) found \(digest.hexadecimal)")
        }
    }
}

extension Duration {
    var nanoseconds: Double { Double(components.seconds) * 1e9 + Double(components.attoseconds) / 1e9 }
}

extension UInt64 {
    /// Sixteen hexadecimal digits.
    var hexadecimal: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
