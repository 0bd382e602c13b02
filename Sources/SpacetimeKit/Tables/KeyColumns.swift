public import SpacetimeSATS

/// The types of the columns of an index over several columns, in key order: ``KeyColumns2`` to ``KeyColumns5``.
///
/// A list of names rather than a tuple or a pack, so that a literal in `filter("lobby", 1...9)` has its type at once.
public protocol KeyColumns {
    /// The type of the first column.
    associatedtype First: SpacetimeType
    /// The type of the second column.
    associatedtype Second: SpacetimeType
    /// The tuple of all types.
    associatedtype Values
}

/// At least three columns.
public protocol _KeyColumns3: KeyColumns {
    associatedtype Third: SpacetimeType
}

/// At least four columns.
public protocol _KeyColumns4: _KeyColumns3 {
    associatedtype Fourth: SpacetimeType
}

/// At least five columns.
public protocol _KeyColumns5: _KeyColumns4 {
    associatedtype Fifth: SpacetimeType
}

/// Two columns.
public struct KeyColumns2<First: SpacetimeType, Second: SpacetimeType>: KeyColumns {
    public typealias Values = (First, Second)
}

/// Three columns.
public struct KeyColumns3<First: SpacetimeType, Second: SpacetimeType, Third: SpacetimeType>: _KeyColumns3 {
    public typealias Values = (First, Second, Third)
}

/// Four columns.
public struct KeyColumns4<
    First: SpacetimeType, Second: SpacetimeType, Third: SpacetimeType, Fourth: SpacetimeType
>: _KeyColumns4 {
    public typealias Values = (First, Second, Third, Fourth)
}

/// Five columns or more.
public struct KeyColumns5<
    First: SpacetimeType, Second: SpacetimeType, Third: SpacetimeType, Fourth: SpacetimeType, Fifth: SpacetimeType,
    each Rest: SpacetimeType
>: _KeyColumns5 {
    public typealias Values = (First, Second, Third, Fourth, Fifth, repeat each Rest)
}
