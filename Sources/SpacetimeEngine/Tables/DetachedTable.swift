import SpacetimeSchema

/// A table that belongs to no datastore at the moment: it was filled beside a running one and is to take a place in it, or has
/// given up its place and may yet have to take it back.
///
/// Goes with the last reference to it, unless a datastore has it. Not `Sendable`: one thread after the other has it.
package final class DetachedTable {
    fileprivate let table: TableRef
    /// The datastore that it is from, in which its indexes keep their ids.
    fileprivate let home: ObjectIdentifier
    /// Its sequences whose positions the log of that datastore does not know.
    fileprivate let movedSequences: [Datastore.MovedSequence]
    fileprivate var isAttached = false

    fileprivate init(_ table: TableRef, of home: Datastore, _ movedSequences: [Datastore.MovedSequence]) {
        self.table = table
        self.home = ObjectIdentifier(home)
        self.movedSequences = movedSequences
    }

    package var id: TableID { table.id }
    package var rowCount: Int { table.count }

    deinit { if !isAttached { table.destroy() } }
}

extension Datastore {
    /// A datastore for tables that are to be attached to this one: they have their memory from where its tables have it.
    package func makeWorkshop() -> Datastore { Datastore(hashSeed: hashSeed, pool: pool) }

    /// Takes a table out, with its rows. Not inside a transaction. Snapshots that hold it stay readable.
    package func detach(_ id: TableID) throws(EngineError) -> DetachedTable {
        try requireNoTransaction("detach")
        let table = try self.table(id)
        let moved = state.movedSequences.filter { $0.table == table }
        state.unregister(table)
        return DetachedTable(table, of: self, moved)
    }

    /// Puts a table in, under its id, which must be free. If it was not here before, its indexes get new ids, and the log is to be
    /// told where its sequences are. Not inside a transaction.
    package func attach(_ detached: DetachedTable) throws(EngineError) {
        try requireNoTransaction("attach")
        precondition(!detached.isAttached, "a table is in one datastore at most")
        try state.reserve(detached.id)
        if detached.home == ObjectIdentifier(self) {
            state.registerAgain(detached.table)
            state.movedSequences += detached.movedSequences
        } else {
            let first = UInt32(state.indexes.count)
            let table = detached.table
            for position in 0..<table.indexCount { table.indexes[position].id = IndexID(first + UInt32(position)) }
            for position in 0..<table.sequenceCount { table.sequences[position].settle() }
            state.register(table)
        }
        detached.isAttached = true
    }
}
