/// The generator of the transfer scenario; 32 bits of state.
package struct Mulberry32 {
    private var state: UInt32

    package init(seed: UInt32) { state = seed }

    package mutating func next() -> UInt32 {
        state &+= 0x6D2B_79F5
        var mixed = (state ^ (state >> 15)) &* (state | 1)
        mixed ^= mixed &+ (mixed ^ (mixed >> 7)) &* (mixed | 61)
        return mixed ^ (mixed >> 14)
    }

    /// A number below `bound`: what flooring `next / 2^32 × bound` gives.
    package mutating func next(below bound: UInt32) -> UInt32 { UInt32((UInt64(next()) &* UInt64(bound)) >> 32) }
}

/// SplitMix64: for rows and keys.
package struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    package mutating func next(below bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }
}
