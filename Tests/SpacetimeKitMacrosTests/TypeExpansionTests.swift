import Testing

/// What @SpacetimeType becomes, literally.
@Suite struct TypeExpansionTests {
    @Test func aStruct() {
        expectExpansion(
            """
            @SpacetimeType
            struct Position {
                var x: Float
                var near: [Position]
            }
            """,
            """

            struct Position {
                var x: Float
                var near: [Position]

                nonisolated static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Position") { types in
                        let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                            ("x", SpacetimeKit._spacetimeType(Float.self, &types)),
                            ("near", SpacetimeKit._spacetimeType([Position].self, &types)),
                        ]
                        return .product(SpacetimeKit.ProductType(elements))
                    }
                }

                nonisolated static var bsatnFixedSize: Swift.Int? {
                    SpacetimeKit._fixedSize(SpacetimeKit._spacetimeSize(Float.self), SpacetimeKit._spacetimeSize([Position].self))
                }

                nonisolated func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                    self.x.encode(to: &writer)
                    self.near.encode(to: &writer)
                }

                nonisolated struct _SpacetimeFields: Swift.Sendable {
                    init() {
                    }
                    var x: SpacetimeKit._Field<Float> {
                        .init(0)
                    }
                    var near: SpacetimeKit._Field<[Position]> {
                        .init(1)
                    }
                }
            }

            nonisolated extension Position: SpacetimeKit.SpacetimeType, SpacetimeKit.FieldedType {
                init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    self.x = try .init(from: &reader)
                    self.near = try .init(from: &reader)
                }
            }
            """)
    }

    @Test func aStructWithoutFieldsTakesNoBytes() {
        expectExpansion(
            """
            @SpacetimeType(name: "Unit")
            package struct Nothing {
            }
            """,
            """

            package struct Nothing {

                package nonisolated init() {
                }

                package nonisolated static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Unit") { types in
                        let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                        ]
                        return .product(SpacetimeKit.ProductType(elements))
                    }
                }

                package nonisolated static var bsatnFixedSize: Swift.Int? {
                    SpacetimeKit._fixedSize()
                }

                package nonisolated func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                }
            }

            nonisolated extension Nothing: SpacetimeKit.SpacetimeType {
                package init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                }
            }
            """)
    }

