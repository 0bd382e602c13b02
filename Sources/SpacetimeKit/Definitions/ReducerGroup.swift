/// Reducers, procedures and handlers of a module that stand in an enum of their own. Conformance comes from
/// ``Reducers(of:)``.
public protocol ReducerGroup: SendableMetatype {
    /// The module that the reducers belong to.
    associatedtype Definition: ModuleDefinition
    static var _spacetimeFunctions: [AnyFunction<Definition>] { get }
}

/// The groups of reducers of a module that stand outside of its enum: `static let reducers = Reducers(Combat.self)`.
///
/// ``Module(name:)`` reads the list from the source; at run time it carries nothing. The order does not matter to clients,
/// who call reducers by name.
public struct Reducers: Sendable {
    /// - Parameter groups: enums with ``Reducers(of:)``.
    public init(_ groups: any ReducerGroup.Type...) {}
}

extension ModuleDefinition {
    // Chosen if the module has no function for this very group.
    @available(
        *, unavailable,
        message: "the module does not list this group of reducers; add it: static let reducers = Reducers(...)"
    )
    public static func _spacetimeLists<Group: ReducerGroup>(_ group: Group.Type) {}
}
