public import SpacetimeHost
public import SpacetimeSATS

/// What a reducer knows about its call, and its access to the tables.
///
/// It cannot be copied or kept: the compiler sees to it that it does not outlive the call.
///
/// ```swift
/// @Reducer static func send(_ context: borrowing Context, room: String, text: String) throws {
///     guard !text.isEmpty else { throw SenderError("a message needs text") }
///     try context.db.message.insert(
///         Message(id: 0, sender: context.sender, room: room, sent: context.timestamp, text: text))
/// }
/// ```
public struct Context<Definition: ModuleDefinition>: ~Copyable {
    @usableFromInline package let transaction: TransactionReference

    @inlinable
    package init(_ transaction: TransactionReference) { self.transaction = transaction }

    /// The tables of the module.
    @inlinable
    public var db: Definition.TableHandles { Definition.TableHandles(_spacetimeTransaction: transaction) }

    /// The identity of the caller.
    @inlinable
    public var sender: Identity { transaction.caller.identity }

    /// The connection over which the call came; nil if it came over none.
    @inlinable
    public var connectionID: ConnectionId? {
        let connection = transaction.caller.connection
        return connection.isNone ? nil : connection
    }

    /// The time of the call. It stands still during the call.
    @inlinable
    public var timestamp: Timestamp { transaction.timestamp }

    /// The identity of the database.
    @inlinable
    public var identity: Identity { transaction.runner.catalog.identity }

    /// The owner of the database, on whose behalf ``Database/call(_:_:until:)`` runs: `context.sender == context.owner`.
    @inlinable
    public var owner: Identity { transaction.runner.catalog.owner.identity }

    /// Random numbers for this call: `Int.random(in: 1...6, using: &context.random)`.
    ///
    /// The sequence follows from the time and the place of the call in the history of the database, so that a recorded
    /// call can be run again with the same result. Not for secrets.
    @inlinable
    public var random: ContextRandom {
        get { ContextRandom(transaction) }
        // All copies draw from the same generator, so there is nothing to write back.
        nonmutating set {}
    }

    /// Writes to the module's log: `context.log.info("\(sender) has joined")`.
    ///
    /// What is written stays if the call fails.
    public var log: LogWriter { LogWriter(transaction) }

    /// The table whose rows have that type. Stops the program if the module has none.
    ///
    /// - Parameters:
    ///   - row: the row type.
    ///   - name: which one, if the type has several tables; by default its own.
    public func table<Row: TableRow>(_ row: Row.Type, name: String? = nil) -> Row.Handle {
        _table(row, name, in: transaction)
    }

    /// Runs `body`, and undoes its writes, and only those, if it throws.
    ///
    /// ```swift
    /// do {
    ///     try context.savepoint { try buy(context) }
    /// } catch let error as SenderError {
    ///     print(error.message)  // the reducer goes on
    /// }
    /// ```
    ///
    /// Values that sequences handed out stay used.
    @inlinable @discardableResult
    public func savepoint<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let savepoint = transaction.savepoint()
        do {
            return try body()
        } catch {
            transaction.rollback(to: savepoint)
            throw error
        }
    }

    /// Notes what is to be done if this call fails, once it has been undone: in a transaction of its own, on behalf of the
    /// same caller, at the same time, before anybody else's call. For what has to survive: an audit, a count of failures,
    /// a ban.
    ///
    /// ```swift
    /// let sender = context.sender
    /// try context.afterRollback { context in
    ///     try context.db.failure.insert(Failure(id: 0, who: sender, when: context.timestamp))
    /// }
    /// guard password == expected else { throw SenderError("wrong password") }  // the row stays
    /// ```
    ///
    /// Several are done in the order in which they were noted, each in its own transaction, also those that were noted
    /// inside a ``savepoint(_:)`` that was undone. If one throws, it alone is undone, and
    /// ``DatabaseOptions/onAfterRollbackFailure`` is told: the caller gets what the call itself threw. None is done if the
    /// call succeeds, if a database could not be created (`.initialize`), or if the process ends before that.
    ///
    /// - Throws: ``DatabaseError`` with code `readOnly` or `transactionEnded` outside a call.
    public func afterRollback(
        _ work: @escaping (borrowing Context<Definition>) throws -> Void
    ) throws {
        try transaction.afterRollback { try work(Context($0)) }
    }

    /// A random UUID (version 4), from ``random``.
    public func newUUIDv4() -> Uuid {
        var random = random
        return .v4(random: UInt128(random.next()) << 64 | UInt128(random.next()))
    }

    /// A UUID (version 7) that sorts by the time of the call and, within a call, by the order of making.
    public func newUUIDv7() -> Uuid {
        var random = random
        return .version7(at: timestamp, counter: transaction.nextUUIDCounter(), random: random.next())
    }
}

extension Uuid {
    static func version7(at timestamp: Timestamp, counter: UInt32, random: UInt64) -> Uuid {
        let milliseconds = UInt128(UInt64(bitPattern: timestamp.microsecondsSinceUnixEpoch) / 1000) << 80
        // The twelve bits after the version and the next thirty count, the rest is random.
        let counter = UInt128(counter)
        let high = (counter >> 30 & 0xFFF) << 64
        let low = (counter & 0x3FFF_FFFF) << 32 | UInt128(random & 0xFFFF_FFFF)
        return Uuid(number: milliseconds | high | low | 0x7000_8000_0000_0000_0000)
    }
}

/// The random numbers of a call. Copies share one sequence.
public struct ContextRandom: RandomNumberGenerator {
    @usableFromInline let transaction: TransactionReference

    @inlinable
    init(_ transaction: TransactionReference) { self.transaction = transaction }

    @inlinable
    public mutating func next() -> UInt64 { transaction.nextRandom() }
}

extension TableHandles {
    /// The table whose rows have that type. Stops the program if the module has none.
    ///
    /// - Parameters:
    ///   - row: the row type.
    ///   - name: which one, if the type has several tables; by default its own.
    public func table<Row: TableRow>(_ row: Row.Type, name: String? = nil) -> Row.Handle {
        _table(row, name, in: _spacetimeTransaction)
    }
}

func _table<Row: TableRow>(_ row: Row.Type, _ name: String?, in transaction: TransactionReference) -> Row.Handle {
    do throws(DatabaseError) {
        let position = try transaction.runner.catalog.tablePosition(
            of: ObjectIdentifier(row), named: name, rowType: "\(row)")
        return Row.Handle(_spacetimeReference: TableReference(transaction, table: position))
    } catch { fatalError(error.message) }
}