    @Test func anEnumOfAllKindsOfPayload() {
        expectExpansion(
            """
            @SpacetimeType
            enum Shape {
                case circle(Double), square(w: UInt16, h: UInt16?), point
                case `default`(Int8, Int8)
            }
            """,
            """

            enum Shape {
                case circle(Double), square(w: UInt16, h: UInt16?), point
                case `default`(Int8, Int8)

                private nonisolated enum _SpacetimePayloads {
                    enum _square {
                    }
                    enum _default {
                    }
                }

                nonisolated static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Shape") { types in
                        let variants: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                            ("circle", SpacetimeKit._spacetimeType(Double.self, &types)),
                            ("square", types.declare(_SpacetimePayloads._square.self, name: "Shape_Square", isGenerated: true) { types in
                                    let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                                        ("w", SpacetimeKit._spacetimeType(UInt16.self, &types)),
                                        ("h", SpacetimeKit._spacetimeType((UInt16?).self, &types)),
                                    ]
                                    return .product(SpacetimeKit.ProductType(elements))
                                }),
                            ("point", .unit),
                            ("default", types.declare(_SpacetimePayloads._default.self, name: "Shape_Default", isGenerated: true) { types in
                                    let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                                        ("value0", SpacetimeKit._spacetimeType(Int8.self, &types)),
                                        ("value1", SpacetimeKit._spacetimeType(Int8.self, &types)),
                                    ]
                                    return .product(SpacetimeKit.ProductType(elements))
                                }),
                        ]
                        return .sum(SpacetimeKit.SumType(variants))
                    }
                }

                nonisolated static var bsatnFixedSize: Swift.Int? {
                    nil
                }

                nonisolated init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    switch try reader.readTag(below: 4) {
                    case 0:
                        self = try .circle(.init(from: &reader))
                    case 1:
                        self = try .square(w: .init(from: &reader), h: .init(from: &reader))
                    case 2:
                        self = .point
                    default:
                        self = try .`default`(.init(from: &reader), .init(from: &reader))
                    }
                }

                nonisolated func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                    switch self {
                    case .circle(let value0):
                        writer.writeTag(0)
                        value0.encode(to: &writer)
                    case .square(let value0, let value1):
                        writer.writeTag(1)
                        value0.encode(to: &writer)
                        value1.encode(to: &writer)
                    case .point:
                        writer.writeTag(2)
                    case .`default`(let value0, let value1):
                        writer.writeTag(3)
                        value0.encode(to: &writer)
                        value1.encode(to: &writer)
                    }
                }

                nonisolated struct _SpacetimeFields: Swift.Sendable {
                    init() {
                    }
                    var circle: SpacetimeKit._Payload<Double> {
                        .init(0)
                    }
                    nonisolated struct _square: Swift.Sendable {
                        init() {
                        }
                        var w: SpacetimeKit._Field<UInt16> {
                            .init(0)
                        }
                        var h: SpacetimeKit._Field<UInt16?> {
                            .init(1)
                        }
                    }
                    var square: SpacetimeKit._Payloads<_square> {
                        .init(1, _square())
                    }
                    nonisolated struct _default: Swift.Sendable {
                        init() {
                        }
                        var value0: SpacetimeKit._Field<Int8> {
                            .init(0)
                        }
                        var value1: SpacetimeKit._Field<Int8> {
                            .init(1)
                        }
                    }
                    var `default`: SpacetimeKit._Payloads<_default> {
                        .init(3, _default())
                    }
                }
            }

            nonisolated extension Shape: SpacetimeKit.SpacetimeType, SpacetimeKit.FieldedType {
                private static func _spacetimePayloads(_ value: Self) {
                    switch value {
                    case .circle(let value0):
                        SpacetimeKit._spacetimeStored(value0)
                    case .square(let value0, let value1):
                        SpacetimeKit._spacetimeStored(value0)
                        SpacetimeKit._spacetimeStored(value1)
                    case .point:
                        break
                    case .`default`(let value0, let value1):
                        SpacetimeKit._spacetimeStored(value0)
                        SpacetimeKit._spacetimeStored(value1)
                    }
                }
            }
            """)
    }

    @Test func anEnumWithoutPayloadsTakesOneByte() {
        expectExpansion(
            """
            @SpacetimeType
            public enum Color {
                case red, green
            }
            """,
            """

            public enum Color {
                case red, green

                public nonisolated static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Color") { types in
                        let variants: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                            ("red", .unit),
                            ("green", .unit),
                        ]
                        return .sum(SpacetimeKit.SumType(variants))
                    }
                }

                @inlinable public nonisolated static var bsatnFixedSize: Swift.Int? {
                    1
                }

                @inlinable public nonisolated init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    switch try reader.readTag(below: 2) {
                    case 0:
                        self = .red
                    default:
                        self = .green
                    }
                }

                @inlinable public nonisolated func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                    switch self {
                    case .red:
                        writer.writeTag(0)
                    case .green:
                        writer.writeTag(1)
                    }
                }
            }

            nonisolated extension Color: SpacetimeKit.SpacetimeType {
            }
            """)
    }

