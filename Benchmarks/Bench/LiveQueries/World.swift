import SpacetimeKit

/// Things that players see: in a chunk of the map, and at a place in it.
@Table(.public)
struct Thing {
    @PrimaryKey var id: UInt32
    @Indexed var chunk: UInt32
    var x: Float
    var y: Float
}

/// What a thing is worth, in a table of its own.
@Table(.public)
struct Loot {
    @PrimaryKey var thing: UInt32
    var gold: UInt32
}

/// A chunk of the map, in a region of it.
@Table(.public)
struct Place {
    @PrimaryKey var chunk: UInt32
    var region: UInt32
}

@Module
enum World {
    static let tables = Tables(Thing.self, Loot.self, Place.self)

    /// Things where nobody looks.
    @Reducer static func fill(_ context: borrowing Context, first: UInt32, count: UInt32) throws {
        for id in first..<(first + count) {
            try context.db.thing.insert(Thing(id: id, chunk: .max - id, x: -10, y: -10))
        }
    }

    /// So many things in one chunk.
    @Reducer static func fillChunk(_ context: borrowing Context, chunk: UInt32, count: UInt32) throws {
        for number in 0..<count {
            try context.db.thing.insert(
                Thing(id: chunk * count + number, chunk: chunk, x: Float(chunk), y: Float(number)))
        }
    }

    @Reducer static func fillLoot(_ context: borrowing Context, first: UInt32, count: UInt32) throws {
        for id in first..<(first + count) { try context.db.loot.insert(Loot(thing: id, gold: .max)) }
    }

    @Reducer static func fillPlaces(_ context: borrowing Context, first: UInt32, count: UInt32) throws {
        for chunk in first..<(first + count) { try context.db.place.insert(Place(chunk: chunk, region: chunk % 100)) }
    }

    /// Changes one thing in place.
    @Reducer static func touch(_ context: borrowing Context, id: UInt32, chunk: UInt32, x: Float, y: Float) throws {
        try context.db.thing.id.update(Thing(id: id, chunk: chunk, x: x, y: y))
    }
}
