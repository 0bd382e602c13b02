/// A small fast generator (xoshiro256**) whose whole future follows from its seed. Not for secrets.
@frozen @usableFromInline
package struct DeterministicRandom: RandomNumberGenerator, Sendable {
    @usableFromInline var s0: UInt64
    @usableFromInline var s1: UInt64
    @usableFromInline var s2: UInt64
    @usableFromInline var s3: UInt64

    package init(seed: UInt64) {
        // The state is drawn from SplitMix64, as the authors of the generator recommend: seeds that differ in one
        // bit give unrelated sequences, and the state is never all zero.
        var mixer = seed
        func draw() -> UInt64 {
            mixer &+= 0x9E37_79B9_7F4A_7C15
            var z = mixer
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        s0 = draw()
        s1 = draw()
        s2 = draw()
        s3 = draw()
    }

    @inlinable
    package mutating func next() -> UInt64 {
        let scaled = s1 &* 5
        let result = ((scaled << 7) | (scaled >> 57)) &* 9
        let shifted = s1 << 17
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= shifted
        s3 = (s3 << 45) | (s3 >> 19)
        return result
    }
}
