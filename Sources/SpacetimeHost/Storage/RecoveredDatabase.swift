package import SpacetimeEngine

/// A database as its files have it at one offset.
package struct RecoveredDatabase {
    package let datastore: Datastore
    package let schema: StoredSchema
    /// The offset that the next commit gets.
    package let nextOffset: UInt64
}
