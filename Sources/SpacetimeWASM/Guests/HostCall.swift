import CWasmtime
import SpacetimeHost
import SpacetimeSATS

// Memory safety, here and in the folder `Imports`. The engine calls each function of the host with the environment that it was
// defined with, the state of the guest, and with as many values as the function's type has: that of each of them was compared
// with what the module imports. A position of an argument is one of the type's.

/// One call of a function of the host by a guest: the guest, and the call's arguments.
///
/// Every pointer and every length comes from code that is not trusted. Bytes of the guest's memory are reached through
/// ``bytes(_:_:)`` only, which checks them against how large that is.
@safe
struct HostCall {
    let guest: GuestReference
    private let values: UnsafeMutablePointer<wasmtime_val_raw_t>

    @inline(__always)
    fileprivate init(_ guest: GuestReference, _ values: UnsafeMutablePointer<wasmtime_val_raw_t>) {
        self.guest = guest
        unsafe self.values = values
    }

    var state: GuestState {
        @inline(__always) unsafeAddress { unsafe guest.constantAddress }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe guest.address }
    }

    // MARK: Arguments

    @inline(__always)
    func u32(_ position: Int) -> UInt32 { unsafe UInt32(bitPattern: values[position].i32) }

    @inline(__always)
    func i64(_ position: Int) -> Int64 { unsafe values[position].i64 }

    /// Sets the result of a function whose result is one of 64 bits.
    func giveBack(_ value: Int64) { unsafe values[0].i64 = value }

    // MARK: Memory

    /// Bytes of the guest's memory, by two arguments: a pointer, and how many there are.
    @inline(__always)
    func bytes(_ pointer: Int, _ count: Int) throws(HostFailure) -> GuestBytes {
        try memory(u32(pointer), Int(u32(count)))
    }

    /// Bytes of the guest's memory.
    ///
    /// - Throws: a trap if the pointer is null, or if not all of the bytes are in the memory.
    @inline(__always)
    func memory(_ pointer: UInt32, _ count: Int) throws(HostFailure) -> GuestBytes {
        if let bytes = state.memory.bytes(pointer, count) { return bytes }
        return try grownMemory(pointer, count)
    }

    /// The slow way: the memory may have grown.
    @inline(never)
    private func grownMemory(_ pointer: UInt32, _ count: Int) throws(HostFailure) -> GuestBytes {
        if pointer == 0 { throw .trap("a null pointer was handed to the host") }
        guard state.exportedMemory != nil else {
            throw .trap(
                "the host was handed a pointer in the module's start section, when it knows no memory of the module yet; "
                    + "do that in an export named '_initialize' or '__preinit__…'")
        }
        state.lookAtMemory()
        guard let bytes = state.memory.bytes(pointer, count) else {
            throw .trap(
                "the bytes \(pointer)..<\(Int(pointer) + count) were handed to the host, and the guest's memory ends at "
                    + "\(state.memory.byteCount)")
        }
        return bytes
    }

    @inline(__always)
    func write(_ value: UInt32, at position: Int) throws(HostFailure) { try memory(u32(position), 4).store(value) }

    @inline(__always)
    func write(_ value: UInt64, at position: Int) throws(HostFailure) { try memory(u32(position), 8).store(value) }

    @inline(__always)
    func readU32(at position: Int) throws(HostFailure) -> UInt32 {
        try memory(u32(position), 4).integer(as: UInt32.self)
    }

    /// The name of something, which has to be UTF-8.
    func name(_ pointer: Int, _ count: Int) throws(HostFailure) -> String {
        let bytes = try bytes(pointer, count)
        guard bytes.count <= Self.nameByteLimit else {
            throw .trap(
                "a name of \(bytes.count) bytes was handed to the host, which takes \(Self.nameByteLimit) at most")
        }
        guard let text = bytes.text else { throw .trap("a name that was handed to the host is not UTF-8") }
        return text
    }

    private static var nameByteLimit: Int { 64 << 10 }

    /// Text whose bad bytes are replaced. No more of it than a limit: a guest's text may be as long as its memory.
    func lossyText(_ pointer: Int, _ count: Int, limit: Int) throws(HostFailure) -> String {
        try bytes(pointer, count).prefix(limit).lossyText
    }

    /// Bytes that the host keeps, or makes larger things of: a guest must not have it use more memory than it has itself.
    func copyable(_ pointer: Int, _ count: Int) throws(HostFailure) -> GuestBytes {
        let bytes = try bytes(pointer, count)
        guard bytes.count <= Self.copyByteLimit else {
            throw .trap("\(bytes.count) bytes were handed to the host, which takes \(Self.copyByteLimit) at most")
        }
        return bytes
    }

    private static var copyByteLimit: Int { 16 << 20 }

    // MARK: The database

    /// The open transaction.
    @inline(__always)
    func transaction() throws(HostFailure) -> GuestTransaction {
        guard let transaction = state.transaction else { throw .number(.notInTransaction) }
        return GuestTransaction(transaction)
    }
}

