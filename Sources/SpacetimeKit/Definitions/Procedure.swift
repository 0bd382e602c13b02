import SpacetimeHost
public import SpacetimeSATS

/// A function of a module that runs outside of transactions, as a value: what `@Procedure` makes of a static function,
/// and what ``Database/call(_:_:until:)`` takes.
///
/// In a module built at run time it is made from a closure:
///
/// ```swift
/// let count = Procedure("count", parameters: ["room"]) {
///     (context: ProcedureContext<DynamicModule>, room: String) async throws -> UInt64 in
///     try await context.withTransaction { UInt64($0.table(Message.self).room.filter(room).count) }
/// }
/// ```
public struct Procedure<Definition: ModuleDefinition, Result: SpacetimeType, each Argument: SpacetimeType>: Sendable {
    /// The name that callers use.
    public let name: StaticString
    private let parameters: @Sendable () -> [String]
    private let options: [ProcedureOption]
    private let body: @Sendable (ProcedureContext<Definition>, repeat each Argument) async throws -> Result

    /// Makes a procedure out of a function or a closure.
    ///
    /// - Parameters:
    ///   - name: the name that callers use.
    ///   - parameters: the names of the arguments for clients; any that are missing are called `arg0`, `arg1` and so
    ///     on.
    ///   - options: who may call it, and whether it outlives a restart.
    ///   - body: what a call does. Many run at once. One that has nothing to return returns ``NoValue``.
    public init(
        _ name: StaticString, parameters: @autoclosure @escaping @Sendable () -> [String] = [],
        _ options: ProcedureOption...,
        body: @escaping @Sendable (ProcedureContext<Definition>, repeat each Argument) async throws -> Result
    ) {
        self.name = name
        self.parameters = parameters
        self.options = options
        self.body = body
    }
}

/// What a ``Procedure`` is, beside a function that clients may call.
public enum ProcedureOption: Hashable, Sendable {
    /// Every client may call it. This is the default.
    case `public`
    /// The owner of the database may call it. To clients there is no such procedure.
    case `private`
    /// A row of a schedule table is due. The procedure's one argument is the row; see <doc:Schedules>. It is private.
    case scheduled
    /// A call outlives a crash: it goes on behind the last of its ``ProcedureContext/step(_:_:)`` that was
    /// finished.
    case durable
}

/// Everything about a procedure that the database needs to call it with bytes.
struct ProcedureDescription: Sendable {
    let name: String
    let parameterNames: [String]
    let options: Set<ProcedureOption>
    let parameterTypes: @Sendable (inout TypespaceBuilder) -> [AlgebraicType]
    let resultType: @Sendable (inout TypespaceBuilder) -> AlgebraicType
    let run: @Sendable (ProcedureCall, [UInt8]) async throws -> [UInt8]
}

extension Procedure {
    var description: ProcedureDescription {
        let body = body
        var count = 0
        repeat count += ArgumentBytes.one((each Argument).self)
        return ProcedureDescription(
            name: name.description, parameterNames: ArgumentBytes.names(parameters(), count: count),
            options: Set(options),
            parameterTypes: { types in
                var list: [AlgebraicType] = []
                repeat list.append((each Argument).algebraicType(in: &types))
                return list
            },
            resultType: { Result.algebraicType(in: &$0) },
            run: { call, bytes in
                let arguments = try Self.decode(bytes)
                return try await body(ProcedureContext(call), repeat each arguments).bsatn()
            })
    }

    private static func decode(_ bytes: [UInt8]) throws -> (repeat each Argument) {
        try bytes.withUnsafeBytes { bytes in
            var position = 0
            let arguments = (repeat try ArgumentBytes.decode((each Argument).self, bytes, &position))
            try ArgumentBytes.requireEnd(bytes, at: position)
            return (repeat each arguments)
        }
    }
}
