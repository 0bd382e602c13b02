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

                nonisolated static var tableDefinition: SpacetimeKit.TableDefinition {
                    SpacetimeKit.TableDefinition(
                        name: "Message",
                        access: .public,
                        isEvent: false,
                        columns: [
                            SpacetimeKit.ColumnDefinition("id"),
                            SpacetimeKit.ColumnDefinition("sender"),
                            SpacetimeKit.ColumnDefinition("room"),
                            SpacetimeKit.ColumnDefinition("sent"),
                            SpacetimeKit.ColumnDefinition("note", default: "none" as String?),
                        ],
                        primaryKey: [0],
                        uniqueConstraints: [[0], [3], [1, 3]],
                        autoIncrement: [0],
                        indexes: [
                            SpacetimeKit.IndexDefinition(columns: [0], algorithm: .hash, accessor: "id"),
                            SpacetimeKit.IndexDefinition(columns: [3], algorithm: .btree, accessor: "sent"),
                            SpacetimeKit.IndexDefinition(columns: [2], algorithm: .btree, accessor: "room"),
                            SpacetimeKit.IndexDefinition(columns: [2, 3], algorithm: .btree, accessor: "byRoomSent"),
                            SpacetimeKit.IndexDefinition(columns: [1, 3], algorithm: .btree, accessor: "onePerMoment"),
                        ])
                }

                nonisolated static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Message") { types in
                        let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                            ("id", SpacetimeKit._spacetimeType(UInt64.self, &types)),
                            ("sender", SpacetimeKit._spacetimeType(Identity.self, &types)),
                            ("room", SpacetimeKit._spacetimeType(String.self, &types)),
                            ("sent", SpacetimeKit._spacetimeType(Timestamp.self, &types)),
                            ("note", SpacetimeKit._spacetimeType((String?).self, &types)),
                        ]
                        return .product(SpacetimeKit.ProductType(elements))
                    }
                }

                nonisolated static var bsatnFixedSize: Swift.Int? {
                    SpacetimeKit._fixedSize(SpacetimeKit._spacetimeSize(UInt64.self), SpacetimeKit._spacetimeSize(Identity.self), SpacetimeKit._spacetimeSize(String.self), SpacetimeKit._spacetimeSize(Timestamp.self), SpacetimeKit._spacetimeSize((String?).self))
                }

                nonisolated func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                    self.id.encode(to: &writer)
                    self.sender.encode(to: &writer)
                    self.room.encode(to: &writer)
                    self.sent.encode(to: &writer)
                    self.note.encode(to: &writer)
                }

                nonisolated static var _spacetimeHasGeneratedColumns: Swift.Bool {
                    true
                }

                nonisolated struct Columns: Swift.Sendable {
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

                nonisolated struct Handle: SpacetimeKit.TableHandle {
                    typealias Row = Message
                    let _spacetimeReference: SpacetimeKit.TableReference
                    init(_spacetimeReference reference: SpacetimeKit.TableReference) {
                        self._spacetimeReference = reference
                    }
                    var id: SpacetimeKit.UniqueIndex<Message, UInt64> {
                        @inline(__always) get { .init(_spacetimeReference, index: 0) }
                    }
                    var sent: SpacetimeKit.UniqueIndex<Message, Timestamp> {
                        @inline(__always) get { .init(_spacetimeReference, index: 1) }
                    }
                    var room: SpacetimeKit.Index<Message, String> {
                        @inline(__always) get { .init(_spacetimeReference, index: 2) }
                    }
                    var byRoomSent: SpacetimeKit.CompositeIndex<Message, SpacetimeKit.KeyColumns2<String, Timestamp>> {
                        @inline(__always) get { .init(_spacetimeReference, index: 3) }
                    }
                    var onePerMoment: SpacetimeKit.UniqueCompositeIndex<Message, SpacetimeKit.KeyColumns2<Identity, Timestamp>> {
                        @inline(__always) get { .init(_spacetimeReference, index: 4) }
                    }
                }

                typealias PrimaryKey = UInt64

                nonisolated static var _spacetimePrimaryKeyIndex: Swift.Int {
                    0
                }
            }

            nonisolated extension Message: SpacetimeKit.TableRow, SpacetimeKit.KeyedTableRow {
                init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    self.id = try .init(from: &reader)
                    self.sender = try .init(from: &reader)
                    self.room = try .init(from: &reader)
                    self.sent = try .init(from: &reader)
                    self.note = try .init(from: &reader)
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

                nonisolated static var tableDefinition: SpacetimeKit.TableDefinition {
                    SpacetimeKit.TableDefinition(
                        name: "Point",
                        access: .private,
                        isEvent: false,
                        columns: [
                            SpacetimeKit.ColumnDefinition("x"),
                            SpacetimeKit.ColumnDefinition("y"),
                            SpacetimeKit.ColumnDefinition("tags"),
                            SpacetimeKit.ColumnDefinition("seen"),
                        ],
                        primaryKey: [],
                        uniqueConstraints: [],
                        autoIncrement: [],
                        indexes: [
                        ])
                }

                nonisolated static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Point") { types in
                        let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                            ("x", SpacetimeKit._spacetimeType(Float.self, &types)),
                            ("y", SpacetimeKit._spacetimeType(Float.self, &types)),
                            ("tags", SpacetimeKit._spacetimeType([String].self, &types)),
                            ("seen", SpacetimeKit._spacetimeType(Bool.self, &types)),
                        ]
                        return .product(SpacetimeKit.ProductType(elements))
                    }
                }

                nonisolated static var bsatnFixedSize: Swift.Int? {
                    SpacetimeKit._fixedSize(SpacetimeKit._spacetimeSize(Float.self), SpacetimeKit._spacetimeSize(Float.self), SpacetimeKit._spacetimeSize([String].self), SpacetimeKit._spacetimeSize(Bool.self))
                }

                nonisolated func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                    self.x.encode(to: &writer)
                    self.y.encode(to: &writer)
                    self.tags.encode(to: &writer)
                    self.seen.encode(to: &writer)
                }

                nonisolated struct Columns: Swift.Sendable {
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

                nonisolated struct Handle: SpacetimeKit.TableHandle {
                    typealias Row = Point
                    let _spacetimeReference: SpacetimeKit.TableReference
                    init(_spacetimeReference reference: SpacetimeKit.TableReference) {
                        self._spacetimeReference = reference
                    }
                }
            }

            nonisolated extension Point: SpacetimeKit.TableRow {
                init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    self.x = try .init(from: &reader)
                    self.y = try .init(from: &reader)
                    self.tags = try .init(from: &reader)
                    self.seen = try .init(from: &reader)
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

                    nonisolated static var tableDefinition: SpacetimeKit.TableDefinition {
                        SpacetimeKit.TableDefinition(
                            name: "things",
                            access: .private,
                            isEvent: true,
                            columns: [
                                SpacetimeKit.ColumnDefinition("a"),
                                SpacetimeKit.ColumnDefinition("default"),
                            ],
                            primaryKey: [0, 1],
                            uniqueConstraints: [[0, 1]],
                            autoIncrement: [],
                            indexes: [
                                SpacetimeKit.IndexDefinition(columns: [0, 1], algorithm: .btree, accessor: "primaryKey"),
                            ])
                    }

                    nonisolated static func algebraicType(
                        in types: inout SpacetimeKit.TypespaceBuilder
                    ) -> SpacetimeKit.AlgebraicType {
                        types.declare(Self.self, name: "things", isGenerated: true) { types in
                            let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                                ("a", SpacetimeKit._spacetimeType(UInt32.self, &types)),
                                ("default", SpacetimeKit._spacetimeType([Inner?].self, &types)),
                            ]
                            return .product(SpacetimeKit.ProductType(elements))
                        }
                    }

                    nonisolated static var bsatnFixedSize: Swift.Int? {
                        SpacetimeKit._fixedSize(SpacetimeKit._spacetimeSize(UInt32.self), SpacetimeKit._spacetimeSize([Inner?].self))
                    }

                    nonisolated func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                        self.a.encode(to: &writer)
                        self.`default`.encode(to: &writer)
                    }

                    nonisolated struct Columns: Swift.Sendable {
                        init() {
                        }
                        var a: SpacetimeKit.Column<Thing, UInt32> {
                            .init(0)
                        }
                        var `default`: SpacetimeKit.Column<Thing, [Inner?]> {
                            .init(1)
                        }
                    }

                    nonisolated struct Handle: SpacetimeKit.TableHandle {
                        typealias Row = Thing
                        let _spacetimeReference: SpacetimeKit.TableReference
                        init(_spacetimeReference reference: SpacetimeKit.TableReference) {
                            self._spacetimeReference = reference
                        }
                        var primaryKey: SpacetimeKit.UniqueCompositeIndex<Thing, SpacetimeKit.KeyColumns2<UInt32, [Inner?]>> {
                            @inline(__always) get { .init(_spacetimeReference, index: 0) }
                        }
                    }

                    typealias PrimaryKey = SpacetimeKit.KeyColumns2<UInt32, [Inner?]>

                    nonisolated static var _spacetimePrimaryKeyIndex: Swift.Int {
                        0
                    }
                }
            }

            nonisolated extension Outer.Thing: SpacetimeKit.TableRow, SpacetimeKit.KeyedTableRow {
                init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    self.a = try .init(from: &reader)
                    self.`default` = try .init(from: &reader)
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

                @inlinable public nonisolated init(id: UInt64) {
                    self.id = id
                }

                public nonisolated static var tableDefinition: SpacetimeKit.TableDefinition {
                    SpacetimeKit.TableDefinition(
                        name: "Open",
                        access: .private,
                        isEvent: false,
                        columns: [
                            SpacetimeKit.ColumnDefinition("id"),
                        ],
                        primaryKey: [0],
                        uniqueConstraints: [[0]],
                        autoIncrement: [],
                        indexes: [
                            SpacetimeKit.IndexDefinition(columns: [0], algorithm: .hash, accessor: "id"),
                        ])
                }

                public nonisolated static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Open") { types in
                        let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                            ("id", SpacetimeKit._spacetimeType(UInt64.self, &types)),
                        ]
                        return .product(SpacetimeKit.ProductType(elements))
                    }
                }

                @inlinable public nonisolated static var bsatnFixedSize: Swift.Int? {
                    SpacetimeKit._fixedSize(SpacetimeKit._spacetimeSize(UInt64.self))
                }

                @inlinable public nonisolated func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                    self.id.encode(to: &writer)
                }

                public nonisolated struct Columns: Swift.Sendable {
                    @inlinable public init() {
                    }
                    @inlinable public var id: SpacetimeKit.Column<Open, UInt64> {
                        .init(0)
                    }
                }

                public nonisolated struct Handle: SpacetimeKit.TableHandle {
                    public typealias Row = Open
                    public let _spacetimeReference: SpacetimeKit.TableReference
                    @inlinable public init(_spacetimeReference reference: SpacetimeKit.TableReference) {
                        self._spacetimeReference = reference
                    }
                    @inlinable public var id: SpacetimeKit.UniqueIndex<Open, UInt64> {
                        @inline(__always) get { .init(_spacetimeReference, index: 0) }
                    }
                }

                public typealias PrimaryKey = UInt64

                @inlinable public nonisolated static var _spacetimePrimaryKeyIndex: Swift.Int {
                    0
                }
            }

            nonisolated extension Open: SpacetimeKit.TableRow, SpacetimeKit.KeyedTableRow {
                @inlinable public init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    self.id = try .init(from: &reader)
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

                public nonisolated init(id: UInt64) {
                    self.id = id
                }

                public nonisolated static var tableDefinition: SpacetimeKit.TableDefinition {
                    SpacetimeKit.TableDefinition(
                        name: "Half",
                        access: .private,
                        isEvent: false,
                        columns: [
                            SpacetimeKit.ColumnDefinition("id"),
                        ],
                        primaryKey: [0],
                        uniqueConstraints: [[0]],
                        autoIncrement: [],
                        indexes: [
                            SpacetimeKit.IndexDefinition(columns: [0], algorithm: .hash, accessor: "id"),
                        ])
                }

                public nonisolated static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Half") { types in
                        let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                            ("id", SpacetimeKit._spacetimeType(UInt64.self, &types)),
                        ]
                        return .product(SpacetimeKit.ProductType(elements))
                    }
                }

                public nonisolated static var bsatnFixedSize: Swift.Int? {
                    SpacetimeKit._fixedSize(SpacetimeKit._spacetimeSize(UInt64.self))
                }

                public nonisolated func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                    self.id.encode(to: &writer)
                }

                public nonisolated struct Columns: Swift.Sendable {
                    public init() {
                    }
                    public var id: SpacetimeKit.Column<Half, UInt64> {
                        .init(0)
                    }
                }

                public nonisolated struct Handle: SpacetimeKit.TableHandle {
                    public typealias Row = Half
                    public let _spacetimeReference: SpacetimeKit.TableReference
                    public init(_spacetimeReference reference: SpacetimeKit.TableReference) {
                        self._spacetimeReference = reference
                    }
                    public var id: SpacetimeKit.UniqueIndex<Half, UInt64> {
                        @inline(__always) get { .init(_spacetimeReference, index: 0) }
                    }
                }

                public typealias PrimaryKey = UInt64

                public nonisolated static var _spacetimePrimaryKeyIndex: Swift.Int {
                    0
                }
            }

            nonisolated extension Half: SpacetimeKit.TableRow, SpacetimeKit.KeyedTableRow {
                public init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    self.id = try .init(from: &reader)
                }
            }
            """)
    }
}
