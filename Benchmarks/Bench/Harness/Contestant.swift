/// What one pass did: how many operations, and a digest of everything it read.
struct PassResult {
    var operations: Int
    var digest: UInt64
}

/// One system doing one workload.
///
/// A workload is cut into numbered passes. Pass `n` does the same work in every system, whatever the earlier passes
/// were, so that the harness can compare the systems' digests pass by pass even though faster systems do more passes.
protocol Contestant: AnyObject {
    /// The system's name, the same in all benchmarks.
    var system: String { get }

    /// How the system is used here, such as `memory` or `disk`; empty where there is one way only.
    var variant: String { get }

    /// Makes ready for a pass. Not timed.
    func prepare(pass: Int) throws

    /// Does the work of a pass. Timed, and its allocations are counted.
    func run(pass: Int) throws -> PassResult

    /// Adds the state that the pass left behind to the digest of what it read. Not timed.
    func verify(pass: Int, result: PassResult) throws -> UInt64
}

extension Contestant {
    var variant: String { "" }
    func prepare(pass: Int) throws {}
    func verify(pass: Int, result: PassResult) throws -> UInt64 { result.digest }

    /// System and variant as one word.
    var label: String { variant.isEmpty ? system : "\(system)/\(variant)" }
}

/// One workload and the systems that do it side by side.
struct Group {
    /// The benchmark that this is a part of.
    var bench: String

    /// Which part, when a benchmark has several; else empty.
    var part = ""

    /// What an operation is, and the sizes, in a sentence for the reader.
    var workload: String

    /// The systems, built only when the group's turn comes and dropped after it.
    var makeContestants: () throws -> [any Contestant]
}

/// Why a run is worth nothing.
enum BenchError: Error, CustomStringConvertible {
    case disagreement(String)
    case system(String)
    case badArgument(String)

    var description: String {
        switch self {
        case .disagreement(let text): "the systems disagree: \(text)"
        case .system(let text): text
        case .badArgument(let text): text
        }
    }
}
