import SpacetimeSATS
import SpacetimeSchema

/// The reducers of a module by name, and who may call them.
struct ReducerTable: ~Copyable {
    private let reducers: [ReducerSchema]
    /// Which of them anybody may call: whoever asks need not look at the schema, which is made of a dozen objects.
    private let isOpen: [Bool]
    private let positions: [String: Int]
    private let owner: Identity
    /// From the address of a reducer's name in the program to the reducer. Guarded by the database's lock.
    private let cache: UnsafeMutablePointer<Slot>
    private static let cacheCapacity = 64

    private struct Slot {
        var address: UInt = 0
        var reducer = -1
        /// Only the owner may call it.
        var isPrivate = false
    }

    init(_ schema: ModuleSchema, owner: Identity) {
        reducers = schema.reducers
        isOpen = schema.reducers.map { $0.lifecycle == nil && $0.isClientCallable }
        self.owner = owner
        // Canonical names win over the names that the module wrote.
        var positions: [String: Int] = [:]
        for (id, reducer) in schema.reducers.enumerated() { positions[reducer.name] = id }
        for (id, reducer) in schema.reducers.enumerated() where positions[reducer.sourceName] == nil {
            positions[reducer.sourceName] = id
        }
        self.positions = positions
        cache = .allocate(capacity: Self.cacheCapacity)
        cache.initialize(repeating: Slot(), count: Self.cacheCapacity)
    }

    deinit { cache.deallocate() }

    // MARK: By the names of typed code

    /// The position of a reducer that typed code names by a literal. With the lock held.
    ///
    /// - Parameter caller: nil for the owner.
    @inline(__always)
    func position(of name: StaticString, calledBy caller: Caller?) throws(DatabaseError) -> Int {
        let slot = try slot(name)
        if let caller, slot.isPrivate, caller.identity != owner { throw noSuchReducer(name.description) }
        return slot.reducer
    }

    @inline(__always)
    private func slot(_ name: StaticString) throws(DatabaseError) -> Slot {
        guard name.hasPointerRepresentation else { return try find(name, address: 0) }
        let address = UInt(bitPattern: name.utf8Start)
        let slot = cache + Int((address &* 0x9E37_79B9_7F4A_7C15) >> 58)
        if slot.pointee.address != address { slot.pointee = try find(name, address: address) }
        return slot.pointee
    }

    @inline(never)
    private func find(_ name: StaticString, address: UInt) throws(DatabaseError) -> Slot {
        // A typed call names the reducer as the module does; another reducer's canonical name must not shadow it.
        let text = name.description
        guard let id = reducers.firstIndex(where: { $0.sourceName == text }) else { throw noSuchReducer(text) }
        if let lifecycle = reducers[id].lifecycle { throw notCallable(text, lifecycle) }
        return Slot(address: address, reducer: id, isPrivate: !reducers[id].isClientCallable)
    }

    // MARK: By other names

    func position(of name: String, calledBy caller: Caller) throws(DatabaseError) -> Int {
        guard let id = positions[name] else { throw noSuchReducer(name) }
        try requireCallable(id, calledAs: name, by: caller)
        return id
    }

    /// The reducer that the module itself names, whoever may call it; nil if there is none, or the database calls it.
    func position(ofAny name: String) -> Int? {
        positions[name].flatMap { reducers[$0].lifecycle == nil ? $0 : nil }
    }

    /// - Throws: `noSuchReducer` unless there is a reducer at this position that the caller may call.
    @inline(__always)
    func requireCallable(_ position: Int, by caller: Caller) throws(DatabaseError) {
        if position >= 0, position < isOpen.count, isOpen[position] { return }
        try requireSpecial(position, by: caller)
    }

    @inline(never)
    private func requireSpecial(_ position: Int, by caller: Caller) throws(DatabaseError) {
        guard reducers.indices.contains(position) else { throw noSuchReducer("#\(position)") }
        try requireCallable(position, calledAs: "#\(position)", by: caller)
    }

    /// - Parameter name: what the caller called it. The error for a private reducer says it again, as it would if there
    ///   were no such reducer.
    private func requireCallable(_ id: Int, calledAs name: String, by caller: Caller) throws(DatabaseError) {
        let reducer = reducers[id]
        if let lifecycle = reducer.lifecycle { throw notCallable(reducer.name, lifecycle) }
        if !reducer.isClientCallable && caller.identity != owner { throw noSuchReducer(name) }
    }

    @inline(never)
    func noSuchReducer(_ name: String) -> DatabaseError {
        DatabaseError(.noSuchReducer, "there is no reducer '\(name)'; check the name, or add it to the module")
    }

    @inline(never)
    private func notCallable(_ name: String, _ lifecycle: Lifecycle) -> DatabaseError {
        let moment =
            switch lifecycle {
            case .onInit: "when the database is created"
            case .onConnect: "when a client connects"
            case .onDisconnect: "when a client disconnects"
            }
        return DatabaseError(.noSuchReducer, "'\(name)' is run by the database itself \(moment); it cannot be called")
    }
}
