import SpacetimeSATS

/// A reducer, procedure, handler or view of a module whose argument types are forgotten.
public struct AnyFunction<Definition: ModuleDefinition>: Sendable {
    let description: FunctionDescription
}

/// Everything about a function that the database needs to call it with bytes.
enum FunctionDescription: Sendable {
    case reducer(ReducerDescription)
    case procedure(ProcedureDescription)
    case handler(HandlerDescription)
    case view(ViewDescription)
}
