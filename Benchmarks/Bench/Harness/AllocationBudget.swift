import BenchHarness

/// How many heap allocations an operation may make. Unlike times, these repeat exactly, so a build can fail over them.
enum AllocationBudget {
    /// The limit for a benchmark's operation, or nil if there is none.
    ///
    /// A scan or a look-up of a range may allocate for itself, but not for each row; pages and index tables that grow
    /// are spread over the rows that fill them. Rows with texts allocate for each long text, which is Swift's doing.
    private static func limit(bench: String, part: String, variant: String) -> Double? {
        switch (bench, part) {
        // The buffers of the log grow now and then.
        case ("transfer", _) where variant == "log-async": 0.01
        // One task for all calls of a pass.
        case ("noop", _) where variant == "async": 0.05
        case ("noop", _), ("transfer", _): 0
        case ("protocol", _): 0
        // Calls of guests make none; a pass makes one, spread over the few calls of the tiny size.
        case ("wasm-call", _), ("wasm-transfer", _): 0.05
        case ("insert", "fixed-1000"), ("range", "fixed"), ("scan", "fixed"), ("find", "fixed"), ("filter", _): 0.1
        default: nil
        }
    }

    /// What is wrong with an outcome, or nil.
    static func excess(_ outcome: Outcome) -> String? {
        guard outcome.system == "spacetimekit",
            let limit = limit(bench: outcome.bench, part: outcome.part, variant: outcome.variant),
            let allocations = outcome.allocationsPerOperation, allocations > limit
        else { return nil }
        return
            "\(outcome.bench) \(outcome.part)\(outcome.variant) makes \(Numbers.fixed(allocations, 4)) allocations per operation, "
            + "\(Numbers.fixed(limit, 2)) are allowed"
    }
}
