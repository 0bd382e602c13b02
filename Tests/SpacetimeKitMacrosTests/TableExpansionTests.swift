import Testing

/// What @Table becomes, literally.
@Suite struct TableExpansionTests {
    @Test func aKeyedTableWithEveryKindOfIndex() {
        expectExpansion(
            """
            @Table(.public, .index("byRoomSent", \\.room, \\.sent), .unique("onePerMoment", \\.sender, \\.sent))
            struct Message {
                @PrimaryKey @AutoIncrement var id: UInt64
                var sender: Identity
                @Indexed var room: String
                @Unique @Indexed(.btree) var sent: Timestamp
                @Default("none") var note: String?
            }
            """,
            """

            struct Message {
                var id: UInt64
                var sender: Identity
                var room: String
                var sent: Timestamp
                var note: String?
            }

            extension Message: SpacetimeKit.TableRow {
                static var tableDefinition: SpacetimeKit.TableDefinition {
                    SpacetimeKit.TableDefinition(
                        name: "Message",
                        access: .public,
                        isEvent: false,
                        columns: [
                            SpacetimeKit.ColumnDefinition("id", UInt64.self),
                            SpacetimeKit.ColumnDefinition("sender", Identity.self),
                            SpacetimeKit.ColumnDefinition("room", String.self),
                            SpacetimeKit.ColumnDefinition("sent", Timestamp.self),
                            SpacetimeKit.ColumnDefinition("note", (String?).self, default: "none"),
                        ],
                        primaryKey: [0],
                        uniqueConstraints: [[0], [3], [1, 3]],
                        autoIncrement: [0],
                        indexes: [
                            SpacetimeKit.IndexDefinition(name: "id", columns: [0], algorithm: .hash, accessor: "id"),
                            SpacetimeKit.IndexDefinition(name: "sent", columns: [3], algorithm: .btree, accessor: "sent"),
                            SpacetimeKit.IndexDefinition(name: "room", columns: [2], algorithm: .btree, accessor: "room"),
                            SpacetimeKit.IndexDefinition(name: "byRoomSent", columns: [2, 3], algorithm: .btree, accessor: "byRoomSent"),
                            SpacetimeKit.IndexDefinition(name: "onePerMoment", columns: [1, 3], algorithm: .btree, accessor: "onePerMoment"),
                        ])
                }
                static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Message") { types in
                        let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                            ("id", UInt64.algebraicType(in: &types)),
                            ("sender", Identity.algebraicType(in: &types)),
                            ("room", String.algebraicType(in: &types)),
                            ("sent", Timestamp.algebraicType(in: &types)),
                            ("note", (String?).algebraicType(in: &types)),
                        ]
                        return .product(SpacetimeKit.ProductType(elements))
                    }
                }
                static var bsatnFixedSize: Swift.Int? {
                    SpacetimeKit._fixedSize(UInt64.bsatnFixedSize, Identity.bsatnFixedSize, String.bsatnFixedSize, Timestamp.bsatnFixedSize, (String?).bsatnFixedSize)
                }
                init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    self.id = try UInt64.init(from: &reader)
                    self.sender = try Identity.init(from: &reader)
                    self.room = try String.init(from: &reader)
                    self.sent = try Timestamp.init(from: &reader)
                    self.note = try (String?).init(from: &reader)
                }
                func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                    self.id.encode(to: &writer)
                    self.sender.encode(to: &writer)
                    self.room.encode(to: &writer)
                    self.sent.encode(to: &writer)
                    self.note.encode(to: &writer)
                }
                static var _spacetimeHasGeneratedColumns: Swift.Bool {
                    true
                }
                struct Columns: Swift.Sendable {
                    init() {
                    }
                    var id: SpacetimeKit.Column<Message, UInt64> {
                        .init(0)
                    }
                    var sender: SpacetimeKit.Column<Message, Identity> {
                        .init(1)
                    }
                    var room: SpacetimeKit.Column<Message, String> {
                        .init(2)
                    }
                    var sent: SpacetimeKit.Column<Message, Timestamp> {
                        .init(3)
                    }
                    var note: SpacetimeKit.Column<Message, String?> {
                        .init(4)
                    }
                }
                struct Handle: SpacetimeKit.TableHandle {
                    typealias Row = Message
                    let _spacetimeReference: SpacetimeKit.TableReference
                    init(_spacetimeReference reference: SpacetimeKit.TableReference) {
                        self._spacetimeReference = reference
                    }
                    var id: SpacetimeKit.UniqueIndex<Message, UInt64> {
                        .init(_spacetimeReference, index: 0)
                    }
                    var sent: SpacetimeKit.UniqueIndex<Message, Timestamp> {
                        .init(_spacetimeReference, index: 1)
                    }
                    var room: SpacetimeKit.Index<Message, String> {
                        .init(_spacetimeReference, index: 2)
                    }
                    var byRoomSent: SpacetimeKit.CompositeIndex<Message, String, Timestamp> {
                        .init(_spacetimeReference, index: 3)
                    }
                    var onePerMoment: SpacetimeKit.UniqueCompositeIndex<Message, Identity, Timestamp> {
                        .init(_spacetimeReference, index: 4)
                    }
                }
            }

            extension Message: SpacetimeKit.KeyedTableRow {
                typealias PrimaryKey = UInt64
                static var _spacetimePrimaryKeyIndex: Swift.Int {
                    0
                }
                var _spacetimePrimaryKey: UInt64 {
                    self.id
                }
            }
            """)
    }