    @Test func anEnumWhosePayloadsHaveOneSizeHasIt() {
        expectExpansion(
            """
            @SpacetimeType
            enum Fixed {
                case a(Int32)
                case b(UInt16, UInt16)
            }
            """,
            """

            enum Fixed {
                case a(Int32)
                case b(UInt16, UInt16)

                private nonisolated enum _SpacetimePayloads {
                    enum _b {
                    }
                }

                nonisolated static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Fixed") { types in
                        let variants: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                            ("a", SpacetimeKit._spacetimeType(Int32.self, &types)),
                            ("b", types.declare(_SpacetimePayloads._b.self, name: "Fixed_B", isGenerated: true) { types in
                                    let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                                        ("value0", SpacetimeKit._spacetimeType(UInt16.self, &types)),
                                        ("value1", SpacetimeKit._spacetimeType(UInt16.self, &types)),
                                    ]
                                    return .product(SpacetimeKit.ProductType(elements))
                                }),
                        ]
                        return .sum(SpacetimeKit.SumType(variants))
                    }
                }

                nonisolated static var bsatnFixedSize: Swift.Int? {
                    guard let size = SpacetimeKit._fixedSize(SpacetimeKit._spacetimeSize(Int32.self)), size == SpacetimeKit._fixedSize(SpacetimeKit._spacetimeSize(UInt16.self), SpacetimeKit._spacetimeSize(UInt16.self)) else {
                        return nil
                    }
                    return size + 1
                }

                nonisolated init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    switch try reader.readTag(below: 2) {
                    case 0:
                        self = try .a(.init(from: &reader))
                    default:
                        self = try .b(.init(from: &reader), .init(from: &reader))
                    }
                }

                nonisolated func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                    switch self {
                    case .a(let value0):
                        writer.writeTag(0)
                        value0.encode(to: &writer)
                    case .b(let value0, let value1):
                        writer.writeTag(1)
                        value0.encode(to: &writer)
                        value1.encode(to: &writer)
                    }
                }

                nonisolated struct _SpacetimeFields: Swift.Sendable {
                    init() {
                    }
                    var a: SpacetimeKit._Payload<Int32> {
                        .init(0)
                    }
                    nonisolated struct _b: Swift.Sendable {
                        init() {
                        }
                        var value0: SpacetimeKit._Field<UInt16> {
                            .init(0)
                        }
                        var value1: SpacetimeKit._Field<UInt16> {
                            .init(1)
                        }
                    }
                    var b: SpacetimeKit._Payloads<_b> {
                        .init(1, _b())
                    }
                }
            }

            nonisolated extension Fixed: SpacetimeKit.SpacetimeType, SpacetimeKit.FieldedType {
                private static func _spacetimePayloads(_ value: Self) {
                    switch value {
                    case .a(let value0):
                        SpacetimeKit._spacetimeStored(value0)
                    case .b(let value0, let value1):
                        SpacetimeKit._spacetimeStored(value0)
                        SpacetimeKit._spacetimeStored(value1)
                    }
                }
            }
            """)
    }

    @Test func anIndirectEnumCountsItsDepth() {
        expectExpansion(
            """
            @SpacetimeType
            indirect enum Chain {
                case link(Int32, Chain?)
            }
            """,
            """

            indirect enum Chain {
                case link(Int32, Chain?)

                private nonisolated enum _SpacetimePayloads {
                    enum _link {
                    }
                }

                nonisolated static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Chain") { types in
                        let variants: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                            ("link", types.declare(_SpacetimePayloads._link.self, name: "Chain_Link", isGenerated: true) { types in
                                    let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                                        ("value0", SpacetimeKit._spacetimeType(Int32.self, &types)),
                                        ("value1", SpacetimeKit._spacetimeType((Chain?).self, &types)),
                                    ]
                                    return .product(SpacetimeKit.ProductType(elements))
                                }),
                        ]
                        return .sum(SpacetimeKit.SumType(variants))
                    }
                }

                nonisolated static var bsatnFixedSize: Swift.Int? {
                    nil
                }

                nonisolated init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    try reader.enter()
                    _ = try reader.readTag(below: 1)
                    self = try .link(.init(from: &reader), .init(from: &reader))
                    reader.leave()
                }

                nonisolated func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                    switch self {
                    case .link(let value0, let value1):
                        writer.writeTag(0)
                        value0.encode(to: &writer)
                        value1.encode(to: &writer)
                    }
                }

                nonisolated struct _SpacetimeFields: Swift.Sendable {
                    init() {
                    }
                    nonisolated struct _link: Swift.Sendable {
                        init() {
                        }
                        var value0: SpacetimeKit._Field<Int32> {
                            .init(0)
                        }
                        var value1: SpacetimeKit._Field<Chain?> {
                            .init(1)
                        }
                    }
                    var link: SpacetimeKit._Payloads<_link> {
                        .init(0, _link())
                    }
                }
            }

            nonisolated extension Chain: SpacetimeKit.SpacetimeType, SpacetimeKit.FieldedType {
                private static func _spacetimePayloads(_ value: Self) {
                    switch value {
                    case .link(let value0, let value1):
                        SpacetimeKit._spacetimeStored(value0)
                        SpacetimeKit._spacetimeStored(value1)
                    }
                }
            }
            """)
    }

