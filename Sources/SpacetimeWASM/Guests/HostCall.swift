import CWasmtime
import SpacetimeHost
import SpacetimeSATS

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// One call of a function of the host by a guest: the guest, and the call's arguments.
///
/// Every pointer and every length comes from code that is not trusted. Bytes of the guest's memory are reached through
/// ``bytes(_:_:)`` only, which checks them against how large that is.
struct HostCall {
    let state: UnsafeMutablePointer<GuestState>
    let values: UnsafeMutablePointer<wasmtime_val_raw_t>

    // MARK: Arguments

    @inline(__always)
    func u32(_ position: Int) -> UInt32 { UInt32(bitPattern: values[position].i32) }

    @inline(__always)
    func i64(_ position: Int) -> Int64 { values[position].i64 }

    // MARK: Memory

    /// Bytes of the guest's memory, by two arguments: a pointer, and how many there are.
    @inline(__always)
    func bytes(_ pointer: Int, _ count: Int) throws(HostFailure) -> UnsafeMutableRawBufferPointer {
        try memory(u32(pointer), Int(u32(count)))
    }

    /// Bytes of the guest's memory.
    ///
    /// - Throws: a trap if the pointer is null, or if not all of the bytes are in the memory.
    @inline(__always)
    func memory(_ pointer: UInt32, _ count: Int) throws(HostFailure) -> UnsafeMutableRawBufferPointer {
        let start = Int(pointer)
        // Neither can overflow: both have 32 bits.
        if start == 0 || start &+ count > state.pointee.byteCount { try requireMemory(start, count) }
        guard let base = state.pointee.base else { throw .trap("the guest has no memory") }
        return UnsafeMutableRawBufferPointer(start: base + start, count: count)
    }

    /// The slow way: the memory may have grown.
    @inline(never)
    private func requireMemory(_ start: Int, _ count: Int) throws(HostFailure) {
        if start == 0 { throw .trap("a null pointer was handed to the host") }
        guard state.pointee.hasMemory else {
            throw .trap(
                "the host was handed a pointer in the module's start section, when it knows no memory of the module yet; "
                    + "do that in an export named '_initialize' or '__preinit__…'")
        }
        state.lookAtMemory()
        guard start + count <= state.pointee.byteCount else {
            throw .trap(
                "the bytes \(start)..<\(start + count) were handed to the host, and the guest's memory ends at "
                    + "\(state.pointee.byteCount)")
        }
    }

    @inline(__always)
    func write(_ value: UInt32, at position: Int) throws(HostFailure) {
        try memory(u32(position), 4).storeBytes(of: value.littleEndian, as: UInt32.self)
    }

    @inline(__always)
    func write(_ value: UInt64, at position: Int) throws(HostFailure) {
        try memory(u32(position), 8).storeBytes(of: value.littleEndian, as: UInt64.self)
    }

    @inline(__always)
    func readU32(at position: Int) throws(HostFailure) -> UInt32 {
        UInt32(littleEndian: try memory(u32(position), 4).loadUnaligned(as: UInt32.self))
    }

    /// Text that has to be UTF-8.
    func text(_ pointer: Int, _ count: Int) throws(HostFailure) -> String {
        guard let text = String(validating: try bytes(pointer, count), as: UTF8.self) else {
            throw .trap("a name that was handed to the host is not UTF-8")
        }
        return text
    }

    /// Text whose bad bytes are replaced. No more of it than a limit: a guest's text may be as long as its memory.
    func lossyText(_ pointer: Int, _ count: Int, limit: Int) throws(HostFailure) -> String {
        String(decoding: try bytes(pointer, count).prefix(limit), as: UTF8.self)
    }

    /// Bytes that the host keeps, or makes larger things of: a guest must not have it use more memory than it has itself.
    func copyable(_ pointer: Int, _ count: Int) throws(HostFailure) -> UnsafeMutableRawBufferPointer {
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
        guard let transaction = state.pointee.transaction else { throw .number(.notInTransaction) }
        return GuestTransaction(transaction)
    }
}