    @Test func aTableWithoutKeysIsPrivateByDefault() {
        expectExpansion(
            """
            @Table
            struct Point {
                var x, y: Float
                let tags: [String]
                var length: Float { x + y }
                static let origin = 0
                var seen: Bool = false { didSet { } }
            }
            """,
            """

            struct Point {
                var x, y: Float
                let tags: [String]
                var length: Float { x + y }
                static let origin = 0
                var seen: Bool = false { didSet { } }
            }

            extension Point: SpacetimeKit.TableRow {
                static var tableDefinition: SpacetimeKit.TableDefinition {
                    SpacetimeKit.TableDefinition(
                        name: "Point",
                        access: .private,
                        isEvent: false,
                        columns: [
                            SpacetimeKit.ColumnDefinition("x", Float.self),
                            SpacetimeKit.ColumnDefinition("y", Float.self),
                            SpacetimeKit.ColumnDefinition("tags", [String].self),
                            SpacetimeKit.ColumnDefinition("seen", Bool.self),
                        ],
                        primaryKey: [],
                        uniqueConstraints: [],
                        autoIncrement: [],
                        indexes: [

                        ])
                }
                static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Point") { types in
                        let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                            ("x", Float.algebraicType(in: &types)),
                            ("y", Float.algebraicType(in: &types)),
                            ("tags", [String].algebraicType(in: &types)),
                            ("seen", Bool.algebraicType(in: &types)),
                        ]
                        return .product(SpacetimeKit.ProductType(elements))
                    }
                }
                static var bsatnFixedSize: Swift.Int? {
                    SpacetimeKit._fixedSize(Float.bsatnFixedSize, Float.bsatnFixedSize, [String].bsatnFixedSize, Bool.bsatnFixedSize)
                }
                init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    self.x = try Float.init(from: &reader)
                    self.y = try Float.init(from: &reader)
                    self.tags = try [String].init(from: &reader)
                    self.seen = try Bool.init(from: &reader)
                }
                func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                    self.x.encode(to: &writer)
                    self.y.encode(to: &writer)
                    self.tags.encode(to: &writer)
                    self.seen.encode(to: &writer)
                }
                struct Columns: Swift.Sendable {
                    init() {
                    }
                    var x: SpacetimeKit.Column<Point, Float> {
                        .init(0)
                    }
                    var y: SpacetimeKit.Column<Point, Float> {
                        .init(1)
                    }
                    var tags: SpacetimeKit.Column<Point, [String]> {
                        .init(2)
                    }
                    var seen: SpacetimeKit.Column<Point, Bool> {
                        .init(3)
                    }
                }
                struct Handle: SpacetimeKit.TableHandle {
                    typealias Row = Point
                    let _spacetimeReference: SpacetimeKit.TableReference
                    init(_spacetimeReference reference: SpacetimeKit.TableReference) {
                        self._spacetimeReference = reference
                    }

                }
            }
            """)
    }

