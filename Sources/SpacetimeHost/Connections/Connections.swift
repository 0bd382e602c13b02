import SpacetimeEngine
package import SpacetimeSATS
import SpacetimeSchema
import Synchronization

/// Clients coming and going.
package final class Connections: Sendable {
    private let runner: TransactionRunner
    private var tables: SystemTables { runner.catalog.systemTables }
    /// Draws connection ids.
    private let random: Mutex<DeterministicRandom>

    init(_ runner: TransactionRunner, _ random: DeterministicRandom) {
        self.runner = runner
        self.random = Mutex(random)
    }

    /// What the random numbers of whoever takes over are to follow from, so that no id is drawn a second time.
    func drawSeed() -> UInt64 { random.withLock { $0.next() } }

    // MARK: Coming

    /// Registers a connection and runs the module's `client_connected`, in one transaction.
    ///
    /// - Parameters:
    ///   - credentials: the payload of the client's token, kept for the module to read while the connection lasts.
    ///   - connection: nil draws a fresh id.
    /// - Throws: what the reducer threw to refuse the client. Nothing persists then.
    package func connect(
        _ identity: Identity, connection: ConnectionId? = nil, credentials: String
    ) throws -> Caller {
        try runner.acquireForWrite()
        return try connectAndRelease(identity, connection, credentials)
    }

    /// Registers a connection and runs `client_connected`. Suspends while others have the lock.
    package func connect(
        _ identity: Identity, connection: ConnectionId? = nil, credentials: String
    ) async throws -> Caller {
        try await runner.takingLock(toWrite: true) {
            Result { try connectAndRelease(identity, connection, credentials) }
        }.get()
    }

    private func connectAndRelease(
        _ identity: Identity, _ connection: ConnectionId?, _ credentials: String
    ) throws -> Caller {
        let caller = Caller(identity: identity, connection: connection ?? drawConnectionId())
        _ = try runner.runAndRelease(
            .connect, reducer: runner.catalog.schema.reducer(for: .onConnect)?.id, arguments: [], as: caller,
            before: { transaction in try enter(caller, credentials, in: transaction) })
        return caller
    }

    private func drawConnectionId() -> ConnectionId {
        random.withLock { random in
            while true {
                let high = random.next()
                let number = UInt128(high) << 64 | UInt128(random.next())
                if number != 0 { return ConnectionId(number: number) }
            }
        }
    }

    private func enter(
        _ caller: Caller, _ credentials: String, in transaction: TransactionReference
    ) throws(DatabaseError) {
        var writer = BSATNWriter()
        caller.connection.encode(to: &writer)
        writer.write(credentials)
        let isNew = try writer.withUnsafeMutableBytes { bytes throws(DatabaseError) in
            try transaction.insert(tables.credentials, trusted: bytes)
        }
        // An identical row is no violation, but here it means that the id is taken.
        guard isNew else {
            throw DatabaseError(.uniqueViolation, "the connection id \(caller.connection) is in use; take another one")
        }
        var row = caller.clientRow
        _ = try row.withUnsafeMutableBytes { bytes throws(DatabaseError) in
            try transaction.insert(tables.client, trusted: bytes)
        }
    }

    // MARK: Going

    /// Runs the module's `client_disconnected` and forgets the connection, in one transaction. If the reducer fails its
    /// changes are undone and the connection is forgotten in a second one. Does nothing if it is gone already.
    ///
    /// - Returns: what the reducer threw, for the log; nobody else hears of it.
    /// - Throws: only if the call could not be made at all: from inside a transaction, or on a database that takes no
    ///   more writes.
    @discardableResult
    package func disconnect(_ caller: Caller) throws(DatabaseError) -> (any Error)? {
        try runner.acquireForWrite()
        return try disconnectAndRelease(caller)
    }

    /// Runs `client_disconnected` and forgets the connection. Suspends while others have the lock.
    @discardableResult
    package func disconnect(_ caller: Caller) async throws(DatabaseError) -> (any Error)? {
        try await runner.takingLock(toWrite: true) {
            Result { () throws(DatabaseError) in try disconnectAndRelease(caller) }
        }.get()
    }

    /// Clients that were connected when the database last stopped: they get their disconnect reducer now.
    ///
    /// - Returns: what reducers threw, for the log.
    func disconnectAllLeft() throws(DatabaseError) -> [any Error] {
        var left: [Caller] = []
        try runner.snapshot().forEachRow(of: tables.client) { row in
            if let caller = Caller(clientRow: row) { left.append(caller) }
        }
        var failures: [any Error] = []
        for caller in left { if let failure = try disconnect(caller) { failures.append(failure) } }
        return failures
    }

    private func disconnectAndRelease(_ caller: Caller) throws(DatabaseError) -> (any Error)? {
        defer { runner.releaseAndFinish() }
        guard isConnected(caller) else { return nil }
        func forget(_ reducer: Int?) throws {
            _ = try runner.run(
                .disconnect, reducer: reducer, arguments: [], as: caller,
                after: { transaction in try leave(caller, in: transaction) })
        }
        guard let reducer = runner.catalog.schema.reducer(for: .onDisconnect)?.id else {
            try disconnecting { try forget(nil) }
            return nil
        }
        do {
            try forget(reducer)
            return nil
        } catch let error as DatabaseError where runner.state.refusal != nil {
            throw error
        } catch {
            try disconnecting { try forget(nil) }
            return error
        }
    }

    /// Bookkeeping alone throws nothing but database errors.
    private func disconnecting(_ body: () throws -> Void) throws(DatabaseError) {
        do { try body() } catch let error as DatabaseError { throw error } catch {
            throw DatabaseError(.internalInconsistency, "a connection could not be forgotten: \(error)", cause: error)
        }
    }

    /// True if the client is in `st_client`. With the lock held.
    private func isConnected(_ caller: Caller) -> Bool {
        caller.clientRow.withUnsafeBytes { (try? runner.datastore.find(tables.clientKey, key: $0)) ?? nil } != nil
    }

    private func leave(_ caller: Caller, in transaction: TransactionReference) throws(DatabaseError) {
        _ = try caller.clientRow.withUnsafeBytes { bytes throws(DatabaseError) in
            try transaction.delete(tables.client, equalTo: bytes)
        }
        var key = BSATNWriter(reservingCapacity: 16)
        caller.connection.encode(to: &key)
        _ = try key.withUnsafeBytes { bytes throws(DatabaseError) in
            try transaction.delete(tables.credentialsKey, key: bytes)
        }
    }
}

extension Caller {
    /// The client that a row of `st_client` stands for.
    fileprivate init?(clientRow row: UnsafeRawBufferPointer) {
        var reader = BSATNReader(RawSpan(_unsafeBytes: row))
        guard let identity = try? Identity(from: &reader), let connection = try? ConnectionId(from: &reader) else {
            return nil
        }
        self.init(identity: identity, connection: connection)
    }

    /// The row of `st_client`, which is also its key.
    fileprivate var clientRow: BSATNWriter {
        var writer = BSATNWriter(reservingCapacity: 48)
        identity.encode(to: &writer)
        connection.encode(to: &writer)
        return writer
    }
}
