import SpacetimeKit

// Only columns of one type can be compared. expect: cannot be applied to operands of type 'Column<User, String>' and 'Column<User, UInt64>'

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
        try context.db.user.delete { $0.name == $0.id }
    }
}
