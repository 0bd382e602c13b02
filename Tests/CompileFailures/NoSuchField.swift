import SpacetimeKit

// Conditions reach into the stored fields of a struct, and no further. expect: has no dynamic member 'z'

@SpacetimeType struct Place { var x: Float }

@Table struct User {
    @PrimaryKey var id: UInt64
    var name: String
    var mail: String?
    var place: Place
}

@Module enum Users {
    static let tables = Tables(User.self)

    @Reducer static func clean(_ context: borrowing Context) throws {
        try context.db.user.delete { $0.place.z > 3 }
    }
}
