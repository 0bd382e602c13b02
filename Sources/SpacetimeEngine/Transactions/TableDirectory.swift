import SpacetimeSchema

/// Which tables a datastore has: by id, and by name.
///
/// Tables come and go with every new version of a module, and ids are not given twice; so the ids that were ever given are many
/// more than the tables that there are, and looking for a name must not go through either.
struct TableDirectory {
    /// Ascending.
    private(set) var ids: [TableID] = []
    // Several have one name while one version of a module gives way to the next. Ascending.
    private var byName: [String: [TableID]] = [:]
    private var bySourceName: [String: [TableID]] = [:]

    /// The table with that canonical name, else with that source name; of several the one with the lowest id.
    func first(named name: String) -> TableID? { byName[name]?.first ?? bySourceName[name]?.first }

    mutating func enter(_ id: TableID, _ schema: TableSchema) {
        ids.enter(id)
        byName[schema.name, default: []].enter(id)
        bySourceName[schema.sourceName, default: []].enter(id)
    }

    mutating func remove(_ id: TableID, _ schema: TableSchema) {
        ids.leave(id)
        byName[schema.name]?.leave(id)
        bySourceName[schema.sourceName]?.leave(id)
        if byName[schema.name]?.isEmpty == true { byName[schema.name] = nil }
        if bySourceName[schema.sourceName]?.isEmpty == true { bySourceName[schema.sourceName] = nil }
    }
}

extension [TableID] {
    /// Where an id is in an ascending list, or would be.
    private func place(of id: TableID) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    fileprivate mutating func enter(_ id: TableID) {
        // Mostly it is the newest one.
        if let last, last < id { return append(id) }
        insert(id, at: place(of: id))
    }

    fileprivate mutating func leave(_ id: TableID) {
        let place = place(of: id)
        if place < count, self[place] == id { remove(at: place) }
    }
}
