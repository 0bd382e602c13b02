import SpacetimeHost
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
    @usableFromInline let body: @Sendable (borrowing Context<Definition>, repeat each Argument) throws -> Void

    /// Makes a reducer out of a function or a closure. Costs nothing: a reducer is made for each call.
    ///
    /// - Parameters:
    ///   - name: the name that callers use.
    ///   - parameters: the names of the arguments for clients; any that are missing are called `arg0`, `arg1` and so on.
    ///     Evaluated only when a database is opened.
    ///   - lifecycle: the event at which the database calls the reducer itself.
    ///   - access: who may call it; a reducer with a `lifecycle` is private whatever this says.
    ///   - body: what a call does. It runs with the database's lock held, and everything it wrote is undone if it throws.
    @inlinable
    public init(
        _ name: StaticString, parameters: @autoclosure @escaping @Sendable () -> [String] = [],
        lifecycle: ReducerLifecycle? = nil, access: ReducerAccess = .public,
        _ body: @escaping @Sendable (borrowing Context<Definition>, repeat each Argument) throws -> Void
    ) {
        self.name = name
        self.parameters = parameters
        self.lifecycle = lifecycle
        self.access = access
        self.body = body
    }
}

/// A reducer of a module whose argument types are forgotten.
public struct AnyReducer<Definition: ModuleDefinition>: Sendable {
    let description: ReducerDescription
}

/// Everything about a reducer that the database needs to call it with bytes.
struct ReducerDescription: Sendable {
    let name: String
    let parameterNames: [String]
    let lifecycle: ReducerLifecycle?
    let access: ReducerAccess
    let parameterTypes: @Sendable (inout TypespaceBuilder) -> [AlgebraicType]
    let run: @Sendable (TransactionReference, UnsafeRawBufferPointer) throws -> Void
}

extension Reducer {
    var description: ReducerDescription {
        let body = body
        var names = parameters()
        var count = 0
        repeat count += Self.one((each Argument).self)
        for position in min(names.count, count)..<count { names.append("arg\(position)") }
        return ReducerDescription(
            name: name.description, parameterNames: Array(names.prefix(count)), lifecycle: lifecycle,
            access: access,
            parameterTypes: { types in
                var list: [AlgebraicType] = []
                repeat list.append((each Argument).algebraicType(in: &types))
                return list
            },
            run: { transaction, bytes in
                var position = 0
                let arguments = (repeat try Self.decode((each Argument).self, bytes, &position))
                guard position == bytes.count else {
                    throw Self.malformed(.trailingBytes(at: position, count: bytes.count - position))
                }
                let context = Context<Definition>(transaction)
                try body(context, repeat each arguments)
            })
    }

    // A reader of its own for each argument: Swift 6.3 crashes over one that a pack expansion passes on.
    private static func decode<Value: SpacetimeType>(
        _ type: Value.Type, _ bytes: UnsafeRawBufferPointer, _ position: inout Int
    ) throws(DatabaseError) -> Value {
        var reader = BSATNReader(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: bytes[position...])))
        do throws(BSATNError) {
            let value = try Value(from: &reader)
            position += reader.offset
            return value
        } catch {
            throw malformed(error)
        }
    }

    private static func malformed(_ error: BSATNError) -> DatabaseError {
        DatabaseError(.badArguments, "the arguments are not what the reducer takes: \(error)", cause: error)
    }

    private static func one<Value>(_ type: Value.Type) -> Int { 1 }
}
