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
            }

            extension Position: SpacetimeKit.SpacetimeType {
                static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Position") { types in
                        let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                            ("x", Float.algebraicType(in: &types)),
                            ("near", [Position].algebraicType(in: &types)),
                        ]
                        return .product(SpacetimeKit.ProductType(elements))
                    }
                }
                static var bsatnFixedSize: Swift.Int? {
                    SpacetimeKit._fixedSize(Float.bsatnFixedSize, [Position].bsatnFixedSize)
                }
                init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    self.x = try Float.init(from: &reader)
                    self.near = try [Position].init(from: &reader)
                }
                func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                    self.x.encode(to: &writer)
                    self.near.encode(to: &writer)
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
            }

            extension Nothing: SpacetimeKit.SpacetimeType {
                package static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Unit") { types in
                        let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [

                        ]
                        return .product(SpacetimeKit.ProductType(elements))
                    }
                }
                package static var bsatnFixedSize: Swift.Int? {
                    SpacetimeKit._fixedSize()
                }
                package init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {

                }
                package func encode(to writer: inout SpacetimeKit.BSATNWriter) {

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
            }

            extension Shape: SpacetimeKit.SpacetimeType {
                private enum _SpacetimePayloads {
                    enum _square {
                        }
                    enum _default {
                        }
                }
                static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Shape") { types in
                        let variants: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                            ("circle", Double.algebraicType(in: &types)),
                            ("square", types.declare(_SpacetimePayloads._square.self, name: "Shape_Square") { types in
                                    let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                                        ("w", UInt16.algebraicType(in: &types)),
                                        ("h", (UInt16?).algebraicType(in: &types)),
                                    ]
                                    return .product(SpacetimeKit.ProductType(elements))
                                }),
                            ("point", .unit),
                            ("default", types.declare(_SpacetimePayloads._default.self, name: "Shape_Default") { types in
                                    let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                                        ("value0", Int8.algebraicType(in: &types)),
                                        ("value1", Int8.algebraicType(in: &types)),
                                    ]
                                    return .product(SpacetimeKit.ProductType(elements))
                                }),
                        ]
                        return .sum(SpacetimeKit.SumType(variants))
                    }
                }
                static var bsatnFixedSize: Swift.Int? {
                    nil
                }
                init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    switch try reader.readTag(below: 4) {
                    case 0:
                        self = try .circle(Double.init(from: &reader))
                    case 1:
                        self = try .square(w: UInt16.init(from: &reader), h: (UInt16?).init(from: &reader))
                    case 2:
                        self = .point
                    default:
                        self = try .`default`(Int8.init(from: &reader), Int8.init(from: &reader))
                    }
                }
                func encode(to writer: inout SpacetimeKit.BSATNWriter) {
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
            }

            extension Color: SpacetimeKit.SpacetimeType {
                public static func algebraicType(
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
                @inlinable public static var bsatnFixedSize: Swift.Int? {
                    1
                }
                @inlinable public init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    switch try reader.readTag(below: 2) {
                    case 0:
                        self = .red
                    default:
                        self = .green
                    }
                }
                @inlinable public func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                    switch self {
                    case .red:
                        writer.writeTag(0)
                    case .green:
                        writer.writeTag(1)
                    }
                }
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
            }

            extension Fixed: SpacetimeKit.SpacetimeType {
                private enum _SpacetimePayloads {
                    enum _b {
                        }
                }
                static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Fixed") { types in
                        let variants: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                            ("a", Int32.algebraicType(in: &types)),
                            ("b", types.declare(_SpacetimePayloads._b.self, name: "Fixed_B") { types in
                                    let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                                        ("value0", UInt16.algebraicType(in: &types)),
                                        ("value1", UInt16.algebraicType(in: &types)),
                                    ]
                                    return .product(SpacetimeKit.ProductType(elements))
                                }),
                        ]
                        return .sum(SpacetimeKit.SumType(variants))
                    }
                }
                static var bsatnFixedSize: Swift.Int? {
                    guard let size = SpacetimeKit._fixedSize(Int32.bsatnFixedSize), size == SpacetimeKit._fixedSize(UInt16.bsatnFixedSize, UInt16.bsatnFixedSize) else {
                        return nil
                    }
                    return size + 1
                }
                init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    switch try reader.readTag(below: 2) {
                    case 0:
                        self = try .a(Int32.init(from: &reader))
                    default:
                        self = try .b(UInt16.init(from: &reader), UInt16.init(from: &reader))
                    }
                }
                func encode(to writer: inout SpacetimeKit.BSATNWriter) {
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
            }

            extension Chain: SpacetimeKit.SpacetimeType {
                private enum _SpacetimePayloads {
                    enum _link {
                        }
                }
                static func algebraicType(
                    in types: inout SpacetimeKit.TypespaceBuilder
                ) -> SpacetimeKit.AlgebraicType {
                    types.declare(Self.self, name: "Chain") { types in
                        let variants: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                            ("link", types.declare(_SpacetimePayloads._link.self, name: "Chain_Link") { types in
                                    let elements: [(Swift.String, SpacetimeKit.AlgebraicType)] = [
                                        ("value0", Int32.algebraicType(in: &types)),
                                        ("value1", (Chain?).algebraicType(in: &types)),
                                    ]
                                    return .product(SpacetimeKit.ProductType(elements))
                                }),
                        ]
                        return .sum(SpacetimeKit.SumType(variants))
                    }
                }
                static var bsatnFixedSize: Swift.Int? {
                    nil
                }
                init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                    try reader.enter()
                    _ = try reader.readTag(below: 1)
                    self = try .link(Int32.init(from: &reader), (Chain?).init(from: &reader))
                    reader.leave()
                }
                func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                    switch self {
                    case .link(let value0, let value1):
                        writer.writeTag(0)
                        value0.encode(to: &writer)
                        value1.encode(to: &writer)
                    }
                }
            }
            """)
    }
}
