public import SpacetimeKit
import Testing

// MARK: Everything that the macros take

@SpacetimeType enum Shape: Equatable {
    case circle(Double)
    case square(w: UInt16, h: UInt16)
    case point
    case pair(Int8, Int8)
    case list([Color])
}
@SpacetimeType enum Drawing: Equatable { case shape(Shape), group([Drawing]) }
@SpacetimeType enum Color: UInt8, Equatable { case red, green, `default` }
@SpacetimeType enum Only: Equatable { case only }
@SpacetimeType enum SameSize: Equatable { case a(Int32), b(UInt16, UInt16) }
@SpacetimeType indirect enum Tree: Equatable { case leaf, node(Tree, Int32, Tree) }
@SpacetimeType indirect enum Chain: Equatable { case link(Int32, Chain?) }
@SpacetimeType struct Position: Equatable { var x, y: Float }
@SpacetimeType struct Nothing: Equatable {}
@SpacetimeType struct Node: Equatable {
    var name: String
    var children: [Node]
}
@SpacetimeType(name: "Custom") struct Wrapped: Equatable {
    var a: [UInt8]?
    var b: [Int32?]?
    var c: Swift.UInt8
}

@Table(.public, .index("byAuthorSent", \.author, \.sent), .unique("onePerMoment", \.sent, \.note))
struct Post: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64 = 0
    @Indexed var author: String
    var sent: Timestamp
    let note: String?
    var tags: [String]
    @Default(UInt8(3)) var `default`: UInt8
    var x, y: Float
    var shape: Shape
    var isLong: Bool { tags.count > 5 }
    static let limit = 5
}

enum Outer {
    @Table(.event, name: "things")
    struct Thing: Equatable {
        var position: Position
        var color: Color
        var inner: Inner

        @SpacetimeType struct Inner: Equatable { var z: Nothing }
    }
}

@Table private struct Hidden {
    @Unique @Indexed(.btree) var a: UInt32
    @Indexed(.direct) var b: UInt16
    var c: UInt8 { didSet {} }
}

// Public ones, whose expansions other modules inline.
@Table(.public)
public struct Open: Equatable {
    @PrimaryKey public var id: UInt64
    @Indexed public var name: String
    public var part: Part

    @SpacetimeType public struct Part: Equatable { public var a: Int32 }
}
@SpacetimeType public enum OpenEnum { case a, b(Int32) }
@Table(.public)
public struct HalfOpen {
    @PrimaryKey public var id: UInt64
    var secret: String
    @Unique public private(set) var x: Int32
}

@Table struct Note: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var text: String
}

@Module(name: "gallery") enum Gallery {
    static let tables = Tables(Post.self, Outer.Thing.self, Open.self, HalfOpen.self, Note.self)

    private static func note(_ context: borrowing Context, _ text: String) throws {
        try context.db.note.insert(Note(id: 0, text: text))
    }

    @Reducer(.initialize) static func setUp(_ context: borrowing Context) throws { try note(context, "setUp") }
    @Reducer(.clientConnected) static func connected(_ context: borrowing Context) {}
    @Reducer static func none(_ context: borrowing SpacetimeKit.Context<Gallery>) throws -> Void {
        try note(context, "none")
    }
    @Reducer static func one(context: borrowing Gallery.Context, _ shape: Shape) throws {
        try note(context, "\(shape)")
    }
    @Reducer static func `repeat`(_ context: borrowing Context, _ text: borrowing String, for count: UInt8) throws {
        try note(context, String(repeating: copy text, count: Int(count)))
    }
    @Reducer(name: "otherName") static func three(
        _ context: borrowing Context, a: UInt8, with b: [String]?, `default`: Color
    ) throws {
        try note(context, "\(a) \(b ?? []) \(`default`)")
    }
    @Reducer static func four(_ context: borrowing Context, a: Int8, b: Bool, c: Double, d: (String)) throws {
        try note(context, "\(a) \(b) \(c) \(d)")
    }
    @Reducer static func five(
        _ context: borrowing Context, a: Int128, b: UInt256, c: Identity, d: TimeDuration, e: Uuid
    ) throws {
        try note(context, "\(a) \(b == 5) \(c == context.sender) \(d == .zero) \(e == Uuid(number: 5))")
    }
    @Reducer static func six(
        _ context: borrowing Context, a: Int8, b: Int16, c: Int32, d: Int64, e: [Tree], f: Node?
    ) throws {
        try context.db.note.insert(Note(id: 0, text: "\(a) \(b) \(c) \(d) \(e.count) \(f?.name ?? "-")"))
    }
    @Reducer fileprivate static func post(_ context: borrowing Context, post: Post) throws {
        try context.db.post.insert(post)
    }
    @Reducer static func happen(_ context: borrowing Context, thing: Outer.Thing) throws {
        try context.db.thing.insert(thing)
    }
    @Reducer static func fill(_ context: borrowing Context) throws {
        try context.db.open.insert(Open(id: 1, name: "open", part: .init(a: -1)))
        try context.db.halfOpen.insert(HalfOpen(id: 1, secret: "s", x: -7))
    }
    static func helper(_ context: borrowing Context) {}
}

