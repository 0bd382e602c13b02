import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS

/// What a guest is doing.
enum GuestActivity: UInt8 {
    /// Nothing.
    case none
    /// It is being started: there is no transaction, and nobody who called.
    case start
    case reducer, view, procedure, handler
}

/// What the host's functions work on: one guest, in the middle of a call.
///
/// It lies behind one pointer, see ``GuestReference``, instead of in the fields of a class, which would cost
/// a check of exclusive access each. Touched by the thread that runs the guest only.
struct GuestState: ~Copyable {
    let wasmtime: Wasmtime
    /// By which it is known how long the guest runs. Not counted: the guest has it, and whoever runs it has the guest.
    let time: GuestTime
    let limits: WASMLimits

    // The instance
    /// Nil if there is none.
    var context: WasmtimeContext?
    /// Nil while the instance is made: what runs then, its start section, may call the host all the same.
    var exportedMemory: WasmtimeMemory?
    var memory = GuestMemory()

    var exports = GuestExports()

    // The call
    var activity = GuestActivity.none
    /// Nil if none is open.
    var transaction: TransactionReference?
    /// Of a procedure or a handler.
    var procedure: GuestProcedure?
    var call: ProcedureCall?
    var waiting: GuestWaiting?
    /// For lines of the log: what clients call it. Nil for reducers, whose name the transaction knows.
    var functionName: String?
    /// Bytes for the guest to read, by number - 1: those that the call begins with, which are borrowed, and answers of the host,
    /// which are copies.
    var sources = PlainList<ByteSource>()
    /// Answers that are not read to their ends, and how many bytes they have.
    var answerCount = 0
    var answerByteCount = 0
    /// Bytes that the guest has written. The first ``sinkCount`` are open.
    var sinks = [ByteSink(), ByteSink()]
    var sinkCount = 0
    /// Whether something has been written to one of them since they were opened.
    var hasWritten = false
    var iterators: GuestIterators
    var timers = ConsoleTimers()
    /// How many bytes of lines may still be written.
    var logBytesLeft = 0
    /// How many bytes of rows the transaction may still write.
    var writtenBytesLeft = 0
    /// What a host function failed with that stopped the guest.
    var failure: (any Error)?
    /// Immediate calls that it may still ask for.
    var immediateCallsLeft = 0
    /// How many bytes their arguments may have.
    var immediateBytesLeft = 0
    /// The number of the tick by which the guest has to be done.
    var deadline: UInt64 = 0

    // The start
    /// What it wrote to the log when there was none yet.
    var earlyLines: [EarlyLine] = []
    let identity: Identity
    var random: DeterministicRandom

    init(
        _ engine: WASMEngine, _ time: GuestTime, _ limits: WASMLimits, identity: Identity, seed: UInt64
    ) {
        wasmtime = engine.wasmtime
        self.time = time
        self.limits = limits
        self.identity = identity
        iterators = GuestIterators(copies: ScanCopies(byteLimit: limits.writtenByteLimit))
        random = DeterministicRandom(seed: seed)
    }

    /// Forgets the instance.
    mutating func forgetInstance() {
        context = nil
        exportedMemory = nil
        memory = GuestMemory()
    }

    /// Looks how large the guest's memory is.
    mutating func lookAtMemory() {
        guard let context, let exportedMemory else { return }
        memory = GuestMemory(exportedMemory, in: context)
    }
}

/// The functions of a guest by which it is called, as far as it has them.
struct GuestExports {
    var reducer = WasmtimeFunction.none
    var procedure = WasmtimeFunction.none
    var view = WasmtimeFunction.none
    var anonymousView = WasmtimeFunction.none
    var handler = WasmtimeFunction.none
}

/// A line for the log.
struct EarlyLine {
    let level: LogLevel
    let target: String?
    let file: String?
    let line: UInt32?
    let message: String
}

/// Bytes that a guest reads.
///
/// `@safe`: those of a call stay where they are during the call, and its source goes with it; copies belong to the source.
@safe
struct ByteSource {
    /// Nil once all is read: then there is no such source any more.
    private var next: UnsafeRawPointer?
    private(set) var left: Int
    /// A copy's bytes, which are this one's to give back.
    private var owned: UnsafeMutableRawBufferPointer?

    /// Bytes that stay where they are during the call.
    @unsafe
    init(borrowing bytes: UnsafeRawBufferPointer) {
        unsafe next = bytes.baseAddress
        left = bytes.count
    }

    /// A copy of bytes.
    init(copying bytes: [UInt8]) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        unsafe copy.copyBytes(from: bytes)
        unsafe next = UnsafeRawPointer(copy.baseAddress)
        left = bytes.count
        unsafe owned = copy
    }

    var isOpen: Bool { unsafe next != nil }

    /// Moves as many bytes as fit.
    ///
    /// - Returns: how many.
    @inline(__always)
    mutating func read(into bytes: GuestBytes) -> Int {
        let count = min(bytes.count, left)
        if count > 0, let start = unsafe next {
            unsafe bytes.copy(UnsafeRawBufferPointer(start: start, count: count))
            unsafe next = start + count
            left -= count
        }
        return count
    }

    /// - Returns: how many bytes were given back: 0 if there was no copy of them.
    @discardableResult
    mutating func free() -> Int {
        unsafe next = nil
        left = 0
        guard let copy = unsafe owned else { return 0 }
        unsafe owned = nil
        unsafe copy.deallocate()
        return copy.count
    }
}

/// Bytes that a guest has written.
struct ByteSink {
    var bytes: [UInt8] = []
}
