import SpacetimeEngine
package import SpacetimeSATS
import SpacetimeSchema

/// Clients coming and going.
extension DatabaseCore {
    /// Registers a connection and runs the module's `client_connected`, in one transaction.
    ///
    /// - Parameters:
    ///   - credentials: the payload of the client's token, kept for the module to read while the connection lasts.
    ///   - connection: nil draws a fresh id.
    /// - Throws: what the reducer threw to refuse the client. Nothing persists then.
    package func connect(
        _ identity: Identity, connection: ConnectionId? = nil, credentials: String
    ) throws -> Caller {
        try acquireForWrite()
        return try connectAndRelease(identity, connection, credentials)
    }

    /// The same for tasks: it suspends while others have the lock.
    package func connect(
        _ identity: Identity, connection: ConnectionId? = nil, credentials: String
    ) async throws -> Caller {
        if try !acquireForWriteIfFree() {
            try await lockForWriteSuspending()
            adoptLock()
        }
        return try connectAndRelease(identity, connection, credentials)
    }

    private func connectAndRelease(
        _ identity: Identity, _ connection: ConnectionId?, _ credentials: String
    ) throws -> Caller {
        let caller = Caller(identity: identity, connection: connection ?? drawConnectionId())
        _ = try runAndRelease(
            .connect, reducer: schema.reducer(for: .onConnect)?.id, arguments: [], as: caller,
            before: { transaction in try self.addBookkeeping(of: caller, credentials: credentials, in: transaction) })
        return caller
    }

    /// Runs the module's `client_disconnected` and forgets the connection, in one transaction. If the reducer fails its
    /// changes are undone and the connection is forgotten in a second one. Does nothing if it is gone already.
    ///
    /// - Returns: what the reducer threw, for the log; nobody else hears of it.
    /// - Throws: only if the call could not be made at all: from inside a transaction, or on a database that takes no
    ///   more writes.
    @discardableResult
    package func disconnect(_ caller: Caller) throws(DatabaseError) -> (any Error)? {
        try acquireForWrite()
        return try disconnectAndRelease(caller)
    }

    /// The same for tasks: it suspends while others have the lock.
    @discardableResult
    package func disconnect(_ caller: Caller) async throws(DatabaseError) -> (any Error)? {
        if try !acquireForWriteIfFree() {
            try await lockForWriteSuspending()
            adoptLock()
        }
        return try disconnectAndRelease(caller)
    }

    private func disconnectAndRelease(_ caller: Caller) throws(DatabaseError) -> (any Error)? {
        defer {
            release()
            outbox.drain()
            maintainStore()
        }
        guard isConnected(caller) else { return nil }
        func forget(_ reducer: Int?) throws {
            _ = try run(
                .disconnect, reducer: reducer, arguments: [], as: caller,
                after: { transaction in try self.removeBookkeeping(of: caller, in: transaction) })
        }
        guard let reducer = schema.reducer(for: .onDisconnect)?.id else {
            return try disconnecting { try forget(nil) }
        }
        do {
            try forget(reducer)
            return nil
        } catch let error as DatabaseError where state.pointee.refusal != nil {
            throw error
        } catch {
            _ = try disconnecting { try forget(nil) }
            return error
        }
    }

    /// Bookkeeping alone throws nothing but database errors.
    private func disconnecting(_ body: () throws -> Void) throws(DatabaseError) -> (any Error)? {
        do {
            try body()
            return nil
        } catch let error as DatabaseError {
            throw error
        } catch {
            throw DatabaseError(.internalInconsistency, "a connection could not be forgotten: \(error)", cause: error)
        }
    }

    /// True if the client is in `st_client`. With the lock held.
    private func isConnected(_ caller: Caller) -> Bool {
        let key = clientRow(caller)
        return key.withUnsafeBytes { (try? datastore.find(systemTables.clientKey, key: $0)) ?? nil } != nil
    }

    private func drawConnectionId() -> ConnectionId {
        while true {
            let high = hostRandom.pointee.next()
            let number = UInt128(high) << 64 | UInt128(hostRandom.pointee.next())
            if number != 0 { return ConnectionId(number: number) }
        }
    }

    private func clientRow(_ caller: Caller) -> BSATNWriter {
        var writer = BSATNWriter(reservingCapacity: 48)
        caller.identity.encode(to: &writer)
        caller.connection.encode(to: &writer)
        return writer
    }

    private func addBookkeeping(
        of caller: Caller, credentials: String, in transaction: TransactionReference
    ) throws(DatabaseError) {
        var writer = BSATNWriter()
        caller.connection.encode(to: &writer)
        writer.write(credentials)
        let isNew = try writer.withUnsafeMutableBytes { bytes throws(DatabaseError) in
            try transaction.insert(systemTables.credentials, trusted: bytes)
        }
        // An identical row is no violation, but here it means that the id is taken.
        guard isNew else {
            throw DatabaseError(.uniqueViolation, "the connection id \(caller.connection) is in use; take another one")
        }
        var row = clientRow(caller)
        _ = try row.withUnsafeMutableBytes { bytes throws(DatabaseError) in
            try transaction.insert(systemTables.client, trusted: bytes)
        }
    }

    private func removeBookkeeping(
        of caller: Caller, in transaction: TransactionReference
    ) throws(DatabaseError) {
        _ = try clientRow(caller).withUnsafeBytes { bytes throws(DatabaseError) in
            try transaction.delete(systemTables.client, equalTo: bytes)
        }
        var key = BSATNWriter(reservingCapacity: 16)
        caller.connection.encode(to: &key)
        _ = try key.withUnsafeBytes { bytes throws(DatabaseError) in
            try transaction.delete(systemTables.credentialsKey, key: bytes)
        }
    }
}

extension Caller {
    /// The client that a row of `st_client` stands for.
    init?(clientRow row: UnsafeRawBufferPointer) {
        var reader = BSATNReader(RawSpan(_unsafeBytes: row))
        guard let identity = try? Identity(from: &reader), let connection = try? ConnectionId(from: &reader) else {
            return nil
        }
        self.init(identity: identity, connection: connection)
    }
}
