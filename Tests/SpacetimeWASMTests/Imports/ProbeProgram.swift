import SpacetimeSATS

/// What the probe of `Tests/Modules/probe.c` is to do: bytes in its memory, calls of the host, and how it returns.
struct ProbeProgram: Sendable {
    /// An argument of a call.
    enum Argument: Sendable {
        case number(UInt64)
        /// The address of a place in the memory.
        case address(Int)
        /// What the four bytes at a place hold when the call is made: a handle that an earlier call has written.
        case loaded(Int)
        /// The address of what the function was called with: the sender, the connection at 32, the time at 48.
        case fact(Int)
        /// The sources and sinks that the function was called with.
        case arguments, sink

        fileprivate var code: (kind: UInt8, value: UInt64) {
            switch self {
            case .number(let value): (0, value)
            case .address(let place): (1, UInt64(place))
            case .loaded(let place): (2, UInt64(place))
            case .fact(let place): (3, UInt64(place))
            case .arguments: (4, 0)
            case .sink: (5, 0)
            }
        }

        static func count(_ bytes: [UInt8]) -> Argument { .number(UInt64(bytes.count)) }
        static let none = Argument.number(0)
    }

    /// What can happen beside calls of the host.
    enum Misdeed: UInt8, Sendable {
        case trap = 200, endlessLoop, endlessRecursion, load, grow
        /// Returns how often it was done on this instance.
        case count
        /// Copies bytes of the memory: to, from, how many.
        case copy
    }

    /// What the function returns.
    var answer: Int32 = 0
    /// What is written to the function's sink; nil for what came of the calls.
    var said: [UInt8]? = []
    private var memory: [UInt8] = []
    private var calls: [(which: UInt8, arguments: [Argument])] = []

    // MARK: Memory

    /// Places bytes in the memory.
    mutating func place(_ bytes: [UInt8]) -> Int {
        defer { memory += bytes }
        return memory.count
    }

    /// Makes room for what a call writes.
    mutating func room(_ count: Int = 4) -> Int { place(Array(repeating: 0, count: count)) }

    // MARK: Calls

    /// The arguments of the last call.
    var lastArguments: [Argument] { calls.last?.arguments ?? [] }

    mutating func call(_ name: String, _ arguments: Argument...) { call(name, with: arguments) }

    mutating func call(_ name: String, with arguments: [Argument]) {
        guard let position = HostCallList.position(name) else { fatalError("no function \(name) is declared") }
        calls.append((UInt8(position), arguments))
    }

    mutating func commit(_ misdeed: Misdeed, _ arguments: Argument...) {
        calls.append((misdeed.rawValue, arguments))
    }

    /// The same with other arguments for the last call.
    func replacingLastArguments(_ arguments: [Argument]) -> ProbeProgram {
        var program = self
        if let last = calls.last { program.calls[calls.count - 1] = (last.which, arguments) }
        return program
    }

    // MARK: Bytes

    /// What the probe reads.
    var bytes: [UInt8] {
        var writer: [UInt8] = memory.bsatn()
        writer += UInt32(memory.count).bsatn() + UInt32(calls.count).bsatn()
        for call in calls {
            writer += [call.which, UInt8(call.arguments.count)]
            for argument in call.arguments {
                writer.append(argument.code.kind)
                writer += argument.code.value.bsatn()
            }
        }
        writer += answer.bsatn()
        writer.append(said == nil ? 1 : 0)
        return writer + (said ?? []).bsatn()
    }
}

/// What came of a program.
struct ProbeOutcome: Sendable, Equatable {
    /// What each call returned.
    let results: [Int64]
    /// The program's memory when all calls had been made.
    let memory: [UInt8]

    init(_ bytes: [UInt8]) throws {
        var reader = BSATNReader(bytes.span.bytes)
        results = try [Int64](from: &reader)
        memory = Array(bytes.dropFirst(4 + 8 * results.count))
    }

    /// From a line of the log.
    init(hexadecimal text: String) throws {
        let digits = text.utf8.map { $0 < 97 ? $0 - 48 : $0 - 87 }
        try self.init(stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
    }

    /// What the last call returned, as the 32 bits that it has.
    var last: Int32 { results.last.map { Int32(truncatingIfNeeded: $0) } ?? .min }

    func u32(at place: Int) -> UInt32 { load(place, 4) }
    func u64(at place: Int) -> UInt64 { load(place, 8) }

    private func load<Number: FixedWidthInteger>(_ place: Int, _ count: Int) -> Number {
        memory[place..<place + count].reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }

    func bytes(_ place: Int, _ count: Int) -> [UInt8] { Array(memory[place..<place + count]) }
}
