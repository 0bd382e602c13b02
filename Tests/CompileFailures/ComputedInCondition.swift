import SpacetimeKit

// A condition runs on stored bytes, which know nothing of Swift's properties. expect: has no dynamic member 'isFar'

@SpacetimeType struct Place {
    var x: Float
    var isFar: Bool { x > 9 }
}

@Table struct User {
    @PrimaryKey var id: UInt64
    var name: String
    var mail: String?
    var place: Place
}

@Module enum Users {
    static let tables = Tables(User.self)

    @Reducer static func clean(_ context: borrowing Context) throws {
        try context.db.user.delete { $0.place.isFar }
    }
}
