/// How long to wait before the next attempt to connect.
struct Backoff {
    private let policy: ClientOptions.Reconnection
    /// How many attempts have failed since the last connection that lasted.
    private var failures = 0

    /// How long a connection has to last until the failures before it are forgotten: a server that greets and then fails at
    /// once would otherwise be asked every second.
    static let settled = Duration.seconds(10)

    init(_ policy: ClientOptions.Reconnection) { self.policy = policy }

    /// A connection has lasted.
    mutating func reset() { failures = 0 }

    /// The time until the next attempt, or nil if there is to be none.
    mutating func next(_ random: inout some RandomNumberGenerator) -> Duration? {
        if let limit = policy.attemptLimit, failures >= limit { return nil }
        // The delay stops growing long before this could overflow.
        let doublings = min(failures, 20)
        failures += 1
        let delay = min(policy.firstDelay * (1 << doublings), policy.longestDelay)
        return delay * Double.random(in: 0.5...1, using: &random)
    }
}

/// Random numbers that follow from a seed.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
