public import SpacetimeSATS

// What generated code calls for each column, field, value of a case, and reducer.
//
// Most functions exist twice. The compiler takes the first form if the type conforms to ``SpacetimeType``, and always
// inlines it, so that it costs nothing. The second form accepts any other type and never runs: one of its kind is
// unavailable and says what is missing, the others keep quiet, so that a forgotten `@SpacetimeType` is one error that can
// be read, and not one for each line of generated code.
//
// Reading and writing values goes to the types themselves: a generic function in between, inlined or not, would call
// through the type's witness table, which costs several times what reading a number costs.

@inlinable @inline(__always)
public func _spacetimeType<Value: SpacetimeType>(
    _ type: Value.Type, _ types: inout TypespaceBuilder
) -> AlgebraicType {
    type.algebraicType(in: &types)
}

@available(
    *, unavailable,
    message: "a column, field or argument needs a type that can be stored: add @SpacetimeType to its struct or enum"
)
public func _spacetimeType<Value>(_ type: Value.Type, _ types: inout TypespaceBuilder) -> AlgebraicType {
    neverCompiled()
}

// The payload of a case, in code that is compiled and never called.
public func _spacetimeStored<Value: SpacetimeType>(_ value: Value) {}

@available(
    *, unavailable,
    message: "the payload of a case needs a type that can be stored: add @SpacetimeType to its struct or enum"
)
public func _spacetimeStored<Value>(_ value: Value) { neverCompiled() }

@inlinable @inline(__always)
public func _spacetimeSize<Value: SpacetimeType>(_ type: Value.Type) -> Int? { type.bsatnFixedSize }

public func _spacetimeSize<Value>(_ type: Value.Type) -> Int? { neverCompiled() }

// A function without its argument types, to be listed in a ``ModuleContent``.

public func _spacetimeErased<Definition: ModuleDefinition, each Argument: SpacetimeType>(
    _ reducer: Reducer<Definition, repeat each Argument>
) -> AnyFunction<Definition> {
    AnyFunction(description: .reducer(reducer.description))
}

public func _spacetimeErased<Definition: ModuleDefinition, Result: SpacetimeType, each Argument: SpacetimeType>(
    _ procedure: Procedure<Definition, Result, repeat each Argument>
) -> AnyFunction<Definition> {
    AnyFunction(description: .procedure(procedure.description))
}

public func _spacetimeErased<Definition: ModuleDefinition>(_ handler: Handler<Definition>) -> AnyFunction<Definition> {
    AnyFunction(description: .handler(handler.description))
}

public func _spacetimeErased<Definition: ModuleDefinition, Row: TableRow>(
    _ view: ModuleView<Definition, Row>
) -> AnyFunction<Definition> {
    AnyFunction(description: .view(view.description))
}

public func _spacetimeErased<Definition: ModuleDefinition, Row: TableRow, each Argument: SpacetimeType>(
    _ view: ParameterizedModuleView<Definition, Row, repeat each Argument>
) -> AnyFunction<Definition> {
    AnyFunction(description: .view(view.description))
}

// The function itself, where no value could be made of it.
@available(
    *, unavailable,
    message: "a reducer's arguments need types that can be stored: add @SpacetimeType to their structs and enums"
)
public func _spacetimeErased<Definition: ModuleDefinition, each Argument>(
    _ reducer: (borrowing Context<Definition>, repeat each Argument) throws -> Void
) -> AnyFunction<Definition> {
    neverCompiled()
}

@available(
    *, unavailable,
    message: """
        what a procedure or a view takes and returns needs types that can be stored: add @SpacetimeType to their structs and \
        enums, and @Table to the rows of a view
        """
)
// (Taken as `Any`: converting it to a type of `async` functions crashes the 6.3 compiler once it has reported the error.)
public func _spacetimeErased<Definition: ModuleDefinition>(_ procedure: Any) -> AnyFunction<Definition> {
    neverCompiled()
}

/// The bytes that all values of a product take, or nil if they differ: the sum, if every part has a fixed size.
@inlinable
public func _fixedSize(_ sizes: Int?...) -> Int? {
    var total = 0
    for size in sizes {
        guard let size else { return nil }
        total += size
    }
    return total
}

private func neverCompiled() -> Never {
    fatalError("a program that calls this does not compile: its type does not conform to SpacetimeType")
}