    @Test func anEventTableWithANameAndAKeyOfTwoColumns() {
        expectExpansion(
            """
            enum Outer {
                @Table(.event, .primaryKey(\\.a, \\.default), name: "things")
                struct Thing {
                    var a: UInt32
                    var `default`: [Inner?]
                }
            }
            """,
            """
            enum Outer {
                struct Thing {
                    var a: UInt32
                    var `default`: [Inner?]
                }
            }

            extension Outer.Thing: SpacetimeKit.TableRow {
                static var tableDefinition: SpacetimeKit.TableDefinition {
                    SpacetimeKit.TableDefinition(
                        name: "things",
                        access: .private,
                        isEvent: true,
                        columns: [
                            SpacetimeKit.ColumnDefinition("a", UInt32.self),
                            SpacetimeKit.ColumnDefinition("default", [Inner?].self),
                        ],
                        primaryKey: [0, 1],
                        uniqueConstraints: [[0, 1]],
                        autoIncrement: [],
                        indexes: [
                            SpacetimeKit.IndexDefinition(name: "primaryKey", columns: [0, 1], algorithm: .btree, accessor: "primaryKey"),
                        ])
                }
                static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "things") { types in
                        let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                            ("a", UInt32.algebraicType(in: &types)),
                            ("default", [Inner?].algebraicType(in: &types)),
                        ]
                        return .product(SpacetimeKit.ProductType(elements))
                    }
                }
                static var bsatnFixedSize: Swift.Int? {
                    SpacetimeKit._fixedSize(UInt32.bsatnFixedSize, [Inner?].bsatnFixedSize)
                }
                init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    self.a = try UInt32.init(from: &reader)
                    self.`default` = try [Inner?].init(from: &reader)
                }
                func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                    self.a.encode(to: &writer)
                    self.`default`.encode(to: &writer)
                }
                struct Columns: Swift.Sendable {
                    init() {
                    }
                    var a: SpacetimeKit.Column<Outer.Thing, UInt32> {
                        .init(0)
                    }
                    var `default`: SpacetimeKit.Column<Outer.Thing, [Inner?]> {
                        .init(1)
                    }
                }
                struct Handle: SpacetimeKit.TableHandle {
                    typealias Row = Outer.Thing
                    let _spacetimeReference: SpacetimeKit.TableReference
                    init(_spacetimeReference reference: SpacetimeKit.TableReference) {
                        self._spacetimeReference = reference
                    }
                    var primaryKey: SpacetimeKit.UniqueCompositeIndex<Outer.Thing, UInt32, [Inner?]> {
                        .init(_spacetimeReference, index: 0)
                    }
                }
            }
            """)
    }

