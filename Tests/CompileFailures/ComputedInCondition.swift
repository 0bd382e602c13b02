import SpacetimeKit

// A condition runs on stored bytes, which know nothing of Swift's properties. expect: no exact matches in reference to subscript

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
        try context.db.user.delete { $0.name.count > 3 }
    }
}