@Module(name: "shown") public enum PublicModule {
    public static let tables = Tables(Open.self)
    @Reducer public static func act(_ context: borrowing Context, id: UInt64) throws {
        try context.db.open.insert(Open(id: id, name: "", part: .init(a: 0)))
    }
}

@SpacetimeType private struct Secret { var a: UInt16 }
@Module private enum PrivateModule {
    static let tables = Tables(Hidden.self)
    @Reducer static func a(_ context: borrowing Context, s: Secret) throws {
        try context.db.hidden.insert(Hidden(a: UInt32(s.a), b: s.a, c: 1))
    }
    @Reducer private static func b(_ context: borrowing Context, s: Secret) {}
}
@Module enum EmptyModule { static let tables = Tables() }

// MARK: Tests

/// Expansions are compared with text elsewhere; here they are compiled and run.
@Suite struct MacroTypeTests {
    private func expectRoundTrip<Value: SpacetimeType & Equatable>(_ value: Value) throws {
        let bytes = value.bsatn()
        #expect(try Value(bsatn: bytes) == value)
        if let size = Value.bsatnFixedSize { #expect(size == bytes.count) }
        // The codec writes what the type says.
        var types = TypespaceBuilder()
        let type = Value.algebraicType(in: &types)
        #expect(try AlgebraicValue(bsatn: bytes, type: type, in: types.typespace).bsatn() == bytes)
    }

    @Test func enumsOfEveryFormSurviveARoundTrip() throws {
        for shape in [.circle(1.5), .square(w: 1, h: 2), .point, .pair(-1, 4), .list([.green, .default])] as [Shape] {
            try expectRoundTrip(shape)
        }
        try expectRoundTrip(Drawing.group([.shape(.point), .group([])]))
        for color in [.red, .green, .default] as [Color] { try expectRoundTrip(color) }
        try expectRoundTrip(Only.only)
        try expectRoundTrip(SameSize.a(1))
        try expectRoundTrip(SameSize.b(1, 2))
    }

    @Test func productsOfEveryFormSurviveARoundTrip() throws {
        try expectRoundTrip(Position(x: 1, y: -2))
        try expectRoundTrip(Nothing())
        try expectRoundTrip(Wrapped(a: [1, 2], b: [nil, 4], c: 3))
        try expectRoundTrip(Wrapped(a: nil, b: nil, c: 0))
        try expectRoundTrip(Outer.Thing(position: Position(x: 0, y: 1), color: .green, inner: .init(z: Nothing())))
        try expectRoundTrip(Self.post(1))
    }

    @Test func recursiveTypesSurviveARoundTrip() throws {
        try expectRoundTrip(Tree.node(.leaf, 5, .node(.leaf, 1, .leaf)))
        try expectRoundTrip(Chain.link(5, .link(6, nil)))
        try expectRoundTrip(Node(name: "a", children: [Node(name: "b", children: []), Node(name: "", children: [])]))
    }

    @Test func endlessNestingIsAnError() {
        let bytes = (0..<10_000).flatMap { _ -> [UInt8] in [0, 1, 0, 0, 0, 0] }
        #expect(throws: BSATNError.self) { try Chain(bsatn: bytes) }
    }

    @Test func onlyTypesWithoutVariablePartsHaveAFixedSize() {
        #expect(Position.bsatnFixedSize == 8)
        #expect(Nothing.bsatnFixedSize == 0)
        #expect(Color.bsatnFixedSize == 1 && Only.bsatnFixedSize == 1)
        #expect(SameSize.bsatnFixedSize == 5)
        #expect(Outer.Thing.bsatnFixedSize == 9)
        #expect(Open.Part.bsatnFixedSize == 4)
        #expect(Shape.bsatnFixedSize == nil && Tree.bsatnFixedSize == nil && Post.bsatnFixedSize == nil)
    }

    @Test func theNameForClientsMayBeAnother() {
        var types = TypespaceBuilder()
        _ = Wrapped.algebraicType(in: &types)
        _ = Outer.Thing.algebraicType(in: &types)
        #expect(types.names.map(\.name).contains("Custom"))
        #expect(Outer.Thing.tableDefinition.name == "things")
        #expect(Outer.Thing.tableDefinition.isEvent && Outer.Thing.tableDefinition.access == .private)
    }

    @Test func aDefinitionListsStoredPropertiesOnly() {
        let definition = Post.tableDefinition
        #expect(
            definition.columns.map(\.name)
                == ["id", "author", "sent", "note", "tags", "default", "x", "y", "shape"])
        #expect(definition.columns[5].defaultValue == [3])
        #expect(definition.primaryKey == [0] && definition.autoIncrement == [0])
        #expect(definition.uniqueConstraints == [[0], [2, 3]])
    }