extension HostCall {
    /// The open transaction, for something that writes: rows that were found are copied first.
    @inline(__always)
    func writableTransaction() throws(HostFailure) -> GuestTransaction {
        let transaction = try transaction()
        state.pointee.iterators.prepareForWrite()
        return transaction
    }
}

extension HostCall {
    /// Counts a row that is written. What a transaction writes is in memory until it ends, the old rows beside the new ones.
    @inline(__always)
    func charge(_ byteCount: Int) throws(HostFailure) {
        state.pointee.writtenBytesLeft &-= byteCount &+ Self.bytesPerRow
        if state.pointee.writtenBytesLeft < 0 { throw tooMuchWritten() }
    }

    @inline(never)
    private func tooMuchWritten() -> HostFailure {
        .trap(
            "the guest writes more than \(state.pointee.limits.writtenByteLimit) bytes of rows in one transaction, which is "
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

    init(_ error: DatabaseError) {
        if let number = GuestErrorNumber(error) { self = .number(number) } else { self = .error(error) }
    }
}

/// Does something of the database's: what that throws is told to the guest by its number, if it has one.
@inline(__always)
func doing<Result>(_ body: () throws(DatabaseError) -> Result) throws(HostFailure) -> Result {
    do throws(DatabaseError) { return try body() } catch { throw HostFailure(error) }
}

extension UnsafeMutablePointer where Pointee == GuestState {
    /// Looks how large the guest's memory is.
    func lookAtMemory() {
        // Asked for a memory of another instance, or for none, the library ends the program.
        guard pointee.hasMemory, let context = pointee.context else { return }
        let api = pointee.api
        pointee.base = api.pointee.wasmtime_memory_data(context, &pointee.memory).map { UnsafeMutableRawPointer($0) }
        pointee.byteCount = api.pointee.wasmtime_memory_data_size(context, &pointee.memory)
    }

    /// A trap that stops the guest.
    func trap(_ message: String) -> OpaquePointer {
        message.withCString { pointee.api.pointee.wasmtime_trap_new($0, strlen($0)) }
    }
}

/// Runs the body of a host function: a guest goes on with its result, or with the number of its failure, or is stopped.
@inline(__always)
func answer(
    _ environment: UnsafeMutableRawPointer?, _ values: UnsafeMutablePointer<wasmtime_val_raw_t>,
    _ body: (HostCall) throws(HostFailure) -> UInt32
) -> OpaquePointer? {
    // Each function was given the guest that it is a function of.
    let state = environment.unsafelyUnwrapped.assumingMemoryBound(to: GuestState.self)
    do throws(HostFailure) {
        values[0].i64 = Int64(try body(HostCall(state: state, values: values)))
        return nil
    } catch {
        return failed(error, state, values)
    }
}

/// The same for functions without a result.
@inline(__always)
func perform(
    _ environment: UnsafeMutableRawPointer?, _ values: UnsafeMutablePointer<wasmtime_val_raw_t>,
    _ body: (HostCall) throws(HostFailure) -> Void
) -> OpaquePointer? {
    let state = environment.unsafelyUnwrapped.assumingMemoryBound(to: GuestState.self)
    do throws(HostFailure) {
        try body(HostCall(state: state, values: values))
        return nil
    } catch {
        return failed(error, state, values)
    }
}

@inline(never)
func failed(
    _ failure: HostFailure, _ state: UnsafeMutablePointer<GuestState>,
    _ values: UnsafeMutablePointer<wasmtime_val_raw_t>
) -> OpaquePointer? {
    switch failure {
    case .number(let number):
        values[0].i64 = Int64(number.rawValue)
        return nil
    case .trap(let message): return state.trap(message)
    case .error(let error):
        state.pointee.failure = error
        return state.trap((error as? DatabaseError)?.message ?? "\(error)")
    }
}
