/// Where a database's commits are kept.
///
/// Read several times per call, so it counts no references: what it points to, the database itself keeps alive.
enum Keeper {
    /// Nowhere: it is in memory only.
    case none
    case store(Unmanaged<DatabaseStore>)
    /// Another sink, a test's.
    case sink

    var keeps: Bool { if case .none = self { false } else { true } }
}
