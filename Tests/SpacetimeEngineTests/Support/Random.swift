import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A small repeatable generator: equal seeds give equal sequences.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

    /// True once in `count` times.
    mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}

private func environmentNumber(_ name: String) -> UInt64? {
    guard let text = getenv(name).map({ String(cString: $0) }) else { return nil }
    return text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
}

/// The seed of a random test: SPACETIME_SEED, or a new one; printed, so that a failure can be replayed.
func freshSeed(_ test: String = #function) -> UInt64 {
    let seed = environmentNumber("SPACETIME_SEED") ?? UInt64.random(in: .min ... .max)
    print("\(test): SPACETIME_SEED=\(seed)")
    return seed
}

/// A generator with a fresh, printed seed.
func seededRandom(_ test: String = #function) -> SplitMix64 { SplitMix64(seed: freshSeed(test)) }

/// Operations of all model tests together: SPACETIME_MODEL_OPERATIONS, or 120,000.
var modelOperations: Int {
    environmentNumber("SPACETIME_MODEL_OPERATIONS").map(Int.init(truncatingIfNeeded:)) ?? 120_000
}
