/// How composites are written as JSON. Scalars look the same in every style; readers accept all of them.
public enum JSONStyle: Hashable, Sendable, CaseIterable {
    /// Style A, for values that are written together with their type: fields and variants by name, unit as `{}`.
    case typed
    /// Style B, of module definitions, types and protocol messages: as ``typed``, but unit is `[]`.
    case host
    /// Style C, of rows in the text protocol: fields by name, variants as `[tag, payload]`; ``untyped`` inside arrays.
    case row
    /// Style D, of values without type: fields as an array, variants as `[tag, payload]`, unit as `[]`.
    case untyped
}