    static func post(_ author: UInt8, shape: Shape = .square(w: 2, h: 3)) -> Post {
        Post(
            id: 0, author: "a\(author)", sent: Timestamp(microsecondsSinceUnixEpoch: 9), note: author == 1 ? nil : "n",
            tags: ["x", ""], default: 7, x: 1, y: 2, shape: shape)
    }
}

@Suite struct MacroCallTests {
    private func texts(_ db: Database<Gallery>) throws -> [String] {
        try db.read { db in db.note.rows.sorted { $0.id < $1.id }.map(\.text) }
    }

    @Test func reducersTakeNoneToSixArguments() throws {
        let db = try Database.open(.inMemory, module: Gallery.self)
        try db.call(Gallery.none)
        try db.call(Gallery.one, .pair(-1, 2))
        try db.call(Gallery.`repeat`, "ab", 3)
        try db.call(Gallery.three, 1, ["x"], .default)
        try db.call(Gallery.four, -4, true, 0.5, "four")
        try db.call(Gallery.five, -5, 5, db.owner, .zero, Uuid(number: 5))
        try db.call(Gallery.six, 1, -2, 3, -4, [.leaf], Node(name: "six", children: []))
        let noted = try texts(db)
        let expected = [
            "setUp", "none", "\(Shape.pair(-1, 2))", "ababab", #"1 ["x"] default"#, "-4 true 0.5 four",
            "-5 true true true true", "1 -2 3 -4 1 six",
        ]
        #expect(noted == expected)
    }

    @Test func clientsCallTheSameReducersWithBytes() throws {
        let db = try Database.open(.inMemory, module: Gallery.self)
        let alice = try db.connect(as: "alice")
        try alice.call("none", arguments: [])
        try alice.call("repeat", arguments: "ab".bsatn() + [2])
        try alice.call("other_name", arguments: [9] + ([String]?.none).bsatn() + Color.red.bsatn())
        try alice.call("six", arguments: [1, 2, 0] + Int32(3).bsatn() + Int64(4).bsatn() + [0, 0, 0, 0] + [1])
        #expect(try texts(db) == ["setUp", "none", "abab", "9 [] red", "1 2 3 4 0 -"])
    }

    @Test func rowsOfEveryColumnTypeAreStoredAndFound() throws {
        let db = try Database.open(.inMemory, module: Gallery.self)
        try db.call(Gallery.post, MacroTypeTests.post(1))
        try db.call(Gallery.post, MacroTypeTests.post(2, shape: .list([.red])))
        let error = #expect(throws: DatabaseError.self) { try db.call(Gallery.post, MacroTypeTests.post(3)) }
        #expect(error?.code == .uniqueViolation)
        let sent = Timestamp(microsecondsSinceUnixEpoch: 9)
        try db.read { db in
            #expect(db.post.id.find(1)?.note == nil)
            #expect(db.post.id.find(2)?.shape == .list([.red]))
            #expect(db.post.author.filter("a2").map(\.note) == ["n"])
            #expect(db.post.byAuthorSent.filter("a1", sent...).map(\.tags) == [["x", ""]])
            #expect(db.post.onePerMoment.find(sent, "n")?.id == 2)
            #expect(db.post.where { $0.shape == .list([.red]) }.map(\.id) == [2])
            #expect(db.post.where { $0.default == 7 && $0.note == nil }.map(\.id) == [1])
        }
    }

    @Test func publicAndPrivateExpansionsRun() throws {
        let db = try Database.open(.inMemory, module: Gallery.self)
        try db.call(Gallery.fill)
        #expect(try db.read { $0.open.name.filter("open").map(\.part.a) } == [-1])
        #expect(try db.read { $0.halfOpen.x.find(-7)?.secret } == "s")
        let shown = try Database.open(.inMemory, module: PublicModule.self)
        try shown.call(PublicModule.act, 4)
        #expect(try shown.read { $0.open.id.contains(4) })
        let hidden = try Database.open(.inMemory, module: PrivateModule.self)
        try hidden.call(PrivateModule.a, Secret(a: 300))
        #expect(try hidden.read { $0.hidden.b.filter(300).map(\.a) } == [300])
        #expect(try Database.open(.inMemory, module: EmptyModule.self).lastOffset() == TxOffset(0))
    }

    @Test func eventsOfNestedTypesReachSubscribers() throws {
        let db = try Database.open(.inMemory, module: Gallery.self)
        let red = try db.subscribe(Outer.Thing.where { $0.color == .red })
        let thing = Outer.Thing(position: Position(x: 0, y: 1), color: .red, inner: .init(z: Nothing()))
        var green = thing
        green.color = .green
        try db.call(Gallery.happen, green)
        try db.call(Gallery.happen, thing)
        #expect(red.nextAvailable()?.isInitial == true)
        let change = try #require(red.nextAvailable())
        #expect(change.inserted == [thing] && change.deleted.isEmpty && change.updated.isEmpty)
        #expect(red.nextAvailable() == nil)
        #expect(try db.read { $0.thing.isEmpty } && db.snapshot().count(of: Outer.Thing.self) == 0)
    }
}
