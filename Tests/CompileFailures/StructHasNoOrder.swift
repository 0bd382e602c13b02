import SpacetimeKit

// A struct has no order that a condition could mean. expect: requires that 'Place' conform to 'OrderedColumnValue'

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
        try context.db.user.delete { $0.place < Place(x: 1) }
    }
}
