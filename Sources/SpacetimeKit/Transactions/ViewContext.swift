public import SpacetimeHost
public import SpacetimeSATS

/// What a view knows about its call: who looks, and the tables. It has no time and no random numbers, since nothing would call the
/// view again when these change.
///
/// ```swift
/// @View static func own(_ context: borrowing ViewContext) -> Score? {
///     context.db.score.player.find(context.sender)
/// }
/// ```
///
/// It cannot be copied or kept: the compiler sees to it that it does not outlive the call.
public struct ViewContext<Definition: ModuleDefinition>: ~Copyable {
    @usableFromInline let transaction: TransactionReference

    @usableFromInline
    init(_ transaction: TransactionReference) { self.transaction = transaction }

    /// The tables of the module, private ones too. Writing to them throws ``DatabaseError/Code/readOnly``.
    @inlinable
    public var db: Definition.TableHandles { Definition.TableHandles(_spacetimeTransaction: transaction) }

    /// The identity of who looks.
    @inlinable
    public var sender: Identity { transaction.caller.identity }

    /// The identity of the database.
    @inlinable
    public var identity: Identity { transaction.runner.catalog.identity }

    /// The owner of the database.
    @inlinable
    public var owner: Identity { transaction.runner.catalog.owner.identity }

    /// Writes to the module's log. A view runs when somebody looks at it or what it has read has changed, so a line does not say
    /// that anything has happened.
    public var log: LogWriter { LogWriter(view: transaction) }

    /// The table whose rows have that type. Stops the program if the module has none.
    ///
    /// - Parameters:
    ///   - row: the row type.
    ///   - name: which one, if the type has several tables; by default its own.
    public func table<Row: TableRow>(_ row: Row.Type, name: String? = nil) -> Row.Handle {
        _table(row, name, in: transaction)
    }
}

/// What a view that is the same for all knows about its call: the tables, and not who looks.
///
/// ```swift
/// @View static func best(_ context: borrowing AnonymousViewContext) -> QueryWindow<Score> {
///     Score.all.orderBy { $0.points.descending }.limit(10)
/// }
/// ```
public struct AnonymousViewContext<Definition: ModuleDefinition>: ~Copyable {
    @usableFromInline let transaction: TransactionReference

    @usableFromInline
    init(_ transaction: TransactionReference) { self.transaction = transaction }

    /// The tables of the module, private ones too. Writing to them throws ``DatabaseError/Code/readOnly``.
    @inlinable
    public var db: Definition.TableHandles { Definition.TableHandles(_spacetimeTransaction: transaction) }

    /// The identity of the database.
    @inlinable
    public var identity: Identity { transaction.runner.catalog.identity }

    /// The owner of the database.
    @inlinable
    public var owner: Identity { transaction.runner.catalog.owner.identity }

    /// Writes to the module's log. A view runs when somebody looks at it or what it has read has changed, so a line does not say
    /// that anything has happened.
    public var log: LogWriter { LogWriter(view: transaction) }

    /// The table whose rows have that type. Stops the program if the module has none.
    ///
    /// - Parameters:
    ///   - row: the row type.
    ///   - name: which one, if the type has several tables; by default its own.
    public func table<Row: TableRow>(_ row: Row.Type, name: String? = nil) -> Row.Handle {
        _table(row, name, in: transaction)
    }
}
