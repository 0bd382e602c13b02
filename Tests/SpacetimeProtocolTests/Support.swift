import SpacetimeProtocol
import SpacetimeSATS
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
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

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }

    /// Half of the time a small number or the largest, which is where mistakes are.
    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) -> Number {
        switch below(6) {
        case 0: 0
        case 1: .max
        case 2: .min
        default: Number(truncatingIfNeeded: next())
        }
    }

    mutating func text() -> String {
        let alphabet: [Character] = [
            "a", "Z", "0", "\"", "\\", "\n", "\u{1}", "é", "e\u{301}", "✓", "🙂", "\u{7f}", "*",
        ]
        return String((0..<below(20)).map { _ in alphabet[below(alphabet.count)] })
    }

    mutating func array<Element>(upTo limit: Int, _ make: (inout SplitMix64) -> Element) -> [Element] {
        (0..<below(limit + 1)).map { _ in make(&self) }
    }
}

/// How many messages a fuzzing test tries: the environment variable SPACETIME_FUZZ_MESSAGES, or 20,000.
var fuzzedMessages: Int {
    guard let text = getenv("SPACETIME_FUZZ_MESSAGES") else { return 20_000 }
    return Int(String(cString: text)) ?? 20_000
}

func hex(_ text: String) -> [UInt8] {
    guard let bytes = Hexadecimal.bytes(text.filter { $0 != " " && $0 != "\n" }) else {
        Issue.record("the test's own hexadecimal is malformed: \(text)")
        return []
    }
    return bytes
}

/// What `write` appends to an empty writer.
func written(_ write: (inout BSATNWriter) -> Void) -> [UInt8] {
    var writer = BSATNWriter()
    write(&writer)
    return writer.toArray()
}

struct Unreadable: Error {}

/// All of a file.
func contents(_ path: String) throws -> [UInt8] {
    guard let file = fopen(path, "r") else { throw Unreadable() }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = fread(&buffer, 1, buffer.count, file)
        if count == 0 { return bytes }
        bytes += buffer[..<count]
    }
}
