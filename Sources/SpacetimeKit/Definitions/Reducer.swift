public import SpacetimeHost
public import SpacetimeSATS

/// A function of a module that runs as one transaction, as a value: what `@Reducer` makes of a static
/// function, and what ``Database/call(_:_:until:)`` takes.
///
/// In a module built at run time it is made from a closure:
///
/// ```swift
/// let send = Reducer("send", parameters: ["text"]) { (context: borrowing ReducerContext, text: String) in
///     try context.table(Message.self).insert(Message(id: 0, room: "lobby", text: text))
/// }
/// ```
public struct Reducer<Definition: ModuleDefinition, each Argument: SpacetimeType>: Sendable {
    /// The name that callers use.
    public let name: StaticString
    @usableFromInline let parameters: @Sendable () -> [String]
    @usableFromInline let lifecycle: ReducerLifecycle?
    @usableFromInline let access: ReducerAccess
    @usableFromInline let rate: @Sendable () -> RateLimit?
    @usableFromInline let body: @Sendable (borrowing Context<Definition>, repeat each Argument) throws -> Void

    /// Makes a reducer out of a function or a closure. Costs nothing: a reducer is made for each call.
    ///
    /// - Parameters:
    ///   - name: the name that callers use.
    ///   - parameters: the names of the arguments for clients; any that are missing are called `arg0`, `arg1` and so on.
    ///     Evaluated only when a database is opened.
    ///   - lifecycle: the event at which the database calls the reducer itself.
    ///   - access: who may call it; a reducer with a `lifecycle` is private whatever this says.
    ///   - rate: how often one client of a server may call it. Evaluated only when a database is opened.
    ///   - body: what a call does. It runs with the database's lock held, and everything it wrote is undone if it throws.
    @inlinable
    public init(
        _ name: StaticString, parameters: @autoclosure @escaping @Sendable () -> [String] = [],
        lifecycle: ReducerLifecycle? = nil, access: ReducerAccess = .public,
        rate: @autoclosure @escaping @Sendable () -> RateLimit? = nil,
        _ body: @escaping @Sendable (borrowing Context<Definition>, repeat each Argument) throws -> Void
    ) {
        self.name = name
        self.parameters = parameters
        self.lifecycle = lifecycle
        self.access = access
        self.rate = rate
        self.body = body
    }
}

/// Everything about a reducer that the database needs to call it with bytes.
struct ReducerDescription: Sendable {
    let name: String
    let parameterNames: [String]
    let lifecycle: ReducerLifecycle?
    let access: ReducerAccess
    let rate: RateLimit?
    let parameterTypes: @Sendable (inout TypespaceBuilder) -> [AlgebraicType]
    /// The type of the first argument, if there is one.
    let firstParameter: ObjectIdentifier?
    let run: @Sendable (TransactionReference, UnsafeRawBufferPointer) throws -> Void
}

extension Reducer {
    var description: ReducerDescription {
        let body = body
        var count = 0
        var first: ObjectIdentifier?
        repeat count += ArgumentBytes.one((each Argument).self)
        repeat first = first ?? ObjectIdentifier((each Argument).self)
        return ReducerDescription(
            name: name.description, parameterNames: ArgumentBytes.names(parameters(), count: count),
            lifecycle: lifecycle, access: access, rate: rate(),
            parameterTypes: { types in
                var list: [AlgebraicType] = []
                repeat list.append((each Argument).algebraicType(in: &types))
                return list
            },
            firstParameter: first,
            run: { transaction, bytes in
                var position = 0
                let arguments = (repeat try ArgumentBytes.decode((each Argument).self, bytes, &position))
                try ArgumentBytes.requireEnd(bytes, at: position)
                let context = Context<Definition>(transaction)
                try body(context, repeat each arguments)
            })
    }
}