extension HostCall {
    /// The open transaction, for something that writes: rows that were found are copied first.
    @inline(__always)
    func writableTransaction() throws(HostFailure) -> GuestTransaction {
        let transaction = try transaction()
        guard state.iterators.prepareForWrite() else { throw ScanImports.tooManyCopies(self) }
        return transaction
    }
}

extension HostCall {
    /// Counts a row that is written. What a transaction writes is in memory until it ends, the old rows beside the new ones.
    @inline(__always)
    func charge(_ byteCount: Int) throws(HostFailure) {
        let cost = byteCount &+ Self.bytesPerRow
        // Compared before it is taken off: the limit is any number, as the smallest.
        if state.writtenBytesLeft < cost { throw tooMuchWritten() }
        state.writtenBytesLeft &-= cost
    }

    @inline(never)
    private func tooMuchWritten() -> HostFailure {
        .trap(
            "the guest writes more than \(state.limits.writtenByteLimit) bytes of rows in one transaction, which is "
                + "WASMLimits.writtenByteLimit; write less at a time")
    }

    /// About what a row takes beside its bytes: its places in tables and indexes, and what undoing it needs.
    private static var bytesPerRow: Int { 64 }
}

/// Why a function of the host did not do what it was to do.
enum HostFailure: Error {
    /// The guest is told a number, and goes on.
    case number(GuestErrorNumber)
    /// The guest is stopped.
    case trap(String)
    /// The guest is stopped; whoever called it gets the error.
    case error(any Error)

    @inline(never)
    init(_ error: DatabaseError) {
        if let number = GuestErrorNumber(error) { self = .number(number) } else { self = .error(error) }
    }
}

/// Does something of the database's: what that throws is told to the guest by its number, if it has one.
@inline(__always)
func doing<Result>(_ body: () throws(DatabaseError) -> Result) throws(HostFailure) -> Result {
    do throws(DatabaseError) { return try body() } catch { throw HostFailure(error) }
}

/// Runs the body of a host function: a guest goes on with its result, or with the number of its failure, or is stopped.
@unsafe
@inline(__always)
func answer(
    _ environment: UnsafeMutableRawPointer?, _ values: UnsafeMutablePointer<wasmtime_val_raw_t>,
    _ body: (HostCall) throws(HostFailure) -> UInt32
) -> OpaquePointer? {
    let guest = unsafe GuestReference(environment: environment)
    do throws(HostFailure) {
        unsafe values[0].i64 = Int64(try body(HostCall(guest, values)))
        return nil
    } catch {
        return unsafe failed(error, guest, values)
    }
}

/// The same for functions without a result.
@unsafe
@inline(__always)
func perform(
    _ environment: UnsafeMutableRawPointer?, _ values: UnsafeMutablePointer<wasmtime_val_raw_t>,
    _ body: (HostCall) throws(HostFailure) -> Void
) -> OpaquePointer? {
    let guest = unsafe GuestReference(environment: environment)
    do throws(HostFailure) {
        try body(unsafe HostCall(guest, values))
        return nil
    } catch {
        return unsafe failed(error, guest, values)
    }
}

@unsafe
@inline(never)
private func failed(
    _ failure: HostFailure, _ guest: GuestReference, _ values: UnsafeMutablePointer<wasmtime_val_raw_t>
) -> OpaquePointer? {
    switch failure {
    case .number(let number):
        unsafe values[0].i64 = Int64(number.rawValue)
        return nil
    case .trap(let message): return unsafe guest.state.wasmtime.trap(message)
    case .error(let error):
        guest.state.failure = error
        return unsafe guest.state.wasmtime.trap((error as? DatabaseError)?.message ?? "\(error)")
    }
}