    @Test func aPublicStructWithPublicColumnsIsInlinable() {
        expectExpansion(
            """
            @Table
            public struct Open {
                @PrimaryKey public var id: UInt64
            }
            """,
            """

            public struct Open {
                public var id: UInt64
            }

            extension Open: SpacetimeKit.TableRow {
                public static var tableDefinition: SpacetimeKit.TableDefinition {
                    SpacetimeKit.TableDefinition(
                        name: "Open",
                        access: .private,
                        isEvent: false,
                        columns: [
                            SpacetimeKit.ColumnDefinition("id", UInt64.self),
                        ],
                        primaryKey: [0],
                        uniqueConstraints: [[0]],
                        autoIncrement: [],
                        indexes: [
                            SpacetimeKit.IndexDefinition(name: "id", columns: [0], algorithm: .hash, accessor: "id"),
                        ])
                }
                public static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Open") { types in
                        let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                            ("id", UInt64.algebraicType(in: &types)),
                        ]
                        return .product(SpacetimeKit.ProductType(elements))
                    }
                }
                @inlinable public static var bsatnFixedSize: Swift.Int? {
                    SpacetimeKit._fixedSize(UInt64.bsatnFixedSize)
                }
                @inlinable public init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    self.id = try UInt64.init(from: &reader)
                }
                @inlinable public func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                    self.id.encode(to: &writer)
                }
                public struct Columns: Swift.Sendable {
                    @inlinable public init() {
                    }
                    @inlinable public var id: SpacetimeKit.Column<Open, UInt64> {
                        .init(0)
                    }
                }
                public struct Handle: SpacetimeKit.TableHandle {
                    public typealias Row = Open
                    public let _spacetimeReference: SpacetimeKit.TableReference
                    @inlinable public init(_spacetimeReference reference: SpacetimeKit.TableReference) {
                        self._spacetimeReference = reference
                    }
                    @inlinable public var id: SpacetimeKit.UniqueIndex<Open, UInt64> {
                        .init(_spacetimeReference, index: 0)
                    }
                }
            }

            extension Open: SpacetimeKit.KeyedTableRow {
                public typealias PrimaryKey = UInt64
                @inlinable public static var _spacetimePrimaryKeyIndex: Swift.Int {
                    0
                }
                @inlinable public var _spacetimePrimaryKey: UInt64 {
                    self.id
                }
            }
            """)
    }

    @Test func aHiddenColumnKeepsAPublicStructFromBeingInlined() {
        expectExpansion(
            """
            @Table
            public struct Half {
                @PrimaryKey public private(set) var id: UInt64
            }
            """,
            """

            public struct Half {
                public private(set) var id: UInt64
            }

            extension Half: SpacetimeKit.TableRow {
                public static var tableDefinition: SpacetimeKit.TableDefinition {
                    SpacetimeKit.TableDefinition(
                        name: "Half",
                        access: .private,
                        isEvent: false,
                        columns: [
                            SpacetimeKit.ColumnDefinition("id", UInt64.self),
                        ],
                        primaryKey: [0],
                        uniqueConstraints: [[0]],
                        autoIncrement: [],
                        indexes: [
                            SpacetimeKit.IndexDefinition(name: "id", columns: [0], algorithm: .hash, accessor: "id"),
                        ])
                }
                public static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Half") { types in
                        let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                            ("id", UInt64.algebraicType(in: &types)),
                        ]
                        return .product(SpacetimeKit.ProductType(elements))
                    }
                }
                public static var bsatnFixedSize: Swift.Int? {
                    SpacetimeKit._fixedSize(UInt64.bsatnFixedSize)
                }
                public init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    self.id = try UInt64.init(from: &reader)
                }
                public func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                    self.id.encode(to: &writer)
                }
                public struct Columns: Swift.Sendable {
                    public init() {
                    }
                    public var id: SpacetimeKit.Column<Half, UInt64> {
                        .init(0)
                    }
                }
                public struct Handle: SpacetimeKit.TableHandle {
                    public typealias Row = Half
                    public let _spacetimeReference: SpacetimeKit.TableReference
                    public init(_spacetimeReference reference: SpacetimeKit.TableReference) {
                        self._spacetimeReference = reference
                    }
                    public var id: SpacetimeKit.UniqueIndex<Half, UInt64> {
                        .init(_spacetimeReference, index: 0)
                    }
                }
            }

            extension Half: SpacetimeKit.KeyedTableRow {
                public typealias PrimaryKey = UInt64
                public static var _spacetimePrimaryKeyIndex: Swift.Int {
                    0
                }
                public var _spacetimePrimaryKey: UInt64 {
                    self.id
                }
            }
            """)
    }
}