    @Test func aPublicStructGetsAMemberwiseInitializer() {
        expectExpansion(
            """
            @SpacetimeType
            public struct Style {
                public var width: Int32 = -1
                public var color: Color = .red
                public var `default`: [String] = []
                public var note: String?
                public let shade: UInt8?
            }
            """,
            """

            public struct Style {
                public var width: Int32 = -1
                public var color: Color = .red
                public var `default`: [String] = []
                public var note: String?
                public let shade: UInt8?

                @usableFromInline nonisolated static func _spacetimeInitial(color _: Swift.Void) -> Color {
                    .red
                }

                @inlinable public nonisolated init(width: Int32 = -1, color: Color = Self._spacetimeInitial(color: ()), `default`: [String] = [], note: String? = nil, shade: UInt8?) {
                    self.width = width
                    self.color = color
                    self.`default` = `default`
                    self.note = note
                    self.shade = shade
                }

                public nonisolated static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Style") { types in
                        let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                            ("width", SpacetimeKit._spacetimeType(Int32.self, &types)),
                            ("color", SpacetimeKit._spacetimeType(Color.self, &types)),
                            ("default", SpacetimeKit._spacetimeType([String].self, &types)),
                            ("note", SpacetimeKit._spacetimeType((String?).self, &types)),
                            ("shade", SpacetimeKit._spacetimeType((UInt8?).self, &types)),
                        ]
                        return .product(SpacetimeKit.ProductType(elements))
                    }
                }

                @inlinable public nonisolated static var bsatnFixedSize: Swift.Int? {
                    SpacetimeKit._fixedSize(SpacetimeKit._spacetimeSize(Int32.self), SpacetimeKit._spacetimeSize(Color.self), SpacetimeKit._spacetimeSize([String].self), SpacetimeKit._spacetimeSize((String?).self), SpacetimeKit._spacetimeSize((UInt8?).self))
                }

                @inlinable public nonisolated func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                    self.width.encode(to: &writer)
                    self.color.encode(to: &writer)
                    self.`default`.encode(to: &writer)
                    self.note.encode(to: &writer)
                    self.shade.encode(to: &writer)
                }

                public nonisolated struct _SpacetimeFields: Swift.Sendable {
                    public init() {
                    }
                    public var width: SpacetimeKit._Field<Int32> {
                        .init(0)
                    }
                    public var color: SpacetimeKit._Field<Color> {
                        .init(1)
                    }
                    public var `default`: SpacetimeKit._Field<[String]> {
                        .init(2)
                    }
                    public var note: SpacetimeKit._Field<String?> {
                        .init(3)
                    }
                    public var shade: SpacetimeKit._Field<UInt8?> {
                        .init(4)
                    }
                }
            }

            nonisolated extension Style: SpacetimeKit.SpacetimeType, SpacetimeKit.FieldedType {
                @inlinable public init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    self.width = try .init(from: &reader)
                    self.color = try .init(from: &reader)
                    self.`default` = try .init(from: &reader)
                    self.note = try .init(from: &reader)
                    self.shade = try .init(from: &reader)
                }
            }
            """)
    }

    @Test func aHiddenNamespaceNeedsNoHelpersForDefaultValues() {
        expectExpansion(
            """
            enum Hidden {
                @SpacetimeType
                public struct Style {
                    public var color: Color = .red
                }
            }
            """,
            """
            enum Hidden {
                public struct Style {
                    public var color: Color = .red

                    public nonisolated init(color: Color = .red) {
                        self.color = color
                    }

                    public nonisolated static func algebraicType(
                        in types: inout SpacetimeKit.TypespaceBuilder
                    ) -> SpacetimeKit.AlgebraicType {
                        types.declare(Self.self, name: "Style") { types in
                            let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                                ("color", SpacetimeKit._spacetimeType(Color.self, &types)),
                            ]
                            return .product(SpacetimeKit.ProductType(elements))
                        }
                    }

                    public nonisolated static var bsatnFixedSize: Swift.Int? {
                        SpacetimeKit._fixedSize(SpacetimeKit._spacetimeSize(Color.self))
                    }

                    public nonisolated func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                        self.color.encode(to: &writer)
                    }

                    public nonisolated struct _SpacetimeFields: Swift.Sendable {
                        public init() {
                        }
                        public var color: SpacetimeKit._Field<Color> {
                            .init(0)
                        }
                    }
                }
            }

            nonisolated extension Hidden.Style: SpacetimeKit.SpacetimeType, SpacetimeKit.FieldedType {
                public init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    self.color = try .init(from: &reader)
                }
            }
            """)
    }
}
