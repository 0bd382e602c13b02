/// Collects the declared types of a module while its tables and functions describe themselves.
public struct TypespaceBuilder: Sendable {
    /// What was declared so far.
    public private(set) var typespace = Typespace()

    /// Names and references of the declared types, in the order of declaration.
    public private(set) var names: [(name: String, ref: UInt32)] = []

    /// References of the declared types whose names nobody wrote: they may be changed where they are taken.
    public private(set) var generatedNames: Set<UInt32> = []

    private var refs: [ObjectIdentifier: UInt32] = [:]

    /// Starts with nothing declared.
    public init() {}

    /// Declares `type` under `name` on its first use and returns a reference to it on every use.
    ///
    /// The reference is reserved before `body` runs, so `body` may use `type` itself: that is how recursive types are
    /// declared. Two different types of the same name are both entered; the schema's validation reports them.
    ///
    /// - Parameters:
    ///   - type: the Swift type that is declared; it is known again by its identity.
    ///   - name: what clients call it.
    ///   - isGenerated: true if `name` was made out of others rather than written by somebody.
    ///   - body: makes the type, and may declare others meanwhile. Called on the first use only.
    public mutating func declare<T>(
        _ type: T.Type, name: String, isGenerated: Bool = false, _ body: (inout TypespaceBuilder) -> AlgebraicType
    ) -> AlgebraicType {
        let key = ObjectIdentifier(type)
        if let known = refs[key] { return .ref(known) }
        let ref = UInt32(typespace.types.count)
        refs[key] = ref
        names.append((name, ref))
        if isGenerated { generatedNames.insert(ref) }
        typespace.types.append(.unit)
        let declared = body(&self)
        typespace.types[Int(ref)] = declared
        return .ref(ref)
    }
}
